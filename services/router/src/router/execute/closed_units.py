"""Ends placings for units that were closed meanwhile and have no inbox any more. While a closed unit has its inbox, it
gets what was decided for it before."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from common.domain.names import UnitCode
from common.facts import DeliveryRefused
from router.actions import RefuseReceiver
from router.answers import closed_answer
from router.compose import Answer
from router.execute.messages import not_delivered
from router.execute.sender import Sender
from router.placing import Placing, PlacingState
from router.store import Store


def _closed_id(placing: Placing) -> str:
    """``withdrawn_by`` of a placing that ended because its unit is closed."""
    return f"{placing.id}/closed"


def ended_by_closing(placing: Placing) -> bool:
    """Whether a placing ended because its unit was closed and has no inbox."""
    return placing.state is PlacingState.WITHDRAWN and placing.withdrawn_by == _closed_id(placing)


class ClosedUnits:
    """Ends placings, and refuses deliveries with ``E_TO_CLOSED``. Idempotent."""

    def __init__(
        self,
        store: Store,
        sender: Sender,
        closed: Callable[[UnitCode], Awaitable[RefuseReceiver | None]],
        answer: Callable[[Answer], Awaitable[None]],
        finish: Callable[[Placing], Awaitable[None]],
        now: Callable[[], datetime],
    ) -> None:
        """``closed`` gives the refusal of a unit that is surely closed, None for any other."""
        self._store = store
        self._sender = sender
        self._closed = closed
        self._answer = answer
        self._finish = finish
        self._now = now

    async def end(self, placing: Placing) -> bool:
        """End a placing without an inbox if its unit is closed. False = the unit is not closed, or another process has
        placed the message or withdrawn it for another cause.

        A document that the inbox has never had is refused: its sender is answered, and the fact announced. The time of
        the first run is saved with the placing, so that all runs announce the same.
        """
        if (refusal := await self._closed(placing.receiver)) is None:
            return False
        is_undelivered = bool(placing.delivery and placing.fact) and placing.placed_at is None
        fact = not_delivered(placing, refusal, self._now()) if is_undelivered else None
        body = fact.model_dump(mode="json", exclude_none=True) if fact else None
        if not await self._store.placings.withdraw_unplaced(placing.id, _closed_id(placing), body):
            return False
        await self.announce(await self._store.placings.find(placing.id) or placing)
        return True

    async def announce(self, placing: Placing) -> None:
        """Answer the sender and announce the refusal, for a placing that has ended; then finish its decision."""
        if placing.withdrawal and placing.placed_at is None:
            fact = DeliveryRefused.model_validate(placing.withdrawal)
            await self._answer(closed_answer(placing, fact))
            await self._sender.announce(fact)
        await self._finish(placing)
