"""TraceHeaderList: the way a package has come, and what it does to documents sent earlier."""

from collections.abc import Iterable

from common.domain.envelope import Business, Hop, ReceiverChange, Replacement
from common.domain.ids import comparable
from common.domain.names import DocumentId, PackageKind, UnitCode
from common.domain.reason import Reason
from common.edxml import wire
from common.edxml.fields import Fields
from common.edxml.tolerance import Tolerance
from common.edxml.units import read_code, read_staff, require_code
from common.edxml.unreadable import Unreadable


def read_hops(trace: Fields) -> tuple[Hop, ...]:
    """The stations in their order; an unknown one is kept as such (T11)."""
    return tuple(_hop(fields) for fields in trace.children(wire.TRACE))


def read_business(trace: Fields) -> Business:
    """What the package does; a new document where Bussiness is missing (T8).

    Raises ``Unreadable``: E_ENUM for an unknown code, E_REQ if a kind other than new gives no reason.
    """
    fields = trace.child(wire.BUSINESS, wire.BUSINESS_CORRECTED)
    corrected = not trace.has(wire.BUSINESS) and fields.present
    if corrected or fields.has(wire.BUSINESS_TYPE_CORRECTED):
        fields.notes.add(Tolerance.T7)
    kind = fields.one_of(wire.KIND_OF_TYPE, wire.BUSINESS_TYPE, wire.BUSINESS_TYPE_CORRECTED)
    if kind is None:
        fields.notes.add(Tolerance.T8)
    return _business(fields, kind or PackageKind.NEW)


def _business(fields: Fields, kind: PackageKind) -> Business:
    info = fields.child(wire.DOCUMENT_INFO_BLOCK, wire.DOCUMENT_INFO_BLOCK_CORRECTED)
    reason = fields.text(wire.REASON, wire.REASON_CORRECTED)
    if reason is None and kind is not PackageKind.NEW:
        fields.refuse(Reason.E_REQ, wire.REASON, "is missing")
    return Business(
        kind=kind,
        reason=reason,
        target=fields.identifier(wire.DOCUMENT_ID),
        paper=fields.flag(wire.PAPER),
        document_changed=info.flag(wire.DOCUMENT_INFO),
        receivers_changed=info.flag(wire.DOCUMENT_RECEIVER),
        receiver_changes=tuple(_change(item) for item in info.child(wire.RECEIVER_LIST).children(wire.RECEIVER)),
        replacements=_merged(_replacements(fields.child(wire.REPLACEMENT_LIST))),
        staff=read_staff(fields.child(wire.STAFF_INFO)),
    )


def _hop(fields: Fields) -> Hop:
    unit = read_code(fields)
    try:
        moment = fields.time(wire.TIMESTAMP)
    except Unreadable:  # hops are others' marks on the package: no fault of the sender
        moment = None
    if unit is None or moment is None:
        fields.notes.add(Tolerance.T11)
    return Hop(unit=unit, at=moment)


def _change(fields: Fields) -> ReceiverChange:
    added = fields.one_of(wire.ADDED_OF_RECEIVER_TYPE, wire.RECEIVER_TYPE)
    if added is None:
        fields.refuse(Reason.E_ENUM, wire.RECEIVER_TYPE, "is missing")
    return ReceiverChange(unit=require_code(fields, Reason.E_REQ), added=added)


def _replacements(fields: Fields) -> Iterable[Replacement]:
    for item in fields.children(wire.REPLACEMENT):
        units = tuple(map(comparable, item.child(wire.ORGAN_ID_LIST).texts(wire.ORGAN_ID)))
        yield Replacement(document_id=item.required_identifier(wire.DOCUMENT_ID), units=units)


def _merged(replacements: Iterable[Replacement]) -> tuple[Replacement, ...]:
    """One entry a document: real messages repeat it."""
    found: dict[str, tuple[DocumentId, dict[UnitCode, None]]] = {}
    for item in replacements:
        _, units = found.setdefault(comparable(item.document_id), (item.document_id, {}))
        units.update(dict.fromkeys(item.units))
    return tuple(Replacement(document_id=document_id, units=tuple(units)) for document_id, units in found.values())
