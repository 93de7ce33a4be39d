"""The canary's own packages and signatures, judged by the trunk's reader and validator."""

import io
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import pem

from canary import letter, paper, signing
from canary.names import RECEIVER, SENDER
from common.domain.directory import Certificate, CertificateRole, Directory, Unit
from common.domain.envelope import Envelope, StatusReport
from common.domain.names import Lane, PackageKind, StatusCode
from common.edxml import check_dates, parse
from common.edxml.tolerance import Tolerance
from common.secrecy import mark_in_message
from validator.context import Material, ValidationContext, VerificationRequest
from validator.pki.revocation_lists import RevocationLists, authentic_crls
from validator.pki.trust_store import TrustStore
from validator.policy import DEFAULT
from validator.report.vocabulary import Verdict
from validator.verify import verify

from .conftest import NOW, Keys

LATE_EVENING = datetime(2026, 11, 29, 17, 30, tzinfo=UTC)
"""Already the 30th in Ho Chi Minh City."""
NO_SCHEME = (Tolerance.T23,)
"""The two codes are of no scheme by which units get theirs, so no unit will ever bear one."""


async def signed(keys: Keys, now: datetime) -> bytes:
    pdf = paper.page(["THU DO DUONG (so 1)", r"back\slash"])
    return await signing.sign(pdf, signing.read_identities(keys.folder), now)


async def test_the_trunk_reads_the_letter(keys: Keys) -> None:
    pdf = await signed(keys, NOW)
    parsed = parse(io.BytesIO(letter.letter("7", LATE_EVENING, pdf)))
    message = parsed.message
    assert isinstance(message, Envelope)
    assert parsed.warnings == NO_SCHEME
    assert (message.sender.code, [each.code for each in message.receivers]) == (SENDER, [RECEIVER])
    assert message.document_id == letter.document_id("7", LATE_EVENING) == f"{SENDER},2026/11/30,7/CANARY"
    assert message.kind is PackageKind.NEW
    assert message.other.priority.lane is Lane.URGENT
    assert message.promulgation_date == date(2026, 11, 30)
    assert check_dates(message, date(2026, 11, 30)) is None
    assert mark_in_message(message) is None
    assert [file.read() for file in parsed.files] == [pdf]


def test_the_trunk_reads_the_status() -> None:
    parsed = parse(io.BytesIO(letter.status("7", NOW)))
    message = parsed.message
    assert isinstance(message, StatusReport)
    assert parsed.warnings == NO_SCHEME
    assert (message.sender.code, message.code) == (RECEIVER, StatusCode.ACCEPTED)
    assert (message.response_for.unit, message.response_for.document_id) == (SENDER, letter.document_id("7", NOW))


async def test_the_validator_calls_it_an_original(keys: Keys) -> None:
    now = datetime.now(UTC)
    certificates = tuple(
        Certificate(sha256=identity.sha256, role=role, valid_from=date(2026, 1, 1))
        for identity, role in ((keys.unit, CertificateRole.UNIT), (keys.signer, CertificateRole.SIGNER))
    )
    unit = Unit(code=SENDER, name="Đơn vị thử 1", valid_from=date(2026, 1, 1), certificates=certificates)
    trust = TrustStore([keys.authority.root.der], [keys.authority.issuing.der])
    times = {"this_update": now - timedelta(hours=1), "next_update": now + timedelta(days=7)}
    files = [(issuer, keys.authority.crl(issuer, **times)) for issuer in ("root", "issuing")]
    lists = RevocationLists(authentic_crls(trust.roots + trust.intermediates, files, DEFAULT))
    context = ValidationContext(Material(trust=trust, revocation=lists, directory=Directory([unit])), now)
    request = VerificationRequest(sender=SENDER, declared_copy=False, promulgation_date=now.date())
    decision = verify(await signed(keys, now), request, context)
    assert decision.report.verdict is Verdict.VALID, decision.report
    assert decision.report.label == "ORIGINAL"


async def test_an_expired_certificate_signs_nothing(keys: Keys) -> None:
    with pytest.raises(signing.NoKey, match=r"signer\.pem is not valid now"):
        await signed(keys, NOW + timedelta(days=3 * 365))


@pytest.mark.parametrize("missing", ["signer.pem", "signer.key", "unit.pem", "unit.key"])
def test_a_missing_file_is_named(keys: Keys, tmp_path: Path, missing: str) -> None:
    for name in {"signer.pem", "signer.key", "unit.pem", "unit.key"} - {missing}:
        (tmp_path / name).write_bytes((keys.folder / name).read_bytes())
    with pytest.raises(signing.NoKey, match=missing):
        signing.read_identities(tmp_path)
    unread = missing.partition(".")[0]
    assert {role for role, end in signing.not_after(tmp_path).items() if end.timestamp() == 0} == {unread}


@pytest.mark.parametrize("wrong", ["empty", "text", "key of the other"])
def test_a_key_that_cannot_be_used_is_named(keys: Keys, tmp_path: Path, wrong: str) -> None:
    for name in ("signer.pem", "unit.pem", "signer.key", "unit.key"):
        (tmp_path / name).write_bytes((keys.folder / name).read_bytes())
    content = {"empty": b"", "text": b"secret", "key of the other": (keys.folder / "signer.key").read_bytes()}
    (tmp_path / "unit.key").write_bytes(content[wrong])
    with pytest.raises(signing.NoKey, match="unit"):
        signing.read_identities(tmp_path)


def test_a_chain_in_the_file_goes_with_the_certificate(keys: Keys, tmp_path: Path) -> None:
    for name in ("signer.pem", "unit.pem", "signer.key", "unit.key"):
        (tmp_path / name).write_bytes((keys.folder / name).read_bytes())
    issuing = pem.armor("CERTIFICATE", keys.authority.issuing.der)
    (tmp_path / "unit.pem").write_bytes((tmp_path / "unit.pem").read_bytes() + issuing)
    identities = signing.read_identities(tmp_path)
    assert [each.dump() for each in identities["unit"].chain] == [keys.authority.issuing.der]
    assert identities["signer"].chain == ()
