"""A short run of every fuzz target; long ones: ``python -m fuzz TARGET --minutes N``."""

import pytest
from fuzz.__main__ import run
from fuzz.targets import TARGETS, Finding, check_same_ranges, judge, signed_seeds

from validator.report.decision import Verified

INPUTS = {
    "gate": 200,
    "structure": 200,
    "signed": 400,
    "certificate": 60,
    "edxml": 200,
    "secrecy": 200,
    "difference": 200,
}


@pytest.mark.parametrize("name", TARGETS)
def test_short_run(name: str) -> None:
    assert run(name, TARGETS[name], inputs=INPUTS[name]) == (INPUTS[name], 0)


def test_seeds_are_valid() -> None:
    for seed in signed_seeds():
        assert isinstance(judge(seed), Verified)


def test_a_changed_range_is_a_finding() -> None:
    seed = signed_seeds()[0]
    with pytest.raises(Finding):
        check_same_ranges(seed, seed[:100] + b"?" + seed[101:])
