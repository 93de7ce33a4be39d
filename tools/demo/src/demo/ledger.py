"""Who is who in a run: which package belongs to which case, and what each receiver still has to report. Pure."""

from dataclasses import dataclass, field

from common.domain.names import StatusCode, UnitCode
from demo.acts import Act
from demo.cases import Case, Kind

STATE_AFTER = {
    StatusCode.ARRIVED: "ARRIVED",
    StatusCode.REFUSED: "REFUSED",
    StatusCode.ACCEPTED: "ACCEPTED",
    StatusCode.DONE: "DONE",
    StatusCode.AGREED: "RECALLED",
}
"""Where a delivery stands once its unit has reported this as its last."""


@dataclass(frozen=True, slots=True)
class Report:
    """A status that a receiver sends next about an act's document."""

    act: Act
    receiver: UnitCode
    step: int

    @property
    def code(self) -> StatusCode:
        """Which one."""
        return self.act.answers[self.step]

    @property
    def following(self) -> "Report | None":
        """What the same receiver sends once this one was forwarded."""
        more = self.step + 1 < len(self.act.answers)
        return Report(self.act, self.receiver, self.step + 1) if more else None


@dataclass(slots=True)
class Ledger:
    """Everything that was sent in a run."""

    cases: list[Case] = field(default_factory=list)
    states: dict[tuple[str, UnitCode], str] = field(default_factory=dict)
    """Where each delivery must stand in the end, by document key and receiver."""
    _by_package: dict[str, Case] = field(default_factory=dict)
    _repeats: dict[str, Case] = field(default_factory=dict)
    _acts: dict[str, Act] = field(default_factory=dict)
    _reports: dict[str, Report] = field(default_factory=dict)
    _owed: dict[str, set[UnitCode]] = field(default_factory=dict)
    """Receivers who have not said their last word, by the act's name."""
    _case_of: dict[str, Case] = field(default_factory=dict)

    def enter(self, act: Act, case: Case) -> None:
        """An act is about to be submitted."""
        self.cases.append(case)
        self._case_of[act.name] = case
        self._owed[act.name] = set(act.expected.placed) if act.answers else set()
        if act.kind is Kind.REPEAT:
            self._repeats[case.package_id] = case
            return
        self._by_package[case.package_id] = case
        self._acts[case.package_id] = act
        for receiver in self._owed[act.name]:
            self.states[case.document_key, receiver] = STATE_AFTER[act.answers[-1]]

    def enter_report(self, report: Report, case: Case) -> None:
        """A status is about to be submitted."""
        self.cases.append(case)
        self._by_package[case.package_id] = case
        self._reports[case.package_id] = report

    def case_of(self, package_id: str) -> Case | None:
        """The case of a package that this run sent."""
        return self._by_package.get(package_id)

    def repeat_of(self, package_id: str) -> Case | None:
        """The case of the repeat, if a package was sent twice and its first copy is through."""
        return self._repeats.get(package_id)

    def next_report(self, package_id: str, unit: UnitCode) -> Report | None:
        """What is to be reported now that ``unit`` has the package; None = nothing more.

        A receiver that has a document reports the first status; once a status was forwarded, its sender goes on.
        """
        if report := self._reports.get(package_id):
            if report.following is None:
                self._owed[report.act.name].discard(report.receiver)
            return report.following
        act = self._acts[package_id]
        return Report(act, unit, 0) if act.answers else None

    def give_up(self, package_id: str) -> None:
        """A status was refused: its sender says no more."""
        if report := self._reports.get(package_id):
            self._owed[report.act.name].discard(report.receiver)

    def through(self, name: str) -> bool:
        """Whether an act is answered, and its receivers have said all they have to say."""
        case = self._case_of.get(name)
        return case is not None and case.complete and not self._owed[name]
