"""Import, confirmation and withdrawal: what becomes of them, and what is refused."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from common.domain.directory import Certificate, CertificateRole, Directory, Unit
from trunkctl.command_error import CommandError
from trunkctl.units import directory_acts as acts
from trunkctl.units.directory_acts import Comparison
from trunkctl.units.history import Act, Decision, Head, State, head_of

OPENED = date(2025, 7, 1)
SEAL = Certificate(sha256="0a" * 32, role=CertificateRole.UNIT, valid_from=OPENED)
A = Unit(code="A.01", name="A", valid_from=OPENED, certificates=(SEAL,))
B = Unit(code="B.02", name="B", valid_from=OPENED)
ONE = Decision(by="Nguyễn Văn A", why="thêm", at=datetime(2026, 11, 28, 8, tzinfo=UTC))
TWO = Decision(by="Trần Thị B", why="đã đọc lại", at=datetime(2026, 11, 28, 9, tzinfo=UTC))


def version(*units: Unit) -> Directory:
    return Directory(units, version=hashlib.sha256(json.dumps(list(map(repr, units))).encode()).hexdigest())


def at(directory: Directory, **state: object) -> Head:
    return Head(number=7, sha256="e7" * 32, state=State.model_validate({"in_force": directory.version, **state}))


BASE = version(A, B)
RENAMED = version(replace(A, name="Á"), B)
RIGHTS = version(replace(A, broker_user="u"), B)
SHARED = version(A, replace(B, certificates=(SEAL,)))
LESS = version(A)


def proposed(before: Directory = BASE, after: Directory = RIGHTS) -> Head:
    """The end of the history after a proposal."""
    return head_of(acts.imported(at(before), Comparison(before, after), ONE).data)


def test_a_change_of_names_takes_effect_at_once() -> None:
    entry = acts.imported(at(BASE), Comparison(BASE, RENAMED), ONE)
    assert (entry.act, entry.version, entry.state.in_force) == (Act.IMPORTED, RENAMED.version, RENAMED.version)
    assert entry.before == BASE.version


def test_a_change_of_rights_waits() -> None:
    entry = acts.imported(at(BASE), Comparison(BASE, RIGHTS), ONE)
    assert (entry.act, entry.version, entry.state.in_force) == (Act.PROPOSED, RIGHTS.version, BASE.version)
    assert entry.state.pending is not None
    assert (entry.state.pending.version, entry.state.pending.based_on) == (RIGHTS.version, BASE.version)
    assert entry.changes == ("A.01  (rights)  user A.01 becomes u",)


def test_the_first_version_takes_effect_at_once() -> None:
    nothing = Directory([])
    entry = acts.imported(Head(), Comparison(nothing, BASE), ONE)
    assert (entry.act, entry.number, entry.state.in_force) == (Act.IMPORTED, 1, BASE.version)


def test_certificates_that_come_to_be_shared_are_in_the_entry() -> None:
    entry = acts.imported(at(BASE), Comparison(BASE, SHARED), ONE)
    assert entry.shared_certificates == {SEAL.sha256: ("A.01", "B.02")}


def test_a_second_person_puts_it_into_force() -> None:
    entry = acts.confirmed(proposed(), Comparison(BASE, RIGHTS), TWO)
    assert (entry.act, entry.state.in_force, entry.state.pending) == (Act.CONFIRMED, RIGHTS.version, None)
    assert (entry.decision.by, entry.proposed_by) == (TWO.by, ONE.by)


@pytest.mark.parametrize("name", [ONE.by, "nguyen van a", "NGUYỄN  VĂN A."])
def test_the_same_person_is_no_second_one(name: str) -> None:
    with pytest.raises(CommandError, match="another person has to confirm it"):
        acts.confirmed(proposed(), Comparison(BASE, RIGHTS), TWO.model_copy(update={"by": name}))


def test_only_what_was_proposed_is_confirmed() -> None:
    with pytest.raises(CommandError, match="No change of the unit directory waits"):
        acts.confirmed(at(BASE), Comparison(BASE, RIGHTS), TWO)
    with pytest.raises(CommandError, match=r"but version .* waits"):
        acts.confirmed(proposed(), Comparison(BASE, SHARED), TWO)


@pytest.mark.parametrize("typed", ["", RIGHTS.version[:7], "0" * 64, RIGHTS.version + "0"])
def test_a_version_is_named_by_enough_of_its_digits(typed: str) -> None:
    assert acts.pending(proposed().state, RIGHTS.version[:8].upper()).version == RIGHTS.version
    with pytest.raises(CommandError):
        acts.pending(proposed().state, typed)


def test_what_came_into_force_meanwhile_is_not_overwritten() -> None:
    with pytest.raises(CommandError, match="Another version came into force meanwhile"):
        acts.imported(at(RENAMED), Comparison(BASE, SHARED), ONE)
    moved = proposed().model_copy(update={"state": proposed().state.model_copy(update={"in_force": RENAMED.version})})
    with pytest.raises(CommandError, match="Another version came into force meanwhile"):
        acts.confirmed(moved, Comparison(BASE, RIGHTS), TWO)
    with pytest.raises(CommandError, match="was compared with another version"):
        acts.confirmed(moved, Comparison(RENAMED, RIGHTS), TWO)


def test_one_change_waits_at_a_time() -> None:
    for after in (RENAMED, SHARED, RIGHTS):
        with pytest.raises(CommandError, match="waits for a second person"):
            acts.imported(proposed(), Comparison(BASE, after), ONE)


def test_a_withdrawn_change_is_gone() -> None:
    entry = acts.withdrawn(proposed(), RIGHTS.version[:12], TWO)
    assert (entry.act, entry.state.pending, entry.state.in_force) == (Act.WITHDRAWN, None, BASE.version)
    with pytest.raises(CommandError, match="No change"):
        acts.confirmed(head_of(entry.data), Comparison(BASE, RIGHTS), TWO)


@pytest.mark.parametrize(
    ("named", "disabled", "refusal"),
    [
        ([], [], "The file lacks B.02"),
        ([], ["B.02"], "say so with --remove B.02"),
        (["A.01"], ["B.02"], "The file lacks B.02"),
        (["B.02", "A.01"], ["B.02"], "does not remove A.01"),
        (["B.02"], [], "B.02 can still use the trunk"),
        (["B.02"], ["A.01"], "B.02 can still use the trunk"),
        (["B.02"], ["B.02"], ""),
    ],
)
def test_no_unit_is_left_out_silently(named: list[str], disabled: list[str], refusal: str) -> None:
    comparison = Comparison(BASE, LESS)
    if not refusal:
        acts.expect_removals_named(comparison, named, disabled)
        return
    with pytest.raises(CommandError, match=refusal):
        acts.expect_removals_named(comparison, named, disabled)


def test_a_unit_that_was_enabled_meanwhile_is_not_removed() -> None:
    head = proposed(BASE, LESS)
    with pytest.raises(CommandError, match="can still use the trunk"):
        acts.confirmed(head, Comparison(BASE, LESS), TWO)
    closed = head.state.model_copy(update={"disabled": {"B.02": ONE}})
    entry = acts.confirmed(head.model_copy(update={"state": closed}), Comparison(BASE, LESS), TWO)
    assert entry.state.in_force == LESS.version
    assert set(entry.state.disabled) == {"B.02"}


def test_a_trunk_on_one_machine_waits_for_nobody() -> None:
    entry = acts.forced(proposed(), Comparison(BASE, SHARED), ONE)
    assert (entry.act, entry.state.in_force, entry.state.pending) == (Act.IMPORTED, SHARED.version, None)
