"""What differs between two versions of the directory, and whether it waits for a second person."""

from dataclasses import fields, replace
from datetime import date

import pytest

from common.domain.directory import BrokerLogin, Certificate, CertificateRole, Contact, Directory, Unit
from trunkctl.units.changes import CONFIRMED, FIELDS, Effect, compare, needs_second_person, newly_shared

OPENED, LATER = date(2025, 7, 1), date(2026, 7, 1)
ONE, TWO = "0a" * 32, "0b" * 32
SEAL = Certificate(sha256=ONE, role=CertificateRole.UNIT, valid_from=OPENED, holder="Phường")
SIGNER = Certificate(sha256=TWO, role=CertificateRole.SIGNER, valid_from=OPENED, valid_to=LATER)
CONTACT = Contact(email="a@x", webhook_url="https://x/", webhook_secret="s3cret-1")
UNIT = Unit(code="A.01", name="A", valid_from=OPENED, certificates=(SEAL, SIGNER), contact=CONTACT)
OTHER = Unit(code="B.02", name="B", valid_from=OPENED)

CASES = [
    ("nothing", UNIT, [], False),
    ("order of certificates", replace(UNIT, certificates=(SIGNER, SEAL)), [], False),
    ("broker user named as the code", replace(UNIT, broker_user="A.01"), [], False),
    ("name", replace(UNIT, name="Á"), [(Effect.NAME, "name A becomes Á")], False),
    ("parent", replace(UNIT, parent="B.02"), [(Effect.NAME, "parent (none) becomes B.02")], False),
    (
        "holder",
        replace(UNIT, certificates=(replace(SEAL, holder="P"), SIGNER)),
        [(Effect.NAME, f"holder of certificate {ONE} becomes 'P'")],
        False,
    ),
    ("user", replace(UNIT, broker_user="u"), [(Effect.RIGHTS, "user A.01 becomes u")], True),
    (
        "login",
        replace(UNIT, broker_login=BrokerLogin.CERTIFICATE),
        [(Effect.RIGHTS, "broker_login password becomes certificate")],
        True,
    ),
    ("successor", replace(UNIT, successor="B.02"), [(Effect.RIGHTS, "successor (none) becomes B.02")], True),
    (
        "begins later",
        replace(UNIT, valid_from=LATER),
        [(Effect.RIGHTS, "valid_from 2025-07-01 becomes 2026-07-01")],
        True,
    ),
    ("closes", replace(UNIT, valid_to=LATER), [(Effect.CLOSED, "last day 2026-07-01; it had no end")], True),
    (
        "certificate added",
        replace(UNIT, certificates=(SEAL, SIGNER, replace(SEAL, sha256="0c" * 32))),
        [(Effect.RIGHTS, f"certificate added: {'0c' * 32} as unit, from 2025-07-01, Phường")],
        True,
    ),
    (
        "certificate withdrawn",
        replace(UNIT, certificates=(SEAL,)),
        [(Effect.RIGHTS, f"certificate withdrawn: {TWO} as signer, 2025-07-01 to 2026-07-01, no holder named")],
        True,
    ),
    (
        "other role",
        replace(UNIT, certificates=(replace(SEAL, role=CertificateRole.SIGNER), SIGNER)),
        [(Effect.RIGHTS, "certificate withdrawn"), (Effect.RIGHTS, "certificate added")],
        True,
    ),
    (
        "delegation without end",
        replace(UNIT, certificates=(SEAL, replace(SIGNER, valid_to=None))),
        [(Effect.RIGHTS, "certificate withdrawn"), (Effect.RIGHTS, "certificate added")],
        True,
    ),
    (
        "e-mail",
        replace(UNIT, contact=replace(CONTACT, email="b@x")),
        [(Effect.CONTACT, "email a@x becomes b@x")],
        True,
    ),
    (
        "webhook",
        replace(UNIT, contact=replace(CONTACT, webhook_url=None)),
        [(Effect.CONTACT, "webhook_url https://x/ becomes (none)")],
        True,
    ),
    (
        "webhook's key",
        replace(UNIT, contact=replace(CONTACT, webhook_secret="s3cret-2")),
        [(Effect.CONTACT, "webhook_secret (secret) becomes (secret)")],
        True,
    ),
]


