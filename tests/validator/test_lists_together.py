"""Lists that are brought are held against each other: neither their order nor a restart decides."""

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from common.domain.reason import Reason
from validator.cms.certificate import read_certificate
from validator.pki import refresh as refreshing
from validator.pki.chain_search import find_valid_chain
from validator.pki.evidence import Evidence
from validator.pki.refresh import refresh
from validator.pki.trust_folder import load
from validator.policy import DEFAULT

from .conftest import NOW
from .test_revocation_rules import DAY, ISSUING, LEAF, NEWER, REVOKED, ROOT, ROOT_LIST, UNKNOWN, VALID, answer, listing

LOST = listing("Root", "root", 3, number=2, since=NOW - 5 * DAY)
"""The root's list names the CA's other key."""
DATED_BACK = listing("CA", "ca new", number=9, age=10 * DAY, end=300 * DAY)
"""By whoever has that key, silent about everybody."""
ADDRESSES = ("http://a.example/1.crl", "http://b.example/2.crl")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, certificates in (("roots", [ROOT]), ("intermediates", [ISSUING, NEWER]), ("crls", []), ("drop", [])):
        (tmp_path / name).mkdir()
        for number, der in enumerate(certificates):
            (tmp_path / name / str(number)).write_bytes(der)
    return tmp_path


def from_drop(folder: Path, *lists: bytes) -> list[str]:
    for number, der in enumerate(lists):
        (folder / "drop" / str(number)).write_bytes(der)
    return [each.outcome for each in refresh(folder, [folder / "drop"], now=NOW)]


def in_one_file(folder: Path, *lists: bytes) -> list[str]:
    frames = (b"-----BEGIN X509 CRL-----\n%b\n-----END X509 CRL-----\n" % base64.b64encode(der) for der in lists)
    return from_drop(folder, b"".join(frames))


def pinned(folder: Path) -> None:
    pin = {"name": "root", "crls": list(ADDRESSES)}
    (folder / "trust.json").write_text(json.dumps({"roots": {hashlib.sha256(ROOT).hexdigest(): pin}}))


def from_addresses(folder: Path, *lists: bytes) -> list[str]:
    pinned(folder)
    list_at: Mapping[str, bytes] = dict(zip(ADDRESSES, lists, strict=True))
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=list_at[str(request.url)]))
    return [each.outcome for each in refresh(folder, transport=transport, now=NOW)]


def verdict(folder: Path) -> Reason | None:
    trust, lists = load(folder)
    fault = find_valid_chain(read_certificate(LEAF), Evidence(trust, lists, DEFAULT, NOW), NOW, "").fault
    return fault.reason if fault else None


@pytest.mark.parametrize("bring", [from_drop, in_one_file, from_addresses])
@pytest.mark.parametrize("lists", [(LOST, DATED_BACK), (DATED_BACK, LOST)], ids=["root first", "root last"])
def test_a_list_by_a_key_that_another_list_of_the_round_names_as_lost(
    folder: Path, bring: Callable[..., list[str]], lists: Sequence[bytes]
) -> None:
    for of_root in ("new", "unchanged"):  # a later round says the same
        said = {LOST: of_root, DATED_BACK: "not used: signed with a revoked key"}
        assert bring(folder, *lists) == [said[der] for der in lists]
        assert verdict(folder) is UNKNOWN
    assert [path.read_bytes() for path in (folder / "crls").glob("*.crl")] == [LOST]


def test_a_list_that_an_earlier_round_took(folder: Path) -> None:
    """Nothing shows when it was made: it names whom it names, and says nothing more."""
    assert from_drop(folder, ROOT_LIST, DATED_BACK) == ["new", "new"]
    assert verdict(folder) is VALID
    assert from_drop(folder, LOST, DATED_BACK) == ["new", "not used: signed with a revoked key"]
    assert verdict(folder) is UNKNOWN


@pytest.mark.parametrize(("serials", "expected"), [((), UNKNOWN), ((10,), REVOKED)])
def test_what_a_key_said_before_it_was_lost(serials: Sequence[int], expected: Reason | None) -> None:
    made_before = listing("CA", "ca new", *serials, number=9, age=10 * DAY, end=300 * DAY)
    assert answer([LOST, made_before], intermediates=[ISSUING, NEWER]) is expected


def test_a_lost_key_keeps_no_other_list_from_speaking() -> None:
    of_the_other = listing("CA", "ca", age=20 * DAY)
    assert answer([LOST, DATED_BACK, of_the_other], intermediates=[ISSUING, NEWER]) is VALID


@pytest.mark.parametrize("ending", [{"base": 5, "removed": [3]}, {}], ids=["delta list", "newer list"])
def test_a_key_whose_hold_has_ended_brings_lists(folder: Path, ending: dict[str, Any]) -> None:
    held = listing("Root", "root", 3, number=5, age=3 * DAY, hold=True)
    (folder / "crls" / "held").write_bytes(held)
    assert from_drop(folder, listing("CA", "ca new", number=2)) == ["not used: signed with a revoked key"]
    (folder / "crls" / "newer").write_bytes(listing("Root", "root", number=6, **ending))
    assert from_drop(folder, listing("CA", "ca new", number=2)) == ["new"]


def test_a_list_that_was_made_while_another_server_took_its_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not dated ahead."""
    monkeypatch.setattr(refreshing, "utc_now", lambda: NOW if len(urls) < 2 else NOW + DAY / 24)
    urls: list[str] = []

    def server(request: httpx.Request) -> httpx.Response:
        urls.append(str(request.url))
        return (
            httpx.Response(200, content=listing("CA", "ca", age=-DAY / 24)) if len(urls) == 2 else httpx.Response(500)
        )

    pinned(folder)
    transport = httpx.MockTransport(server)
    assert [each.outcome for each in refresh(folder, transport=transport)] == ["status 500", "new"]
