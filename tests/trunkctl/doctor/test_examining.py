"""All checks are asked at once, each within its time; what fails is an answer, and nothing is raised."""

import json
import re
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from pymongo.errors import OperationFailure

from common.failure import Outage
from trunkctl.doctor.asking import NotAnswered, all_at_once, unanswered
from trunkctl.doctor.checks import CHECKS, Check, examine
from trunkctl.doctor.finding import Answer, Finding, Level, exit_code, ok, worst, worst_first
from trunkctl.doctor.shown import MOST_LINES, answers_table, as_json, summary
from trunkctl.doctor.sources import Sources
from trunkctl.settings import ControlSettings

RUNBOOKS = Path(__file__).parents[3] / "docs" / "runbooks"
SOURCES = Sources(ControlSettings())


def answer(level: Level, check: str = "c") -> Answer:
    return Answer(check, Finding(level, "says"), "topology")


def check(name: str, see: Any, judge: Any = ok) -> Check:
    return Check(name, see, judge, "topology")


def refuse(_: Sources) -> None:
    raise Outage("object store", "MaxRetryError")


def status_error(code: int) -> httpx.HTTPStatusError:
    request = httpx.Request("GET", "http://broker/api/users")
    return httpx.HTTPStatusError("no", request=request, response=httpx.Response(code, request=request))


@pytest.mark.parametrize(
    ("levels", "code", "worst_level"),
    [
        ([], 0, Level.OK),
        ([Level.OK, Level.SKIPPED], 0, Level.SKIPPED),
        ([Level.OK, Level.UNKNOWN], 1, Level.UNKNOWN),
        ([Level.WARNING, Level.UNKNOWN, Level.OK], 1, Level.WARNING),
        ([Level.WARNING, Level.FAILED], 2, Level.FAILED),
    ],
)
def test_exit_code_and_worst(levels: list[Level], code: int, worst_level: Level) -> None:
    answers = [answer(level) for level in levels]
    assert exit_code(answers) == code
    assert worst(answers) is worst_level


def test_the_worst_first_and_else_as_in_the_table() -> None:
    mixed = [answer(Level.OK, "a"), answer(Level.FAILED, "b"), answer(Level.OK, "c"), answer(Level.WARNING, "d")]
    assert [each.check for each in worst_first(mixed)] == ["b", "d", "a", "c"]


def test_a_check_that_hangs_or_breaks_keeps_no_other_from_being_asked() -> None:
    never, before = threading.Event(), set(threading.enumerate())
    checks = [
        check("hangs", lambda _: never.wait()),
        check("breaks", lambda _: 1 / 0),
        check("refused", refuse),
        check("judged wrongly", lambda _: "seen", lambda _: [][0]),
        check("answers", lambda _: "well"),
    ]
    answers = {each.check: each.finding for each in examine(SOURCES, checks, seconds=5.0)}
    assert answers["answers"] == Finding(Level.OK, "well")
    assert {name: found.level for name, found in answers.items() if name != "answers"} == dict.fromkeys(
        ("hangs", "breaks", "refused", "judged wrongly"), Level.UNKNOWN
    )
    assert "no answer within" in answers["hangs"].says
    assert "division by zero" in answers["breaks"].says
    assert "object store: MaxRetryError" in answers["refused"].says
    left = set(threading.enumerate()) - before
    assert all(thread.daemon for thread in left), "the process would wait for it before it ends"


SILENT_STORE = """
import asyncio, sys, threading
from trunkctl.commands import doctor
from trunkctl.doctor.checks import Check, examine
from trunkctl.doctor.finding import ok

def hangs(sources):
    asyncio.run(asyncio.to_thread(threading.Event().wait))

checks = [Check("hangs", hangs, ok, "topology"), Check("answers", lambda _: "well", ok, "topology")]
doctor.examine = lambda sources: examine(sources, checks, seconds=5.0)
doctor.doctor(json_wanted=True)
"""


def test_a_request_that_never_ends_does_not_hold_up_the_end() -> None:
    """It waits in a thread of a library, for which Python would wait when it ends."""
    done = subprocess.run(
        [sys.executable, "-c", SILENT_STORE], capture_output=True, text=True, timeout=120, check=False
    )
    told = {each["check"]: each["level"] for each in json.loads(done.stdout)["answers"]}
    assert told == {"hangs": "unknown", "answers": "ok"}
    assert (done.returncode, done.stderr) == (1, "")


def test_answers_come_in_the_order_of_the_questions() -> None:
    first, second = threading.Event(), threading.Event()

    def slow() -> str:
        second.wait(60)
        first.set()
        return "slow"

    def quick() -> str:
        second.set()
        return "quick"

    assert list(all_at_once([slow, quick], 60)) == ["slow", "quick"]
    assert first.is_set()


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (status_error(401), Level.SKIPPED),
        (status_error(403), Level.SKIPPED),
        (status_error(500), Level.UNKNOWN),
        (OperationFailure("not authorized", code=13), Level.SKIPPED),
        (OperationFailure("busy", code=50), Level.UNKNOWN),
        (NotAnswered("no answer within 8 s"), Level.UNKNOWN),
        (Outage("object store", "S3Error"), Level.UNKNOWN),
    ],
)
def test_what_a_session_may_not_see_is_no_fault(error: Exception, level: Level) -> None:
    assert [found.level for found in unanswered(error)] == [level]


def test_every_runbook_that_the_doctor_names_exists() -> None:
    sources = (Path(__file__).parents[3] / "tools" / "trunkctl" / "src" / "trunkctl" / "doctor").glob("*.py")
    pages = {path.stem for path in RUNBOOKS.glob("*.md")}
    named = {each.runbook for each in CHECKS}
    for source in sources:
        named |= set(re.findall(r'(?:Finding\(.*|"(?:silent|returned)": )"([a-z-]+)"[,)}]', source.read_text()))
    named -= {"parked"}
    assert named <= pages
    assert len({each.name for each in CHECKS}) == len(CHECKS)


def test_the_table_is_short_and_json_has_everything() -> None:
    answers = [answer(Level.WARNING) for _ in range(MOST_LINES + 3)] + [answer(Level.OK, "d")]
    assert answers_table(answers).row_count == MOST_LINES + 1
    told = json.loads(as_json(answers, datetime(2026, 11, 29, tzinfo=UTC)))
    assert len(told["answers"]) == MOST_LINES + 4
    assert (told["worst"], told["exit_code"]) == ("warning", 1)
    assert told["answers"][0]["runbook"] == "docs/runbooks/topology.md"
    assert told["answers"][-1]["runbook"] == ""
    assert summary(answers) == f"{MOST_LINES + 3} warning, 1 ok"
