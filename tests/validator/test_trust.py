"""Roots, issuing CAs and CRLs from a folder."""

import os
import pickle
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mint.pki import Authority
from validator.pki import trust_folder
from validator.pki.crl import Crl, read_crl
from validator.policy import DEFAULT
from validator.report.decision import Verified

from .conftest import NOW, Harness

END = NOW + timedelta(days=7)


def test_reads_what_mint_writes(harness: Harness, tmp_path: Path) -> None:
    harness.city.write_trust(tmp_path)
    loaded, revocation = trust_folder.load(tmp_path)
    assert loaded.version == harness.trust.version
    assert [crl.number for crl in revocation.crls] == [1, 1]
    assert isinstance(harness.judge(harness.signed, trust=loaded, revocation=revocation), Verified)


def test_pem_and_der_under_any_name(harness: Harness, tmp_path: Path) -> None:
    authority = harness.city.authority
    both = b"".join(
        c.public_bytes(Encoding.PEM) for c in (authority.issuing.certificate, harness.city.foreign.issuing.certificate)
    )
    for name, data in (("roots/a", authority.root.der), ("intermediates/b.txt", both)):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(data)
    loaded, revocation = trust_folder.load(tmp_path)
    assert (len(loaded.roots), len(loaded.intermediates), revocation.crls) == (1, 2, ())


def test_no_root_or_no_certificate_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no root"):
        trust_folder.load(tmp_path)
    (tmp_path / "roots").mkdir()
    (tmp_path / "roots" / "x.pem").write_bytes(b"nothing")
    left_out: list[trust_folder.LeftOut] = []
    with pytest.raises(ValueError, match="no root"):
        trust_folder.load(tmp_path, left_out=left_out.append)
    assert [(each.folder, each.name) for each in left_out] == [("roots", "x.pem")]


def test_stamp_changes_with_the_files(harness: Harness, tmp_path: Path) -> None:
    harness.city.write_trust(tmp_path)
    before = trust_folder.stamp(tmp_path)
    assert trust_folder.stamp(tmp_path) == before
    crl = next((tmp_path / "crls").iterdir())
    os.utime(crl, ns=(1, 1))
    assert trust_folder.stamp(tmp_path) != before


def test_trust_crosses_process_borders(harness: Harness) -> None:
    copy = pickle.loads(pickle.dumps(harness.trust))
    assert (copy.version, copy.root_fingerprints) == (harness.trust.version, harness.trust.root_fingerprints)


def _read(harness: Harness, **options: object) -> Crl:
    times = {"this_update": NOW, "next_update": END} | options
    known = harness.trust.roots + harness.trust.intermediates
    return read_crl(known, harness.city.authority.crl("issuing", **times), DEFAULT)  # type: ignore[arg-type]


def _scope(**chosen: bool) -> list[tuple[x509.ExtensionType, bool]]:
    fields = dict.fromkeys(
        ("only_contains_user_certs", "only_contains_ca_certs", "indirect_crl", "only_contains_attribute_certs"), False
    )
    point = x509.IssuingDistributionPoint(
        full_name=None, relative_name=None, only_some_reasons=None, **(fields | chosen)
    )
    return [(point, True)]


def test_scope_of_a_crl(harness: Harness) -> None:
    assert _read(harness, extensions=_scope(only_contains_user_certs=True)).point.only_leaves
    assert _read(harness, extensions=_scope(only_contains_ca_certs=True)).point.only_authorities


def test_crls_that_do_not_count(harness: Harness) -> None:
    stranger = Authority("Stranger", now=NOW, kind="p256").issuing
    for options in ({"signed_by": stranger}, {"signed_by": harness.sender.seal}):
        with pytest.raises(ValueError, match=r".+"):
            _read(harness, **options)
