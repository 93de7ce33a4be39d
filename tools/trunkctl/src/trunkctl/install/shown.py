"""How the answers are shown: a table for people, JSON for programs."""

import json
from collections.abc import Sequence
from datetime import datetime

from rich.table import Table

from trunkctl.doctor.finding import Answer, Level, exit_code, worst
from trunkctl.shown import rows

PAGE = "docs/operations/install-kubernetes.md"
QUIET = {Level.OK, Level.SKIPPED}


def answers_table(answers: Sequence[Answer]) -> Table:
    """The worst first."""
    table = Table("check", "is", "what", "what to do")
    lines = [(each.check, each.finding.level, each.finding.says, each.finding.act) for each in answers]
    return rows(table, lines)


def as_json(answers: Sequence[Answer], context: str, at: datetime) -> str:
    """One object; ``answers`` in the order of the table."""
    whole = {
        "at": at.isoformat(),
        "context": context,
        "worst": worst(answers),
        "exit_code": exit_code(answers),
        "answers": [
            {
                "check": each.check,
                "level": each.finding.level,
                "says": each.finding.says,
                "act": each.finding.act,
                "page": "" if each.finding.level in QUIET else f"{PAGE}#{each.runbook}",
            }
            for each in answers
        ],
    }
    return json.dumps(whole, ensure_ascii=False, indent=1)
