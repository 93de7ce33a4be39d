"""Asks one check within its time, and turns whatever goes wrong into words: no server holds up another check."""

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import httpx
from minio.error import S3Error
from pymongo.errors import OperationFailure, PyMongoError

from common.containment import ENDS_THE_PROCESS
from trunkctl.doctor.finding import Finding, Level, skipped

CHECK_SECONDS = 8.0
"""Time limit of one check. All run at once, so it is also the limit of the whole command, even if a server is dead."""
FORBIDDEN = {401, 403}
NOT_PERMITTED = {13, 8000}
"""MongoDB's codes for a user without the right (8000: Atlas)."""
MOST_WORDS = 300


class NotAnswered(Exception):
    """A check exceeded its time limit."""


def why_not(error: BaseException) -> str:
    """One line for people."""
    if isinstance(error, httpx.HTTPStatusError):
        return f"{error.response.status_code} for {error.request.url.path}"
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, PyMongoError):
        text = text.partition(" (configured timeouts")[0]
    cause = error.__cause__
    if isinstance(cause, S3Error):
        text = f"{text} ({cause.code})"
    return text[:MOST_WORDS]


def is_forbidden(error: BaseException | None) -> bool:
    """Whether a server answered that this session lacks the right."""
    match error:
        case httpx.HTTPStatusError():
            return error.response.status_code in FORBIDDEN
        case OperationFailure():
            return error.code in NOT_PERMITTED
        case S3Error():
            return error.code == "AccessDenied"
        case None:
            return False
        case _:
            return is_forbidden(error.__cause__)


def unanswered(error: BaseException) -> list[Finding]:
    """The finding for a check whose query failed."""
    if is_forbidden(error):
        return skipped(f"this session may not see it: {why_not(error)}", "Ask again with the role that acts.")
    return [Finding(Level.UNKNOWN, f"could not be asked: {why_not(error)}", "See what is said about the connections.")]


def all_at_once(
    questions: Sequence[Callable[[], Any]], seconds: float = CHECK_SECONDS
) -> Iterator[Any | BaseException]:
    """The answers in the order of the questions; for one that fails, or is not there in time, the exception.

    Threads that hang are left behind; they do not keep the process from ending.
    """
    answers: queue.SimpleQueue[tuple[int, Any]] = queue.SimpleQueue()
    for number, question in enumerate(questions):
        threading.Thread(target=_answer, args=(number, question, answers), daemon=True).start()
    yield from _collected(answers, len(questions), seconds)


def _answer(number: int, question: Callable[[], Any], answers: "queue.SimpleQueue[tuple[int, Any]]") -> None:
    try:
        answers.put((number, question()))
    except BaseException as error:
        answers.put((number, error))
        if isinstance(error, ENDS_THE_PROCESS):
            raise


def _collected(answers: "queue.SimpleQueue[tuple[int, Any]]", count: int, seconds: float) -> Iterable[Any]:
    late = NotAnswered(f"no answer within {seconds:.0f} s")
    collected: list[Any] = [late] * count
    timer = threading.Timer(seconds, lambda: answers.put((-1, None)))
    timer.daemon = True
    timer.start()
    for _ in range(count):
        number, answer = answers.get()
        if number < 0:
            break
        collected[number] = answer
    timer.cancel()
    return collected
