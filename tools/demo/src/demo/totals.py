"""The sums of a demo, which must add up. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from common.domain.names import UnitCode
from common.domain.reason import Reason
from demo.cases import Case, Kind, Outcome

VALID = "document.verified"
REFUSALS = frozenset({"document.refused", "package.refused"})
"""Facts of which the archive keeps evidence."""


@dataclass(frozen=True, slots=True)
class Sum:
    """``left`` must be the sum of ``parts``."""

    name: str
    left: int
    parts: tuple[tuple[str, int], ...]

    @property
    def adds_up(self) -> bool:
        """Whether it does."""
        return self.left == sum(value for _, value in self.parts)

    def __str__(self) -> str:
        sign = "=" if self.adds_up else "≠"
        return f"{self.name} {self.left} {sign} " + " + ".join(f"{name} {value}" for name, value in self.parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """The state after the run, as an operator sees it."""

    verdicts: Mapping[str, str]
    """What the archive has on record, by package."""
    states: Mapping[tuple[str, UnitCode], str]
    """Where each delivery stands, by document key and receiver."""
    expected_states: Mapping[tuple[str, UnitCode], str]
    newly_parked: int = 0
    trespasses: Mapping[str, bool] | None = None
    """Attempts that the broker must refuse, and whether it did."""


def sums(cases: Sequence[Case], observed: Observed) -> list[Sum]:
    """Every equation that must hold."""
    documents = [case for case in cases if case.kind is Kind.DOCUMENT]
    delivered = _count(documents, Outcome.DELIVERED)
    refused = _count(documents, Outcome.REFUSED)
    verdicts = [observed.verdicts.get(case.package_id, "") for case in documents]
    in_place = sum(observed.states.get(key) == state for key, state in observed.expected_states.items())
    return [
        Sum("documents sent", len(documents), (("delivered", delivered), ("refused", refused))),
        Sum("documents archived as valid", verdicts.count(VALID), (("delivered", delivered),)),
        Sum("refusals kept as evidence", sum(v in REFUSALS for v in verdicts), (("refused", refused),)),
        Sum("receivers of delivered documents", _receivers(documents), _reached(documents)),
        Sum("same bytes again", *_own_line(cases, Kind.REPEAT, Outcome.ANSWERED)),
        Sum("recalls sent", *_own_line(cases, Kind.RECALL, Outcome.DELIVERED, Outcome.REFUSED)),
        Sum("statuses sent", *_own_line(cases, Kind.STATUS, Outcome.DELIVERED)),
        Sum("deliveries", len(observed.expected_states), (("in the state their statuses say", in_place),)),
    ]


def problems(cases: Iterable[Case], observed: Observed, equations: Iterable[Sum]) -> list[str]:
    """One line for each wrong result; empty = there is none."""
    lines = [f"{case.title} of {case.sender}: {_unexpected(case)}" for case in cases if not case.as_expected]
    lines += [f"does not add up: {equation}" for equation in equations if not equation.adds_up]
    lines += [f"the broker allowed: {what}" for what, refused in (observed.trespasses or {}).items() if not refused]
    if observed.newly_parked:
        lines.append(f"{observed.newly_parked} messages were parked meanwhile: see `trunkctl park list`")
    return lines


def median_seconds(cases: Iterable[Case], *, urgent: bool, burst: bool) -> float | None:
    """Of delivered documents, from submission until the last receiver had them."""
    seconds = [
        case.seconds
        for case in cases
        if (case.kind, case.urgent, case.burst) == (Kind.DOCUMENT, urgent, burst)
        and case.outcome is Outcome.DELIVERED
        and case.seconds is not None
    ]
    return median(seconds) if seconds else None


def _count(cases: Iterable[Case], outcome: Outcome) -> int:
    return sum(case.outcome is outcome for case in cases)


def _own_line(cases: Iterable[Case], kind: Kind, *outcomes: Outcome) -> tuple[int, tuple[tuple[str, int], ...]]:
    counted = [case for case in cases if case.kind is kind]
    return len(counted), tuple((str(outcome), _count(counted, outcome)) for outcome in outcomes)


def _receivers(documents: Iterable[Case]) -> int:
    return sum(len(case.receivers) for case in documents if case.outcome is Outcome.DELIVERED)


def _reached(documents: Sequence[Case]) -> tuple[tuple[str, int], ...]:
    """For a closed unit with a successor, the successor's inbox is the one that is reached."""
    delivered = [case for case in documents if case.outcome is Outcome.DELIVERED]
    placed = sum(len(case.placed) for case in delivered)
    refused = [reason for case in delivered for _, reason in case.turned if reason is not Reason.E_TO_SUCCEEDED]
    return (("inboxes reached", placed), ("receivers refused", len(refused)))


def _unexpected(case: Case) -> str:
    if case.altered_for:
        return f"other bytes reached {', '.join(case.altered_for)}"
    if case.outcome is Outcome.UNANSWERED:
        missing = sorted(case.expected.placed - case.placed.keys())
        return f"unanswered{', missing at ' + ', '.join(missing) if missing else ''} (package {case.package_id})"
    return f"{case.outcome}, {case.reason or 'no reason'}, must be {case.expected.reason or 'delivered'}"
