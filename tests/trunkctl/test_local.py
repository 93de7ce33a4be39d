"""The trunk on this machine: the city is kept with its keys, its trust material is whole, mails become lines."""

from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace

import pytest
from cryptography import x509

from mint import keep
from mint.city import City, build_city
from trunkctl.command_error import CommandError
from trunkctl.commands.optional import local_packages
from trunkctl.local import cast
from trunkctl.local.mail_sink import line_of
from validator.context import Material, ValidationContext, VerificationRequest
from validator.pki import trust_folder
from validator.report.decision import Verified
from validator.verify import verify

NOW = datetime.now(UTC).replace(microsecond=0)


@pytest.fixture(scope="module")
def city() -> City:
    return build_city(NOW, kind="p256")


def test_a_kept_city_signs_as_before(city: City, tmp_path: Path) -> None:
    from mint import paper

    keep.save(city, tmp_path / "city")
    again = keep.load(tmp_path / "city")
    cast.write_trust(again, tmp_path / "trust")
    pdf = again.signed("H29.901.01", paper.letter(), NOW - timedelta(minutes=10))
    roots, lists = trust_folder.load(tmp_path / "trust")
    question = VerificationRequest(sender="H29.901.01")
    assert isinstance(
        verify(pdf, question, ValidationContext(Material(roots, lists, city.directory()), datetime.now(UTC))), Verified
    )


def test_a_kept_city_is_the_same(city: City, tmp_path: Path) -> None:
    keep.save(city, tmp_path)
    again = keep.load(tmp_path)
    assert again.now == city.now
    assert again.authority.revoked == city.authority.revoked
    assert again.revoked.certificate == city.revoked.certificate
    assert again.foreign.issuing.certificate == city.foreign.issuing.certificate
    for code, member in city.members.items():
        assert again[code].unit == member.unit
        for role in keep.ROLES:
            assert getattr(again[code], role).certificate == getattr(member, role).certificate
            assert getattr(again[code], role).chain == getattr(member, role).chain


def test_keys_are_for_their_owner_only(city: City, tmp_path: Path) -> None:
    keep.save(city, tmp_path)
    keys = list(tmp_path.rglob("*.key"))
    assert len(keys) == 4 * len(city.members) + 5
    assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}


def test_a_city_that_was_never_saved_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        keep.load(tmp_path)


def test_trust_is_fresh_and_leaves_nothing_else_behind(city: City, tmp_path: Path) -> None:
    cast.write_trust(city, tmp_path / "trust")
    cast.write_trust(city, tmp_path / "trust")
    assert [path.name for path in tmp_path.iterdir()] == ["trust"]
    crls = [x509.load_der_x509_crl(path.read_bytes()) for path in (tmp_path / "trust" / "crls").iterdir()]
    assert len(crls) == 2
    for crl in crls:
        assert crl.next_update_utc is not None
        assert crl.next_update_utc - datetime.now(UTC) > timedelta(days=6)


def test_a_mail_becomes_a_line() -> None:
    mail = EmailMessage()
    mail["Subject"], mail["Message-ID"] = "Văn bản mới", "<1@localhost>"
    mail.set_content("Kính gửi đơn vị")
    envelope = SimpleNamespace(content=mail.as_bytes(), mail_from="a@x", rcpt_tos=["b@x"])
    line = line_of(envelope)
    assert (line["to"], line["subject"], line["message_id"]) == (["b@x"], "Văn bản mới", "<1@localhost>")
    assert line["text"].strip() == "Kính gửi đơn vị"


def test_missing_packages_are_one_sentence() -> None:
    with pytest.raises(CommandError, match=r"install trunk-trunkctl\[local\]"), local_packages("up"):
        raise ModuleNotFoundError("No module named 'mint'", name="mint.city")
    with pytest.raises(ModuleNotFoundError), local_packages("up"):
        raise ModuleNotFoundError("No module named 'json'", name="json")
