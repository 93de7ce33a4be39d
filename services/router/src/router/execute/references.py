"""Addresses of large packages: issued again before they expire, while the unit has not read the document.

A large package lies in the object store, and its inbox message contains an address that is valid for some days. A
message in an inbox cannot be changed. So another one follows it, with the same event id and a new address.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from common.domain.ids import digest_id, event_id
from common.domain.names import Lane, UnitCode
from common.domain.security import SecurityKind
from common.facts import OperatorActed, OperatorRequested, security_event
from common.headers import DOCUMENT_ID, DOCUMENT_KEY, PACKAGE_ID
from common.service.row_requests import RowRequest
from router.delivery_history import position_of
from router.delivery_state import DeliveryState, Position
from router.execute.placing import Placer
from router.execute.sender import Sender
from router.inbox import Inbox
from router.placing import Placing, PlacingState
from router.store import Store

log = structlog.get_logger("trunk.router")

SERVICE = "router"
SWEEP_LIMIT = 200
LOOK_AGAIN_AFTER = timedelta(hours=1)
"""Pause before a renewal is ordered again that the inbox has not taken."""


def is_unread(position: Position) -> bool:
    """Whether the unit has not yet reported on the content that was placed last."""
    return position.state is DeliveryState.SENT or position.offered_version is not None


class References:
    """Renews addresses by a timer, and on request of an operator."""

    def __init__(
        self,
        store: Store,
        inbox: Inbox,
        placer: Placer,
        sender: Sender,
        reaches: Callable[[UnitCode], bool],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._inbox = inbox
        self._placer = placer
        self._sender = sender
        self._reaches = reaches
        self._now = now

    async def sweep(self) -> None:
        """Renew addresses that are about to expire and that nobody has used."""
        for placing in await self._store.placings.take_expiring(self._now(), SWEEP_LIMIT, LOOK_AGAIN_AFTER):
            history = await self._store.deliveries.history(placing.delivery, placing.receiver)
            if not is_unread(position_of(history)):
                await self._store.placings.set_renewal(placing.id, None)
            elif self._reaches(placing.receiver):
                await self._placer.order(placing, again=True)

    async def act(self, request: OperatorRequested) -> None:
        """Issue an address again, for an operator. A repeated request gets the same answer."""
        if request.target != SERVICE or request.action != "renew":
            return
        placing = await self._store.placings.find(request.record_id)
        if placing is None:
            log.warning("request for a placing that is not kept here", record_id=request.record_id)
            return
        outcome = await self._refusal(placing) or "done"
        saved = await self._store.placings.answer(placing.id, request, self._now(), outcome)
        if saved.outcome == "done":
            await self._placer.order(placing, again=True)
        await self._announce(request, placing, saved)

    async def _refusal(self, placing: Placing) -> str:
        """Why the address is not issued again; empty = it is."""
        if not self._inbox.is_by_reference(placing):
            return "the package is in the message itself"
        if placing.state is not PlacingState.PLACED:
            return f"not in the inbox, but {placing.state}"
        if not self._reaches(placing.receiver):
            return "the unit is closed"
        return "the unit has agreed to a recall of the document" if await self._placer.is_recalled(placing) else ""

    async def _announce(self, request: OperatorRequested, placing: Placing, saved: RowRequest) -> None:
        identifier = digest_id("renew", request.record_id, request.event_id, request.actor, request.purpose)
        acted = OperatorActed(
            event_id=event_id(identifier, "acted"),
            occurred_at=saved.at,
            subject=placing.headers.get(DOCUMENT_KEY) or identifier,
            lane=Lane.NORMAL,
            service=SERVICE,
            record_id=request.record_id,
            action=request.action,
            actor=request.actor,
            purpose=request.purpose,
            outcome=saved.outcome,
            package_id=placing.headers.get(PACKAGE_ID, ""),
            document_id=placing.headers.get(DOCUMENT_ID, ""),
        )
        await self._sender.announce(acted)
        await self._sender.announce(
            security_event(
                SERVICE,
                SecurityKind.OPERATOR_ACTED,
                event_id(identifier, "security/acted"),
                saved.at,
                actor=request.actor,
                origin="placings",
                detail=f"{request.action} of {request.record_id}: {saved.outcome}; {request.purpose}",
                package_id=acted.package_id,
            )
        )
