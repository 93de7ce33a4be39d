"""What a unit directory file must not say."""

import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from common.domain.directory import BrokerLogin, Certificate, CertificateRole, Contact, Directory, Unit
from trunkctl.command_error import CommandError
from trunkctl.units.directory_file import RESERVED, problems, read_strictly

OPENED = date(2025, 7, 1)
DIGEST = "0a" * 32
SEAL = Certificate(sha256=DIGEST, role=CertificateRole.UNIT, valid_from=OPENED)
UNIT = Unit(code="H29.901.01", name="A", valid_from=OPENED, certificates=(SEAL,))
SEAL_RAW = {"sha256": DIGEST, "role": "unit", "valid_from": "2025-07-01"}
RAW = {"code": "H29.901.01", "name": "A", "valid_from": "2025-07-01", "certificates": [SEAL_RAW]}


def file_of(*units: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"version": 1, "units": units, **more}).encode()


CANARY = Unit(code="CANARY.1", name="Chim báo", valid_from=OPENED)


def test_the_canary_may_be_in_the_directory() -> None:
    assert problems(Directory([UNIT, CANARY, replace(CANARY, code="CANARY.2")])) == []


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (replace(UNIT, code="CANARY.3"), "CANARY.3: codes that begin with CANARY. are the canary's"),
        (replace(UNIT, code="canary.1"), "canary.1: codes that begin with CANARY. are the canary's"),
        (replace(CANARY, contact=Contact(email="a@example.vn")), "CANARY.1: the canary has no contact"),
        (replace(UNIT, successor="CANARY.1"), "H29.901.01: successor CANARY.1 is the canary"),
        (replace(UNIT, parent="CANARY.1"), "H29.901.01: parent CANARY.1 is the canary"),
    ],
)
def test_nobody_is_taken_for_the_canary(wrong: Unit, problem: str) -> None:
    assert problem in problems(Directory([CANARY, wrong]))


def test_a_right_one_has_no_problems() -> None:
    assert problems(Directory([UNIT])) == []


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        (replace(UNIT, code="H29 901"), "not a unit code"),
        (replace(UNIT, code="H29.901.01\n"), "not a unit code"),
        (replace(UNIT, code="H29.urgent"), "ends like an urgent key"),
        (replace(UNIT, broker_user="router"), "user router is reserved"),
        (replace(UNIT, broker_user="operator"), "user operator is reserved"),
        (replace(UNIT, broker_user=" a"), "cannot be the name of a broker user"),
        (replace(UNIT, broker_user="a\x00b"), "cannot be the name of a broker user"),
        (replace(UNIT, broker_user="ă" * 128), "cannot be the name of a broker user"),
        (replace(UNIT, successor="H29.1"), "successor H29.1 is not in the directory"),
        (replace(UNIT, parent="H29.1"), "parent H29.1 is not in the directory"),
        (replace(UNIT, valid_to=date(2025, 6, 30)), "valid_to is before valid_from"),
        (replace(UNIT, certificates=(replace(SEAL, valid_to=date(2025, 6, 30)),)), "valid_to is before valid_from"),
        (replace(UNIT, certificates=(replace(SEAL, sha256=DIGEST.upper()),)), "64 small hex digits"),
        (replace(UNIT, certificates=(replace(SEAL, sha256=":".join(["0a"] * 32)),)), "64 small hex digits"),
        (replace(UNIT, certificates=(replace(SEAL, sha256=DIGEST + "\n"),)), "64 small hex digits"),
    ],
)
def test_each_problem_is_named(wrong: Unit, problem: str) -> None:
    assert problem in "\n".join(problems(Directory([wrong])))


def test_two_units_do_not_share_a_user() -> None:
    twins = [replace(UNIT, broker_user="one"), replace(UNIT, code="H29.901.02", broker_user="one")]
    assert problems(Directory(twins)) == ["user one speaks for several units"]
    named_like_another = [UNIT, replace(UNIT, code="H29.901.02", broker_user=UNIT.code)]
    assert problems(Directory(named_like_another)) == [f"user {UNIT.code} speaks for several units"]


def test_the_administrator_of_an_installation_is_no_unit() -> None:
    data = file_of(RAW | {"broker_user": "quantri"})
    assert read_strictly(data).units
    with pytest.raises(CommandError, match="user quantri is reserved"):
        read_strictly(data, RESERVED | {"quantri"})


def test_a_file_of_before_logs_in_with_passwords() -> None:
    assert read_strictly(file_of(RAW)).units["H29.901.01"].broker_login is BrokerLogin.PASSWORD
    with_certificate = read_strictly(file_of(RAW | {"broker_login": "certificate"}))
    assert with_certificate.units["H29.901.01"].broker_login is BrokerLogin.CERTIFICATE


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "Invalid JSON"),
        (b"\xff\xfe", "Invalid JSON"),
        (b"[]", "Input should be"),
        (b'{"units": 1}', "units"),
        (file_of({"code": "H29.901.01", "name": "A"}), "valid_from"),
        (file_of(RAW | {"broker_login": "smartcard"}), "broker_login"),
        (file_of(RAW, RAW | {"name": "B"}), "H29.901.01: 2 entries"),
        (file_of(RAW).replace(b'"version": 1', b'"version": 2'), "the file: format 2 is not 1"),
        (file_of(RAW | {"name": "A\x1b[2K"}), r"H29.901.01: 'A\\x1b\[2K' contains a character that is not shown"),
        (file_of(RAW | {"name": "A\u202eB"}), "contains a character that is not shown"),
        (file_of(RAW | {"contact": {"email": "a@x\u200b"}}), "contains a character that is not shown"),
        (file_of(RAW | {"certificates": [SEAL_RAW | {"holder": "\n"}]}), "contains a character that is not shown"),
        (file_of(RAW, comment="x"), "the file: there is no field 'comment'"),
        (file_of(RAW | {"valid_too": "2026-01-01"}), "H29.901.01: there is no field 'valid_too'"),
        (file_of(RAW | {"contact": {"mail": "a@x"}}), "H29.901.01: contact: there is no field 'mail'"),
        (
            file_of(RAW | {"certificates": [SEAL_RAW | {"until": "2026-01-01"}]}),
            "certificate: there is no field 'until'",
        ),
        (
            b'{"units": [{"code": "H29.901.01", "name": "A", "valid_from": "2025-07-01", "valid_from": "2026-07-01"}]}',
            "H29.901.01: field valid_from is given more than once",
        ),
        (b'{"units": [' + b"[" * 100_000 + b"]}", "recursion limit"),
    ],
)
def test_what_cannot_be_meant_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        read_strictly(data)


def test_every_problem_is_named_at_once() -> None:
    twice = file_of(RAW | {"broker_user": "guest", "parent": "H29"}, RAW | {"valid_too": 1})
    with pytest.raises(CommandError) as refusal:
        read_strictly(twice)
    assert len(str(refusal.value).splitlines()) >= 2
