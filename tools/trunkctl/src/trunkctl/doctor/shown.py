"""How the doctor's answers are shown: a table for people, JSON for programs."""

import json
from collections.abc import Sequence
from datetime import datetime

from rich.table import Table

from trunkctl.doctor.cluster import OWN_VERSION
from trunkctl.doctor.finding import Answer, Level, exit_code, worst
from trunkctl.shown import rows

MOST_LINES = 8
"""Findings of one check and level in the table; JSON has all of them."""
RUNBOOKS = "docs/runbooks"


def answers_table(answers: Sequence[Answer]) -> Table:
    """The worst first."""
    table = Table("check", "is", "what", "what to do", "runbook")
    return rows(table, [_line(answer) for answer in _shortened(answers)])


def summary(answers: Sequence[Answer]) -> str:
    """How many of each level, in one line."""
    counts = {level: sum(answer.finding.level is level for answer in answers) for level in Level}
    return ", ".join(f"{count} {level}" for level, count in counts.items() if count)


def as_json(answers: Sequence[Answer], at: datetime) -> str:
    """One object; ``answers`` in the order of the table."""
    return json.dumps(
        {
            "at": at.isoformat(),
            "version": OWN_VERSION,
            "worst": worst(answers),
            "exit_code": exit_code(answers),
            "answers": [
                {
                    "check": answer.check,
                    "level": answer.finding.level,
                    "says": answer.finding.says,
                    "act": answer.finding.act,
                    "runbook": _page(answer),
                }
                for answer in answers
            ],
        },
        ensure_ascii=False,
        indent=1,
    )


def _shortened(answers: Sequence[Answer]) -> list[Answer]:
    shown: list[Answer] = []
    for answer in answers:
        kind = (answer.check, answer.finding.level)
        if sum((each.check, each.finding.level) == kind for each in shown) < MOST_LINES:
            shown.append(answer)
    return shown


def _line(answer: Answer) -> tuple[object, ...]:
    finding = answer.finding
    return answer.check, finding.level, finding.says, finding.act, answer.runbook if _needs_page(answer) else ""


def _page(answer: Answer) -> str:
    return f"{RUNBOOKS}/{answer.runbook}.md" if _needs_page(answer) else ""


def _needs_page(answer: Answer) -> bool:
    return answer.finding.level in (Level.FAILED, Level.WARNING, Level.UNKNOWN)
