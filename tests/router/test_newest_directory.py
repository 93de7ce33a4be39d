"""No receiver is refused because of an old directory, even if a replica could not read the newest for a while."""

import pytest

from common.domain.names import StatusCode
from common.domain.reason import Reason
from common.failure import Outage
from common.headers import REASON
from router.route import Plan, plan, rests_on_directory

from .conftest import CLOSED, SENDER, UNKNOWN, A, B, World, directory, unit

IMPORTED = "H29.902.01"
"""A unit that the replica has not read of."""
AWAY = Outage("object store", "away")


@pytest.mark.parametrize("receiver", [IMPORTED, CLOSED])
async def test_a_unit_imported_while_the_store_was_away_gets_its_document(world: World, receiver: str) -> None:
    fact = await world.verified(world.letter(to=(A, receiver)))
    world.directory.failure = AWAY
    for _ in range(3):
        with pytest.raises(Outage):
            await world.take(fact)
    world.directory.failure, world.directory.newer = None, directory(IMPORTED)
    if receiver == CLOSED:
        world.directory.newer.units[CLOSED] = unit(CLOSED)
    with pytest.raises(Outage, match="changed"):
        await world.take(fact)
    assert (world.sender.sent, world.sender.facts) == ([], []), "nothing was said by the former directory"
    await world.take(fact)
    assert {sent.unit for sent in world.sender.sent if sent.type == "document"} == {A, receiver}
    assert world.sender.inbox(SENDER, "refusal") == []


async def test_a_unit_that_the_newest_directory_does_not_know_either_is_refused(world: World) -> None:
    await world.take(await world.verified(world.letter(to=(A, UNKNOWN))))
    (refusal,) = world.sender.inbox(SENDER, "refusal")
    assert refusal.headers[REASON] == Reason.E_TO_UNKNOWN


async def test_a_sender_that_the_replica_has_not_read_of_gets_its_receipt(world: World) -> None:
    fact = (await world.accepted(world.letter())).model_copy(update={"sender": IMPORTED})
    world.directory.newer = directory(IMPORTED)
    with pytest.raises(Outage):
        await world.take(fact)
    await world.take(fact)
    assert len(world.sender.inbox(IMPORTED, "receipt")) == 1


async def test_a_status_reaches_a_sender_whose_closing_was_taken_back(world: World) -> None:
    await world.deliver(world.letter())
    del world.directory.current.units[SENDER]
    world.directory.newer = directory()
    fact = await world.notice(world.status(StatusCode.ARRIVED, by=A))
    with pytest.raises(Outage):
        await world.take(fact)
    await world.take(fact)
    assert len(world.sender.inbox(SENDER, "status")) == 1


async def test_the_store_is_not_asked_while_every_receiver_is_known(world: World) -> None:
    world.directory.failure = AWAY
    await world.take(await world.verified(world.letter(to=(A, B))))
    assert {sent.unit for sent in world.sender.sent if sent.type == "document"} == {A, B}


def test_what_rests_on_the_directory(world: World) -> None:
    day = world.clock().date()
    outcomes = {
        receivers: plan(world.letter(to=receivers), "key", {}, world.directory.current, day)
        for receivers in ((A, B), (A, UNKNOWN), (CLOSED,))
    }
    assert all(isinstance(outcome, Plan) for outcome in outcomes.values())
    assert [rests_on_directory(outcome) for outcome in outcomes.values()] == [False, True, True]
