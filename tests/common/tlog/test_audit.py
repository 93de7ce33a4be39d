"""An audit names every file of a log that was altered, removed or added."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.tlog.audit import Claim, Fault, Verified, audit
from common.tlog.checkpoint import Checkpoint
from common.tlog.names import CHECKPOINT, batch_checkpoint
from common.tlog.note import SignerKey
from tests.common.tlog.written import Written

KEY = SignerKey.generate("log.example/trunk")
SIZES = (0, 3, 250, 256, 300, 601)
"""At which there is a checkpoint."""


def files_of(entries: list[bytes], sizes: tuple[int, ...] = SIZES) -> dict[str, bytes]:
    """A log as the sealer writes it."""
    files: dict[str, bytes] = {}
    written = Written([])
    for start, size in itertools.pairwise(sizes):
        written.append(entries[start:size])
        files[batch_checkpoint(start)] = Checkpoint(KEY.name, size, written.root).signed(KEY)
        files[CHECKPOINT] = files[batch_checkpoint(start)]
    return files | written.tiles


ENTRIES = [f"entry {number}".encode() for number in range(SIZES[-1])]
FILES = files_of(ENTRIES)
OTHERS = files_of([b"another", *ENTRIES[1:]])


def faults_in(files: dict[str, bytes], *known: Claim) -> list[Fault]:
    return list(audit(files.get, sorted(files), [KEY.verifier], known))


def test_nothing_is_found_in_a_whole_log() -> None:
    assert faults_in(FILES) == faults_in({}) == []


def test_what_was_verified() -> None:
    run, verified = audit(FILES.get, sorted(FILES), [KEY.verifier], leaves={}), Verified()
    try:
        while True:
            next(run)
    except StopIteration as end:
        verified = end.value
    assert verified.checkpoint
    assert verified.checkpoint.size == 601
    assert sorted(verified.leaves.values()) == list(range(601))


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_every_flipped_bit_is_found_and_named(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(FILES)))
    at, bit = data.draw(st.integers(0, len(FILES[name]) - 1)), data.draw(st.integers(0, 7))
    altered = bytearray(FILES[name])
    altered[at] ^= 1 << bit
    faults = faults_in(FILES | {name: bytes(altered)})
    assert any(name in (fault.name, *fault.what.split()) for fault in faults), faults


@pytest.mark.parametrize("name", [name for name in FILES if ".p/" not in name or name.endswith(("/89", "/2"))])
def test_every_removed_file_is_found_and_named(name: str) -> None:
    remaining = {each: data for each, data in FILES.items() if each != name}
    last = batch_checkpoint(SIZES[-2])
    named = CHECKPOINT if name == last else name
    assert any(fault.name == named for fault in faults_in(remaining))


def test_earlier_partial_tiles_may_go() -> None:
    remaining = {name: data for name, data in FILES.items() if ".p/" not in name or name.endswith(("/89", "/2"))}
    assert len(remaining) < len(FILES)
    assert faults_in(remaining) == []


@pytest.mark.parametrize("cut", range(1, len(SIZES) - 1))
def test_a_cut_off_end_is_found_by_whoever_has_kept_a_checkpoint(cut: int) -> None:
    """All files are those of the log as it once was."""
    before = files_of(ENTRIES, SIZES[: cut + 1])
    assert faults_in(before) == []
    claim = Claim("kept", FILES[CHECKPOINT])
    (fault,) = faults_in(before, claim)
    assert fault == Fault("kept", f"of size 601, and the log ends at {SIZES[cut]}: its end was cut off")


def test_an_end_that_was_not_cut_off_everywhere_is_found() -> None:
    before = files_of(ENTRIES, SIZES[:-1])
    assert Fault(CHECKPOINT, "of size 601, and the log ends at 300: its end was cut off") in faults_in(
        before | {CHECKPOINT: FILES[CHECKPOINT]}
    )
    assert Fault("tile/0/001", "is no part of the log") in faults_in(before | {"tile/0/001": FILES["tile/0/001"]})


def test_a_checkpoint_that_was_turned_back_is_found() -> None:
    older = FILES | {CHECKPOINT: FILES[batch_checkpoint(3)]}
    assert faults_in(older) == [Fault(CHECKPOINT, "of size 250, and the log has 601: a newer one was hidden")]


@pytest.mark.parametrize("name", [CHECKPOINT, *(batch_checkpoint(start) for start in SIZES[:-1])])
def test_two_histories_of_one_key_are_found(name: str) -> None:
    assert OTHERS[name] != FILES[name]
    (fault,) = faults_in(FILES | {name: OTHERS[name]})
    assert fault.name == name
    assert "another history" in fault.what
    (fault,) = faults_in(FILES, Claim("kept", OTHERS[name]))
    assert (fault.name, "another history" in fault.what) == ("kept", True)


def test_another_key_is_not_trusted() -> None:
    other = SignerKey.generate(KEY.name)
    forged = Checkpoint(KEY.name, 601, b"x" * 32).signed(other)
    assert [fault.name for fault in faults_in(FILES | {CHECKPOINT: forged})] == [CHECKPOINT]


@pytest.mark.parametrize("name", ["tile/0/900", "tile/0/000.p/x", "tile/0/002.p/200", "notes.txt", "tile/9/000"])
def test_what_is_no_part_of_the_log_is_named(name: str) -> None:
    assert faults_in(FILES | {name: b"x"}) == [Fault(name, "is no part of the log")]


def test_damage_is_told_once_and_does_not_hide_what_follows() -> None:
    """One altered entry and one altered leaf in full tiles: the tile above says which of the two is right."""
    entry, leaf = bytearray(FILES["tile/entries/000"]), bytearray(FILES["tile/0/001"])
    entry[5] ^= 1
    leaf[40] ^= 1
    faults = faults_in(FILES | {"tile/entries/000": bytes(entry), "tile/0/001": bytes(leaf)})
    assert {fault for fault in faults if ".p/" not in fault.what and ".p/" not in fault.name} == {
        Fault("tile/entries/000", "entry 0 does not give the leaf in tile/0/000"),
        Fault("tile/0/001", "does not hold the leaf of entry 257"),
    }