@pytest.mark.parametrize(("after", "expected", "waits"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_unit_that_is_kept(after: Unit, expected: list[tuple[Effect, str]], waits: bool) -> None:
    changes = compare(Directory([UNIT, OTHER]), Directory([after, OTHER]))
    assert [change.effect for change in changes] == [effect for effect, _ in expected]
    assert all(text in change.text for change, (_, text) in zip(changes, expected, strict=True))
    assert {change.unit for change in changes} <= {"A.01"}
    assert needs_second_person(changes) is waits


@pytest.mark.parametrize(
    ("was", "becomes", "effect"),
    [
        (None, LATER, Effect.CLOSED),
        (LATER, date(2026, 1, 1), Effect.CLOSED),
        (LATER, date(2027, 1, 1), Effect.RIGHTS),
        (LATER, None, Effect.RIGHTS),
    ],
)
def test_a_last_day(was: date | None, becomes: date | None, effect: Effect) -> None:
    before, after = Directory([replace(UNIT, valid_to=was)]), Directory([replace(UNIT, valid_to=becomes)])
    (change,) = compare(before, after)
    assert change.effect is effect


def test_a_new_unit_is_shown_with_all_that_it_brings() -> None:
    changes = compare(Directory([OTHER]), Directory([OTHER, UNIT]))
    assert [change.effect for change in changes] == [Effect.ADDED, *[Effect.RIGHTS] * 2, *[Effect.CONTACT] * 3]
    shown = "\n".join(map(str, changes))
    assert ONE in shown
    assert TWO in shown
    assert "https://x/" in shown
    assert needs_second_person(changes)


def test_a_unit_that_is_left_out_is_shown() -> None:
    (change,) = compare(Directory([UNIT, OTHER]), Directory([OTHER]))
    assert (change.unit, change.effect, change.text) == ("A.01", Effect.REMOVED, "A, with 2 certificates")
    assert needs_second_person([change])


def test_no_secret_is_shown() -> None:
    secret = replace(UNIT, contact=replace(CONTACT, webhook_secret="s3cret-2"))
    for before, after in (([], [secret]), ([UNIT], [secret]), ([secret], [])):
        shown = "\n".join(map(str, compare(Directory(before), Directory(after))))
        assert "s3cret" not in shown


def test_every_field_of_the_directory_is_compared() -> None:
    """A field that is added to a unit and forgotten here would change without a word."""
    elsewhere = {"code", "valid_to", "certificates", "contact"}
    as_user = {"broker_user" if name == "user" else name for name in FIELDS}
    assert as_user | elsewhere == {field.name for field in fields(Unit)}
    assert {field.name for field in fields(Certificate)} == {"sha256", "role", "valid_from", "valid_to", "holder"}
    assert {field.name for field in fields(Contact)} == {"email", "webhook_url", "webhook_secret"}


def test_only_names_take_effect_at_once() -> None:
    assert set(Effect) - CONFIRMED == {Effect.NAME}


@pytest.mark.parametrize(
    ("before", "after", "shared"),
    [
        ([UNIT], [UNIT], {}),
        ([UNIT], [UNIT, replace(OTHER, certificates=(SEAL,))], {ONE: ("A.01", "B.02")}),
        ([UNIT, replace(OTHER, certificates=(SEAL,))], [UNIT, replace(OTHER, certificates=(SEAL,))], {}),
        ([UNIT, replace(OTHER, certificates=(SEAL,))], [UNIT, OTHER], {}),
        ([UNIT], [replace(UNIT, certificates=(SEAL, replace(SEAL, role=CertificateRole.SIGNER)))], {}),
        ([], [UNIT, replace(OTHER, certificates=(SIGNER,))], {TWO: ("A.01", "B.02")}),
    ],
)
def test_certificates_that_come_to_be_shared(before: list[Unit], after: list[Unit], shared: dict[str, tuple]) -> None:
    assert newly_shared(Directory(before), Directory(after)) == shared
