"""Every attack of ``mint.attacks`` gets its verdict: refused, for a reason that is true, with the stated indication.

One accepted document is a release blocker. The simple wrongs of ``mint.tamper`` and ``mint.wrong`` have their tables in
``tests/validator/test_verify.py``.
"""

import time

import pytest

from mint.attacks import ATTACKS, Class, Scene
from mint.city import build_city
from mint.paper import letter
from tests.validator.conftest import NOW, SENDER, Harness, revocation_of
from validator.pki.trust_store import TrustStore
from validator.report.decision import Refused, Verified
from validator.report.vocabulary import Integrity, SubIndication

SIGNED_UNREADABLE = {"object_beyond_the_size_after", "object_beyond_the_size_between"}
"""What was signed could not be read either."""
SECONDS = 20.0
"""CPU time of the slowest answer on a busy machine; most take a hundredth."""


@pytest.fixture(scope="module")
def harness() -> Harness:
    city, paper = build_city(NOW, kind="p256"), letter()
    trust = TrustStore([city.authority.root.der], [city.authority.issuing.der])
    directory, revocation = city.directory("v1"), revocation_of(city, trust)
    return Harness(city, trust, revocation, directory, paper, b"", city.signed(SENDER, paper))


@pytest.fixture(scope="module")
def scene(harness: Harness) -> Scene:
    return Scene(harness.city, SENDER, harness.letter, NOW)


def test_the_letter_itself_is_valid(harness: Harness, scene: Scene) -> None:
    assert isinstance(harness.judge(scene.signed), Verified)
    quiet = scene.quietly_by_unit(scene.quietly_by_signer(scene.letter))
    assert isinstance(harness.judge(quiet), Verified)


def test_every_class_is_covered() -> None:
    assert {attack.kind for attack in ATTACKS.values()} == set(Class)
    assert len(ATTACKS) >= 80


def _indication(decision: Refused) -> SubIndication:
    """Of the signature that decided; what concerns the file as a whole is its format."""
    signatures = [each for each in decision.report.signatures if each.reason is decision.reason and each.sub_indication]
    if signatures:
        return signatures[0].sub_indication or SubIndication.FORMAT_FAILURE
    together = (decision.report.step or 0) >= 9
    return SubIndication.SIG_CONSTRAINTS_FAILURE if together else SubIndication.FORMAT_FAILURE


@pytest.mark.parametrize("name", list(ATTACKS))
def test_attack(harness: Harness, scene: Scene, name: str) -> None:
    attack = ATTACKS[name]
    document = attack.make(scene)
    assert len(document) < 1024 * 1024
    began = time.process_time()
    decision = harness.judge(document)
    assert time.process_time() - began < SECONDS
    assert isinstance(decision, Refused), f"{attack.kind}: {type(decision).__name__}"
    assert decision.reason in attack.reasons, decision.detail
    if attack.kind is not Class.BOMB:
        assert _indication(decision) == attack.sub_indication, decision.detail
        assert (decision.report.integrity is Integrity.MALFORMED) == (name in SIGNED_UNREADABLE)
