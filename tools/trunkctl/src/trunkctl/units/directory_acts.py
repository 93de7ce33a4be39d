"""Acts about the directory, each as the entry of the history that it becomes, or ``CommandError``: pure.

A version that changes who may do or learn something is proposed by one person and confirmed by another (R38). The very
first version takes effect at once: there is nothing yet that it could change.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property

from common.domain.directory import Directory
from common.domain.names import Sha256, UnitCode
from trunkctl.command_error import CommandError
from trunkctl.units.changes import Change, Effect, compare, needs_second_person, newly_shared
from trunkctl.units.history import Act, Decision, Entry, Head, Proposal, State, following, is_same_person

MIN_VERSION_DIGITS = 8
"""How much of a version has to be typed to name it."""


@dataclass(frozen=True)
class Comparison:
    """A version of the directory beside the one in force."""

    before: Directory
    after: Directory

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """Every difference."""
        return compare(self.before, self.after)

    @property
    def is_same_file(self) -> bool:
        """Whether it is the version in force, byte for byte."""
        return self.before.version == self.after.version

    @property
    def waits(self) -> bool:
        """Whether it takes effect only after a second person has confirmed it."""
        return bool(self.before.version) and needs_second_person(self.changes)

    def units_with(self, *effects: Effect) -> list[UnitCode]:
        """Units to which the change does one of these."""
        return sorted({change.unit for change in self.changes if change.effect in effects})


def expect_removals_named(comparison: Comparison, named: Iterable[UnitCode], disabled: Collection[UnitCode]) -> None:
    """Raise ``CommandError`` unless exactly the named units are left out, and none of them can still use the trunk."""
    removed, named = set(comparison.units_with(Effect.REMOVED)), set(named)
    if silent := removed - named:
        options = " ".join(f"--remove {code}" for code in sorted(silent))
        raise CommandError(
            f"The file lacks {_listed(silent)}. A unit that ends gets a last day (valid_to) and stays in the file, "
            f"since its documents name it. Only an entry made by mistake is taken out: say so with {options}."
        )
    if kept := named - removed:
        raise CommandError(f"The file does not remove {_listed(kept)}.")
    if open_ones := removed - set(disabled):
        raise CommandError(
            f"{_listed(open_ones)} can still use the trunk: `trunkctl units disable` first, then take it out."
        )


def expect_nothing_pending(state: State) -> None:
    """Raise ``CommandError`` while a change waits for its second person. Only one may wait at a time."""
    if state.pending:
        raise CommandError(
            f"{_shown(state.pending)} waits for a second person. Confirm it (`trunkctl units confirm`) or take it back "
            "(`trunkctl units withdraw`) first."
        )


def imported(head: Head, comparison: Comparison, decision: Decision) -> Entry:
    """The file becomes the version in force, or a proposal. Raises ``CommandError`` if another change came first."""
    _expect_in_force(head, comparison)
    expect_nothing_pending(head.state)
    version = comparison.after.version
    if not comparison.waits:
        state = head.state.model_copy(update={"in_force": version})
        return _about(head, Act.IMPORTED, decision, state, comparison)
    proposal = Proposal(version=version, based_on=comparison.before.version, decision=decision)
    state = head.state.model_copy(update={"pending": proposal})
    return _about(head, Act.PROPOSED, decision, state, comparison)


def forced(head: Head, comparison: Comparison, decision: Decision) -> Entry:
    """The file becomes the version in force, whatever it changes: for a trunk on one machine with one person."""
    state = head.state.model_copy(update={"in_force": comparison.after.version, "pending": None})
    return _about(head, Act.IMPORTED, decision, state, comparison)


def confirmed(head: Head, comparison: Comparison, decision: Decision) -> Entry:
    """The proposed version comes into force. Raises ``CommandError`` for the person who proposed it."""
    proposal = pending(head.state, comparison.after.version)
    _expect_in_force(head, comparison)
    if proposal.based_on != head.state.in_force:
        raise CommandError(f"{_shown(proposal)} was compared with another version: withdraw it and import it again.")
    if is_same_person(decision.by, proposal.decision.by):
        raise CommandError(f"{decision.by} proposed this change: another person has to confirm it.")
    gone = comparison.units_with(Effect.REMOVED)
    expect_removals_named(comparison, gone, head.state.disabled)
    state = head.state.model_copy(update={"in_force": proposal.version, "pending": None})
    return _about(head, Act.CONFIRMED, decision, state, comparison, proposed_by=proposal.decision.by)


def withdrawn(head: Head, version: str, decision: Decision) -> Entry:
    """The proposed version is given up."""
    proposal = pending(head.state, version)
    state = head.state.model_copy(update={"pending": None})
    about = {"version": proposal.version, "proposed_by": proposal.decision.by}
    return following(head, Act.WITHDRAWN, decision, state, **about)


def pending(state: State, version: str) -> Proposal:
    """The change that waits, if it is the one named by the first digits of its version. Raises ``CommandError``."""
    if state.pending is None:
        raise CommandError("No change of the unit directory waits for a second person.")
    if not _names(version, state.pending.version):
        raise CommandError(f"Not {version}, but {_shown(state.pending)} waits for a second person.")
    return state.pending


def is_in_force(state: State, version: str) -> bool:
    """Whether no change waits, and the first digits are those of the version in force."""
    return state.pending is None and _names(version, state.in_force)


def _names(typed: str, version: Sha256) -> bool:
    return len(typed) >= MIN_VERSION_DIGITS and version.startswith(typed.lower())


def _about(
    head: Head, act: Act, decision: Decision, state: State, comparison: Comparison, proposed_by: str = ""
) -> Entry:
    return following(
        head,
        act,
        decision,
        state,
        version=comparison.after.version,
        changes=tuple(map(str, comparison.changes)),
        shared_certificates=newly_shared(comparison.before, comparison.after),
        proposed_by=proposed_by,
    )


def _expect_in_force(head: Head, comparison: Comparison) -> None:
    if head.state.in_force != comparison.before.version:
        raise CommandError("Another version came into force meanwhile. Nothing was done; look at the changes again.")


def _shown(proposal: Proposal) -> str:
    return f"version {short(proposal.version)}, proposed by {proposal.decision.by},"


def short(version: Sha256) -> str:
    """Enough of a version to name it."""
    return version[:12]


def _listed(codes: Iterable[UnitCode]) -> str:
    return ", ".join(sorted(codes))
