"""Versions and updates: which version an update brings or delivers, and who gets a version that arrives late.

An update without content delivers the version that is current at its place in the order of submission to the units that
it adds. If an older update with content arrives after that, those units get its content, too. Neither update can miss
the other: the added units are saved (as acts) before versions are read, and a version is saved before the acts are
read.
"""

from dataclasses import replace

from common.domain.envelope import Envelope
from common.domain.names import UnitCode
from common.domain.reason import Reason
from common.failure import Transient
from router.actions import Decision, DeliverCurrentVersion, OfferVersion
from router.acts import Act
from router.delivery_history import DeliveryEvent
from router.delivery_state import EventKind
from router.execute.execution import Routable
from router.execute.messages import version_of
from router.order import SubmissionOrder, order_of
from router.store import Store
from router.versions import NumberedVersion


class Versions:
    """The versions of documents for updates. All methods are idempotent."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def decide(self, fact: Routable, update: Envelope, decision: Decision) -> Decision:
        """The decision about an update with its version, and with an ``OfferVersion`` for each unit that a later update
        has given an older version. Raises ``Transient`` while a later update is being decided."""
        await self._store.acts.save([_sharing(fact, decision, unit) for unit in _shared_with(decision)])
        version = await self.of_update(fact, update, decision.subject)
        late: tuple[OfferVersion, ...] = ()
        if update.attachments:
            named = {order.receiver for order in decision.orders}
            units = [unit for unit in await self._overtaken(decision.subject, order_of(fact)) if unit not in named]
            late = tuple(OfferVersion(receiver=unit) for unit in units)
        return replace(decision, version=version, orders=(*decision.orders, *late))

    async def of_update(self, fact: Routable, update: Envelope, subject: str) -> NumberedVersion | None:
        """The version of a document that an update brings, or without content the one that is current at its place."""
        if update.attachments:
            version = version_of(fact, update)
            return NumberedVersion(await self._store.documents.add_version(subject, version, order_of(fact)), version)
        return await self._store.documents.current_version(subject, order_of(fact))

    async def _overtaken(self, key: str, order: SubmissionOrder) -> list[UnitCode]:
        """Units that an update submitted after ``order`` has given a version submitted before it."""
        later = await self._store.acts.about(key, order)
        sharing = [act for act in later if act.event.kind is EventKind.DELIVER and act.receiver]
        return sorted({act.receiver for act in sharing if act.receiver and await self._gave_older(act, order)})

    async def _gave_older(self, act: Act, order: SubmissionOrder) -> bool:
        decision = await self._store.decisions.find(act.event.id)
        if decision is None:
            raise Transient(Reason.E_REFDOC, "a later update of the document is just being decided")
        version_order = decision.version.version.order if decision.version else None
        return version_order is None or version_order < order


def _shared_with(decision: Decision) -> list[UnitCode]:
    return [order.receiver for order in decision.orders if isinstance(order, DeliverCurrentVersion)]


def _sharing(fact: Routable, decision: Decision, unit: UnitCode) -> Act:
    event = DeliveryEvent(
        id=fact.event_id, kind=EventKind.DELIVER, by=fact.sender, at=decision.at, order=order_of(fact)
    )
    return Act(
        document_key=decision.subject,
        receiver=unit,
        event=event,
        fact=fact.model_dump(mode="json", exclude_none=True),
    )
