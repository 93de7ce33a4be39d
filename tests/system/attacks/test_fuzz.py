"""Some hundred random messages of units; long runs: ``python -m fuzz submissions --minutes N``."""

import pytest
from fuzz.submissions import UNITS, case

from ..inboxes import Inboxes
from ..trunk import Trunk
from .aftermath import Scene
from .fuzzer import Fuzzer

pytestmark = pytest.mark.system

MESSAGES = 600


def test_each_is_answered_parked_or_refused_and_none_believed(scene: Scene, trunk: Trunk, inboxes: Inboxes) -> None:
    fuzzer = Fuzzer(trunk, inboxes)
    fuzzer.throw(range(MESSAGES))
    outcomes = fuzzer.settled()
    findings = fuzzer.findings()
    fuzzer.forget()
    assert findings == []
    assert sum(outcomes.values()) == MESSAGES
    assert outcomes["answered"] > MESSAGES / 3, "the broker takes most of them, and most can be read"
    assert min(outcomes["parked"], outcomes["refused"]) > MESSAGES / 50, "and every way is taken"


def test_a_number_is_always_the_same_message() -> None:
    assert [case(number) for number in range(50)] == [case(number) for number in range(50)]
    assert {case(number).unit for number in range(50)} == set(UNITS)
    assert case(1, "a").body != case(1, "b").body
