"""Content for a unit from which the document is being taken back.

New content is held until the unit answers the recall. If the unit agrees, nothing of the document is placed any more,
neither held content nor content on its way: a recall can overtake the document that it is about, when the order to
place the document is redelivered. Answers count in the order of submission. So content that was withdrawn for one
answer is placed after all when an earlier answer, which declined, arrives late.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime

from common.domain.names import UnitCode
from common.facts import FACT, BaseFact
from router.compose import ANSWER, Answer
from router.delivery_history import History, content_packages, position_of
from router.delivery_state import DeliveryState
from router.execute.execution import Decided, answer_id, recall_of
from router.execute.messages import kept_withdrawal, withdrawal_of
from router.execute.placing import Placer
from router.execute.sender import Sender
from router.placing import LOST_AFTER, Cause, Placing, PlacingState, delivery_placing_id
from router.store import Store


def held(placing: Placing, refusal: Answer, refused: BaseFact) -> Placing:
    """The placing in state ``held``. ``refusal``: the answer to the sender, and ``refused``: the fact, if it is
    withdrawn."""
    return placing.model_copy(
        update={
            "state": PlacingState.HELD,
            "cause": Cause.RECALL,
            "refusal": ANSWER.dump_python(refusal, mode="json"),
            "refused": refused.model_dump(mode="json", exclude_none=True),
        }
    )


def is_withdrawn_for_answer(placing: Placing) -> bool:
    """Whether a placing was withdrawn because its unit had agreed to a recall; not by a recall directly, nor by an
    operator."""
    was_held = not placing.withdrawn_by and placing.refusal is not None
    is_for_answer = was_held or recall_of(placing.withdrawn_by) != placing.withdrawn_by
    return placing.state is PlacingState.WITHDRAWN and is_for_answer


class HeldContent:
    """Places or withdraws content for a unit, according to its answer to a recall. All methods are idempotent."""

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

    async def settle(self, decided: Decided, receiver: UnitCode, document: str = "") -> None:
        """Carry out the unit's answer, if it has answered.

        ``decided``: the answer, or the recall; ``document``: key of the document, if it is not that of the decision.
        Repeats until the state of the delivery no longer changes: another process may record a further answer, and
        carry it out, at the same time.
        """
        key = document or decided.decision.subject
        history, settled = await self._store.deliveries.history(key, receiver), DeliveryState.RECALL_PENDING
        while (state := position_of(history).state) not in (DeliveryState.RECALL_PENDING, settled):
            await self._carry_out(decided, receiver, history, state)
            history, settled = await self._store.deliveries.history(key, receiver), state

    async def _carry_out(self, decided: Decided, receiver: UnitCode, history: History, state: DeliveryState) -> None:
        for package_id in content_packages(history):
            placing = await self._store.placings.find(delivery_placing_id(package_id, receiver))
            if placing is None:
                continue
            if state is DeliveryState.RECALLED:
                await self._withdraw(placing)
                await self._withdraw_unplaced(decided, placing)
            else:
                await self._give(placing)

    async def _give(self, placing: Placing) -> None:
        """Order content that was held, or that was withdrawn for an answer which no longer counts."""
        if placing.state is PlacingState.HELD:
            is_ours = await self._store.placings.release(placing.id, self._now() + LOST_AFTER)
        elif is_withdrawn_for_answer(placing):
            is_ours = await self._store.placings.reopen(placing.id, self._now() + LOST_AFTER)
        else:
            return
        await (self._placer.order(placing) if is_ours else self._placer.order_again(placing))

    async def _withdraw(self, placing: Placing) -> None:
        """Withdraw content that is held, and announce that. Content that was released before is left alone."""
        if placing.refusal is None or not await self._store.placings.withdraw_held(placing.id, placing.refused):
            return
        await self._answer(ANSWER.validate_python(placing.refusal))
        await self._sender.announce(FACT.validate_python(placing.refused))
        if not await self._store.placings.has_open(placing.decision):
            await self._finished(placing.decision)

    async def _withdraw_unplaced(self, decided: Decided, placing: Placing) -> None:
        """Withdraw content that was ordered before the recall and, as far as the router knows, is not in the inbox.

        Content that the inbox had before the broker lost its data is withdrawn without a fact: it was delivered.
        """
        if placing.fact is None:
            return
        ended_by = answer_id(decided.fact.event_id)  # not by the recall, which announces it itself
        at = decided.decision.at
        fact = kept_withdrawal(placing, at) if placing.placed_at is None else None
        if not await self._store.placings.withdraw_unplaced(placing.id, ended_by, fact):
            return
        if fact:
            saved = await self._store.placings.find(placing.id) or placing
            await self._sender.announce(withdrawal_of(saved, at))
        if not await self._store.placings.has_open(placing.decision):
            await self._finished(placing.decision)
