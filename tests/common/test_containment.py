"""An error over one piece of input ends only the work on that piece."""

import asyncio
from collections.abc import Callable
from xml.etree.ElementTree import ParseError

import pytest

from common.containment import ENDS_THE_PROCESS, Unusable, contained, in_thread, raising_unusable
from common.failure import Outage
from common.objects import ObjectMissing, store_errors_as_outages
from common.service.depths import QueueDepths


class Outside(BaseException):
    """Like a panic of a library in Rust: no subclass of Exception."""


UNEXPECTED: list[BaseException] = [
    KeyError("x"), RecursionError("deep"), MemoryError(), AssertionError(), StopIteration(), StopAsyncIteration(),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), ExceptionGroup("several", [ValueError()]), Outside("panicked"),
]  # fmt: skip


def raising(error: BaseException) -> Callable[[], None]:
    def end() -> None:
        raise error

    return end


@pytest.mark.parametrize("error", UNEXPECTED, ids=repr)
def test_contained_hands_over_the_cause(error: BaseException) -> None:
    causes: list[str] = []
    with contained(causes.append):
        raising(error)()
    assert causes[0].startswith(type(error).__name__)


@pytest.mark.parametrize("error", [each for each in UNEXPECTED if not isinstance(each, MemoryError)], ids=repr)
def test_raising_unusable(error: BaseException) -> None:
    with (
        pytest.raises(Unusable, match=f"list not readable: {type(error).__name__}"),
        raising_unusable("list not readable"),
    ):
        raising(error)()
    with pytest.raises(Unusable, match="as it is"), raising_unusable("list not readable"):
        raise Unusable("as it is")


def test_a_lack_of_memory_makes_no_input_unusable() -> None:
    with pytest.raises(MemoryError), contained(lambda _: None, passing=(MemoryError,)), raising_unusable():
        raise MemoryError


@pytest.mark.parametrize("kind", ENDS_THE_PROCESS)
def test_the_end_of_the_process_passes(kind: type[BaseException]) -> None:
    with pytest.raises(kind), contained(lambda _: None), raising_unusable():
        raise kind


@pytest.mark.parametrize("error", UNEXPECTED, ids=repr)
async def test_a_thread_answers_whatever_is_raised_in_it(error: BaseException) -> None:
    with pytest.raises(BaseException) as caught:  # noqa: PT011
        await asyncio.wait_for(in_thread(raising(error)), 20)
    assert caught.value is error or str(caught.value) in ("StopIteration", str(error))


@pytest.mark.parametrize(
    "error", [ParseError("no XML"), KeyError("x"), ValueError("no date"), TypeError(), OSError()], ids=repr
)
def test_an_answer_of_the_store_that_cannot_be_read_is_an_outage(error: Exception) -> None:
    with pytest.raises(Outage), store_errors_as_outages():
        raise error
    with pytest.raises(ObjectMissing), store_errors_as_outages():
        raise ObjectMissing("x")


@pytest.mark.parametrize("error", [KeyError("x"), RecursionError(), AssertionError()], ids=repr)
async def test_depths_that_cannot_be_told_are_an_outage(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    depths = QueueDepths("amqp://nowhere", "test")

    async def ask(_queues: object) -> None:
        raise error

    monkeypatch.setattr(depths, "_ask", ask)
    with pytest.raises(Outage, match="depths not told"):
        await depths.ask(["a"])
