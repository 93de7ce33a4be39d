"""The result of a check: a level, a sentence, and what to do; pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is, the worst first."""

    FAILED = "failed"
    """Documents are not processed, or may be lost: act now."""
    WARNING = "warning"
    """Something needs a person, or will soon fail."""
    UNKNOWN = "unknown"
    """A server did not answer."""
    SKIPPED = "skipped"
    """Not checked: it is not configured here, or this session lacks the right."""
    OK = "ok"


ORDER = tuple(Level)
EXIT_CODES = {Level.FAILED: 2, Level.WARNING: 1, Level.UNKNOWN: 1, Level.SKIPPED: 0, Level.OK: 0}


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of a check."""

    level: Level
    says: str
    act: str = ""
    """What to do; empty = nothing."""
    runbook: str = ""
    """Page of ``docs/runbooks``; empty = the page of the check."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A finding and the check that it comes from."""

    check: str
    finding: Finding
    runbook: str


def ok(says: str) -> list[Finding]:
    """All is as it should be."""
    return [Finding(Level.OK, says)]


def skipped(says: str, act: str = "") -> list[Finding]:
    """Not asked."""
    return [Finding(Level.SKIPPED, says, act)]


def worst_first(answers: Iterable[Answer]) -> list[Answer]:
    """By level; within a level as the checks stand in their table."""
    return sorted(answers, key=lambda answer: ORDER.index(answer.finding.level))


def worst(answers: Iterable[Answer]) -> Level:
    """The worst level of all; ``ok`` of none."""
    return min((answer.finding.level for answer in answers), key=ORDER.index, default=Level.OK)


def exit_code(answers: Iterable[Answer]) -> int:
    """0 = nothing to do, 1 = warnings or unknown results, 2 = failures."""
    return max((EXIT_CODES[answer.finding.level] for answer in answers), default=0)
