"""What a unit directory file must not say."""

from dataclasses import replace
from datetime import date

import pytest

from common.domain.directory import Certificate, CertificateRole, Directory, Unit
from trunkctl.units import problems

OPENED = date(2025, 7, 1)
DIGEST = "0a" * 32
SEAL = Certificate(sha256=DIGEST, role=CertificateRole.UNIT, valid_from=OPENED)
UNIT = Unit(code="H29.901.01", name="A", valid_from=OPENED, certificates=(SEAL,))


def test_a_right_one_has_no_problems() -> None:
    assert problems(Directory([UNIT])) == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (replace(UNIT, code="H29 901"), "not a unit code"),
        (replace(UNIT, code="H29.urgent"), "ends like an urgent key"),
        (replace(UNIT, broker_user="router"), "user router is reserved"),
        (replace(UNIT, successor="H29.1"), "successor H29.1 is not in the directory"),
        (replace(UNIT, certificates=(replace(SEAL, sha256=DIGEST.upper()),)), "64 small hex digits"),
        (replace(UNIT, certificates=(replace(SEAL, sha256=":".join(["0a"] * 32)),)), "64 small hex digits"),
    ],
)
def test_each_fault_is_told(wrong: Unit, told: str) -> None:
    found = problems(Directory([wrong]))
    assert len(found) == 1
    assert told in found[0]


def test_two_units_do_not_share_a_user() -> None:
    twins = [replace(UNIT, broker_user="one"), replace(UNIT, code="H29.901.02", broker_user="one")]
    assert problems(Directory(twins)) == ["user one speaks for several units"]
