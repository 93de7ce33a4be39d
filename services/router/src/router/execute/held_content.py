"""New content for a unit from which the document is being taken back: held until the unit answers the recall."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from common.domain.ids import event_id
from common.domain.names import UnitCode
from common.facts import FACT, BaseFact
from router.compose import ANSWER, Answer
from router.delivery_history import held_packages, position_of
from router.delivery_state import DeliveryState
from router.execute.placing import Placer, Sender
from router.placing import LOST_AFTER, Cause, Placing, PlacingState
from router.store import Store


def held(placing: Placing, refusal: Answer, refused: BaseFact) -> Placing:
    """The placing as it is held, with what follows if it is withdrawn."""
    return placing.model_copy(
        update={
            "state": PlacingState.HELD,
            "cause": Cause.RECALL,
            "refusal": ANSWER.dump_python(refusal, mode="json"),
            "refused": refused.model_dump(mode="json", exclude_none=True),
        }
    )


class HeldContent:
    """Releases or withdraws held placings. May be repeated."""

    def __init__(
        self,
        store: Store,
        placer: Placer,
        sender: Sender,
        answer: Callable[[Answer], Awaitable[None]],
        finished: Callable[[str], Awaitable[None]],
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._placer = placer
        self._sender = sender
        self._answer = answer
        self._finished = finished
        self._now = now

    async def settle(self, key: str, receiver: UnitCode) -> None:
        """Do what the unit's answer says, if it has answered."""
        history = await self._store.deliveries.history(key, receiver)
        state = position_of(history).state
        if state is DeliveryState.RECALL_PENDING:
            return
        for package_id in held_packages(history):
            placing = await self._store.placings.find(event_id(package_id, f"placed/{receiver}"))
            if placing is None:
                continue
            if state is DeliveryState.RECALLED:
                await self._withdraw(placing)
            elif placing.state is PlacingState.HELD:
                await self._store.placings.release(placing.id, self._now() + LOST_AFTER)
                await self._placer.order(placing)

    async def _withdraw(self, placing: Placing) -> None:
        if placing.state not in (PlacingState.HELD, PlacingState.WITHDRAWN):
            return
        await self._store.placings.withdraw(placing.id)
        await self._answer(ANSWER.validate_python(placing.refusal))
        await self._sender.announce(FACT.validate_python(placing.refused))
        if not await self._store.placings.has_open(placing.decision):
            await self._finished(placing.decision)
