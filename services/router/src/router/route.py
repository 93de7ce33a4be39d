"""The decision of the router: which units receive a package, and what it does to documents sent earlier. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Literal

from common.domain.directory import Directory
from common.domain.envelope import Envelope, Message, StatusReport
from common.domain.ids import concerned_documents, document_key
from common.domain.names import DocumentId, PackageKind, StatusCode, UnitCode
from common.domain.outcome import Refused, Undecided
from common.domain.reason import Reason
from common.domain.security import SecurityKind
from router.actions import (
    ON_DELIVERY,
    Action,
    Deliver,
    DeliverCurrentVersion,
    Enclosure,
    ForwardPackage,
    OfferVersion,
    RecordStatus,
    RefuseReceiver,
    Remember,
    Supersede,
    Withdraw,
)
from router.delivery_state import EventKind
from router.succession import BY_DIRECTORY, refusal_of, succeeded, successor_of


class DocumentState(StrEnum):
    """The state of a DocumentId, as far as the router knows."""

    ROUTING = "routing"
    """The deliveries of its document are being opened."""
    DELIVERED = "delivered"
    """All of these are open."""
    REFUSED = "refused"
    """The validator refused the document, or an operator discarded it. A corrected package may bear the same id."""
    ALIAS = "alias"
    """The id of an update or a recall. Statuses that name it are about the document that it concerns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A document sent earlier."""

    key: str
    sender: UnitCode
    document_id: DocumentId
    state: DocumentState
    receivers: frozenset[UnitCode] = frozenset()
    """Units with a delivery of it: all of them for a replacement, otherwise those that the message names."""
    in_place_of: Mapping[UnitCode, frozenset[UnitCode]] = field(default_factory=dict)
    """By unit that was closed, those of ``receivers`` that were given the document in its place: more than one, if the
    first was closed as well before the next version came."""
    is_corrected: bool = False
    """Whether it was refused, and the message is about a corrected package that was let in before the message and is
    still on its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The package is routed: what to do for each receiver."""

    subject: str
    """Key of the document to whose deliveries the orders refer."""
    document_id: DocumentId
    orders: tuple[Action, ...] = ()

    def __post_init__(self) -> None:
        """Raises ``ValueError`` if two actions record an event of one delivery: both events would have the id of the
        package's fact, so that only the first would count."""
        receivers = [order.receiver for order in self.orders if isinstance(order, ON_DELIVERY)]
        if len(receivers) != len(set(receivers)):
            raise ValueError("two actions for one delivery")


Outcome = Plan | Refused | Undecided


def plan(message: Message, subject: str, known: Mapping[str, Known], directory: Directory, day: date) -> Outcome:
    """The plan for a package, its refusal, or ``Undecided`` while a document that it concerns has not been delivered.

    ``subject``: document key of the incoming fact; ``known``: by document key, the documents that the message concerns;
    ``day``: local day in Ho Chi Minh City.
    """
    directory = directory.seen_by(message.sender.code)
    if isinstance(message, StatusReport):
        return _status(message, _target(message, subject, known, Reason.E_STATUS_FORBIDDEN))
    match message.kind:
        case PackageKind.RECALL:
            return _recall(message, _target(message, subject, known, Reason.E_REFDOC), directory, day)
        case PackageKind.UPDATE:
            return _update(message, _target(message, subject, known, Reason.E_REFDOC), directory, day)
        case PackageKind.REPLACE:
            return _replace(message, known, directory, day)
        case _:
            return _deliver(message, (), directory, day)


def units_named(message: Message, directory: Directory, day: date) -> frozenset[UnitCode] | None:
    """Units whose deliveries of the documents concerned matter to ``plan``; None = all units."""
    if isinstance(message, StatusReport):
        return frozenset({_receiver_of(message)})
    if message.kind is PackageKind.REPLACE:
        return None
    changed = (change.unit for change in message.business.receiver_changes)
    directory = directory.seen_by(message.sender.code)
    return _with_successors([*(unit.code for unit in message.receivers), *changed], directory, day)


def rests_on_directory(outcome: Outcome) -> bool:
    """Whether a receiver is refused because the directory does not know it or says that it is closed."""
    orders = outcome.orders if isinstance(outcome, Plan) else ()
    return any(isinstance(order, RefuseReceiver) and order.reason in BY_DIRECTORY for order in orders)


def _with_successors(units: Iterable[UnitCode], directory: Directory, day: date) -> frozenset[UnitCode]:
    named = frozenset(units)
    return named | {successor for unit in named if (successor := successor_of(unit, directory, day))}


