"""What a unit may submit after a refusal: the same bytes keep their answer, other bytes are judged anew."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from common.domain.directory import Directory
from common.domain.envelope import Hop
from common.domain.reason import Reason
from common.facts import DocumentRefused, PackageAccepted, PackageRefused, PackageRepeated
from intake.handlers import Intake
from intake.settings import IntakeSettings

from ..harness.memory import MemoryDirectory, RecordingPublisher, delivery
from .conftest import MemoryObjects, MemoryPackages, MemoryWaiting
from .test_handlers import RECEIVER, SENDER, package, unit

AT = datetime(2026, 7, 1, 8, 30, tzinfo=UTC)
OPEN, CLOSED = unit(SENDER), unit(SENDER, valid_to=date(2026, 1, 31))


def built(minutes: int = 0) -> bytes:
    """The same document, in a package that was built at another time."""
    return package("one", hops=(Hop(unit=SENDER, at=AT + timedelta(minutes=minutes)),))


class Door:
    """Intake on a memory of its own."""

    def __init__(self) -> None:
        self.announcer, self.directory = RecordingPublisher(), MemoryDirectory(Directory([OPEN, unit(RECEIVER)]))
        memory: tuple[Any, ...] = (MemoryObjects(), MemoryPackages(), MemoryWaiting(), self.directory)
        self.intake = Intake(self.announcer, IntakeSettings(), *memory)

    async def submit(self, body: bytes) -> Any:
        """What is announced last about a submission."""
        await self.intake.receive(delivery(f"submit.{SENDER}.normal", body, user_id=SENDER, exchange="trunk.submit"))
        return self.announcer.facts[-1]


@pytest.fixture
def door() -> Door:
    return Door()


async def test_what_intake_refused_stays_refused_after_its_cause_is_gone(door: Door) -> None:
    door.directory.current = Directory([CLOSED, unit(RECEIVER)])
    refused = await door.submit(built())
    assert isinstance(refused, PackageRefused)
    door.directory.current = Directory([OPEN, unit(RECEIVER)])
    repeated = await door.submit(built())
    assert isinstance(repeated, PackageRepeated)
    assert (repeated.accepted, repeated.reason) == (False, Reason.E_FROM)
    assert isinstance(await door.submit(built(1)), PackageAccepted)


async def test_what_the_validator_refused_is_not_examined_again_unless_it_is_built_again(door: Door) -> None:
    first = await door.submit(built())
    assert isinstance(first, PackageAccepted)
    verdict = {"reason": Reason.E_SIG_SIGNER_NOT_AUTHORISED, "policy_version": "1"}
    await door.intake.release(DocumentRefused.model_validate(first.model_dump(exclude={"fact"}) | verdict))
    assert isinstance(await door.submit(built()), PackageRepeated), "the router repeats the refusal"
    again = await door.submit(built(1))
    assert isinstance(again, PackageAccepted)
    assert again.subject == first.subject
    assert again.package_id != first.package_id