def _target(
    message: Message, subject: str, known: Mapping[str, Known], forbidden: Reason
) -> Known | Refused | Undecided:
    keys = [document_key(*concerned) for concerned in concerned_documents(message)]
    candidates = [subject] if subject in keys else keys
    target = next((known[key] for key in candidates if key in known), None)
    if target is None or _is_awaited(target):
        return Undecided(Reason.E_REFDOC, "the document concerned was not delivered yet")
    if target.state is DocumentState.REFUSED:
        return Refused(forbidden, f"văn bản {target.document_id} đã bị từ chối")
    return target


def _is_awaited(document: Known) -> bool:
    """Whether deliveries of the document are still to be opened: by its own package, or by a corrected one."""
    return document.state is DocumentState.ROUTING or document.is_corrected


def _status(status: StatusReport, target: Known | Refused | Undecided) -> Outcome:
    if not isinstance(target, Known):
        return target
    receiver = _receiver_of(status)
    if receiver not in target.receivers and status.code is StatusCode.TAKE_BACK:
        orders = recall_later(receiver, EventKind.TAKE_BACK, Enclosure.PACKAGE)
        return Plan(subject=target.key, document_id=target.document_id, orders=orders)
    if receiver not in target.receivers:
        return Refused(Reason.E_STATUS_FORBIDDEN, _no_receiver(receiver), SecurityKind.FOREIGN_STATUS)
    addressee = receiver if status.code is StatusCode.TAKE_BACK else target.sender
    order = RecordStatus(receiver=receiver, code=status.code, told=addressee)
    return Plan(subject=target.key, document_id=target.document_id, orders=(order,))


def _deliver(envelope: Envelope, more: tuple[Action, ...], directory: Directory, day: date) -> Plan:
    orders: list[Action] = []
    for unit in _unique(unit.code for unit in envelope.receivers):
        if successor := _successor(unit, envelope, directory, day):
            orders += [Deliver(receiver=successor), succeeded(unit, successor)]
        else:
            orders.append(refusal_of(unit, directory, day) or Deliver(receiver=unit))
    key = document_key(envelope.sender.code, envelope.document_id)
    return Plan(subject=key, document_id=envelope.document_id, orders=(*dict.fromkeys(orders), *more))


def _successor(unit: UnitCode, envelope: Envelope, directory: Directory, day: date) -> UnitCode | None:
    """The unit that receives in place of a closed one. None also if that is the sender, which has the document."""
    successor = successor_of(unit, directory, day)
    return None if successor == envelope.sender.code else successor


def _replace(envelope: Envelope, known: Mapping[str, Known], directory: Directory, day: date) -> Outcome:
    orders: list[Action] = []
    for old in envelope.business.replacements:
        document = known.get(document_key(envelope.sender.code, old.document_id))
        if document is None or _is_awaited(document):
            return Undecided(Reason.E_REFDOC, "a replaced document was not delivered yet")
        if document.state is DocumentState.DELIVERED:
            named = _with_successors(old.units, directory, day)
            named = named.union(*(document.in_place_of.get(unit, ()) for unit in old.units))
            units = document.receivers & named if old.units else document.receivers
            orders += [Supersede(receiver=unit, replaced=document.key) for unit in sorted(units)]
            others = _unique(unit for unit in old.units if unit not in units) if old.units else ("",)
            orders += [replace_later(unit, document.key) for unit in others]
    return _deliver(envelope, tuple(dict.fromkeys(orders)), directory, day)


def _recall(envelope: Envelope, target: Known | Refused | Undecided, directory: Directory, day: date) -> Outcome:
    if not isinstance(target, Known):
        return target
    orders: list[Action] = []
    for unit in _unique(unit.code for unit in envelope.receivers):
        orders += _withdraw(unit, target, Enclosure.PACKAGE, directory, day)
    return Plan(subject=target.key, document_id=target.document_id, orders=tuple(dict.fromkeys(orders)))


def _update(envelope: Envelope, target: Known | Refused | Undecided, directory: Directory, day: date) -> Outcome:
    if not isinstance(target, Known):
        return target
    changes = envelope.business.receiver_changes
    removed = _unique(change.unit for change in changes if not change.added)
    added = _unique(change.unit for change in changes if change.added and change.unit not in removed)
    addressed = _unique(unit.code for unit in envelope.receivers if unit.code not in removed)
    has_content = bool(envelope.attachments)
    receiver_for = {unit: _given_for(unit, removed, envelope, directory, day) for unit in _unique([*addressed, *added])}
    newly = {receiver_for[unit] for unit in added} - (target.receivers.intersection(addressed) - frozenset(added))
    orders: list[Action] = []
    for unit, receiver in receiver_for.items():
        if receiver != unit:
            orders += [_next_version(receiver, receiver in newly, has_content, target), succeeded(unit, receiver)]
        else:
            orders.append(refusal_of(unit, directory, day) or _next_version(unit, unit in newly, has_content, target))
    enclosure = Enclosure.NOTICE if has_content else Enclosure.PACKAGE
    staying = frozenset(receiver_for) | frozenset(receiver_for.values())
    for unit in removed:
        orders += _withdraw(unit, target, enclosure, directory, day, staying)
    return Plan(subject=target.key, document_id=target.document_id, orders=tuple(dict.fromkeys(orders)))


def _given_for(
    unit: UnitCode, removed: tuple[UnitCode, ...], envelope: Envelope, directory: Directory, day: date
) -> UnitCode:
    """The unit that receives what an update brings to ``unit``: if ``unit`` is closed, its successor, unless the update
    removes the successor; otherwise ``unit`` itself."""
    successor = _successor(unit, envelope, directory, day)
    return successor if successor and successor not in removed else unit


def _next_version(unit: UnitCode, added: bool, has_content: bool, target: Known) -> Action:
    if has_content:
        return OfferVersion(receiver=unit) if unit in target.receivers else Deliver(receiver=unit)
    if added:
        return DeliverCurrentVersion(receiver=unit)
    if unit in target.receivers:
        return ForwardPackage(receiver=unit)
    return RefuseReceiver(receiver=unit, reason=Reason.E_STATUS_FORBIDDEN, detail=_no_receiver(unit))


def _withdraw(
    unit: UnitCode,
    target: Known,
    enclosure: Enclosure,
    directory: Directory,
    day: date,
    staying: frozenset[UnitCode] = frozenset(),
) -> list[Action]:
    """Actions that take a document back from a unit, or from the units that have it in its place. ``staying``: units
    for which the package is as well, and which therefore keep the document."""
    if unit not in target.receivers:
        holders = _holders_for(unit, target, directory, day)
        if not holders:
            return list(recall_later(unit, EventKind.RECALL, enclosure))
        orders: list[Action] = []
        for holder in holders:
            orders += [] if holder in staying else _withdraw(holder, target, enclosure, directory, day)
        return [*orders, succeeded(unit, *holders)]
    if refusal := refusal_of(unit, directory, day):
        return [Withdraw(receiver=unit, enclosure=Enclosure.NOTHING), refusal]
    return [Withdraw(receiver=unit, enclosure=enclosure)]


def _holders_for(unit: UnitCode, target: Known, directory: Directory, day: date) -> tuple[UnitCode, ...]:
    """The units that have the document in place of ``unit``, which does not have it: its successor as of today, and the
    units that received the document while ``unit`` was closed, even if ``unit`` is open again."""
    successor = successor_of(unit, directory, day)
    holders = _unique([*([successor] if successor else []), *sorted(target.in_place_of.get(unit, ()))])
    return tuple(holder for holder in holders if holder in target.receivers)


def recall_later(
    unit: UnitCode, kind: Literal[EventKind.RECALL, EventKind.TAKE_BACK], enclosure: Enclosure
) -> tuple[Action, ...]:
    """Actions for a unit that has no delivery of a recalled document: the sender gets a refusal, and the recall is
    remembered, in case a package that was submitted before it gives the unit the document."""
    refusal = RefuseReceiver(receiver=unit, reason=Reason.E_STATUS_FORBIDDEN, detail=_no_receiver(unit))
    return (Remember(receiver=unit, kind=kind, enclosure=enclosure), refusal)


def replace_later(unit: UnitCode, document: str) -> Remember:
    """Remembers a replacement for a unit that has no delivery of the replaced document, in case a package that was
    submitted before it gives the unit the document. ``unit``: empty = every such unit; ``document``: its key."""
    return Remember(receiver=unit, kind=EventKind.REPLACE, document=document)


def _receiver_of(status: StatusReport) -> UnitCode:
    return status.response_for.unit if status.code is StatusCode.TAKE_BACK else status.sender.code


def _no_receiver(unit: UnitCode) -> str:
    return f"đơn vị {unit} không phải là nơi nhận của văn bản"


def _unique(units: Iterable[UnitCode]) -> tuple[UnitCode, ...]:
    return tuple(dict.fromkeys(units))
