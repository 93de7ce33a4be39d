"""No file of the trust folder can end, block or silence anything but itself."""

import asyncio
import errno
import fcntl
import hashlib
import zlib
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from asn1crypto import crl as asn1_crl
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_crl
from structlog.testing import capture_logs

from common import tasks
from common.clock import loop_time
from common.failure import Outage
from common.tasks import Tasks
from mint.pki import YEAR, Revocation
from tests.counted import series
from validator import main
from validator.pki import atomic_file, certificates, kept_lists, pins, revocation_lists, trust_folder
from validator.pki import fetch as fetching
from validator.pki import refresh as refreshing
from validator.pki.atomic_file import LOCK, replace_file
from validator.pki.pins import Pin, write_pins
from validator.pki.trust_folder import LeftOut
from validator.report.decision import Refused, Verified
from validator.settings import ValidatorSettings
from validator.workers import service as serving
from validator.workers.material import MaterialReader
from validator.workers.service import Examiner

from .conftest import NOW, Harness
from .test_time import DAY

WEEK = timedelta(days=7)


class Outside(BaseException):
    """Like a panic of a library in Rust: no subclass of Exception."""


UNEXPECTED: list[BaseException] = [
    KeyError("x"), RecursionError("deep"), MemoryError(), AssertionError(), TypeError("t"), StopIteration(),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), OverflowError(), Outside("panicked"),
    x509.InvalidVersion("5", 4), x509.DuplicateExtension("twice", x509.ObjectIdentifier("2.5.29.20")),
]  # fmt: skip


def _list(harness: Harness, **options: Any) -> bytes:
    return harness.city.authority.crl("issuing", **{"this_update": NOW, "next_update": NOW + WEEK} | options)


def unknown_algorithm(harness: Harness) -> bytes:
    crl = asn1_crl.CertificateList.load(_list(harness, number=7))
    raw = crl.dump()
    return raw.replace(bytes.fromhex("2a8648ce3d040302"), bytes.fromhex("2a8648ce3d040363"))


def version_3(harness: Harness) -> bytes:
    crl = asn1_crl.CertificateList.load(_list(harness, number=7))
    crl["tbs_cert_list"]["version"] = 2
    return bytes(crl.dump(force=True))


def version_5(harness: Harness) -> bytes:
    der = harness.city.authority.issuing.der
    return der.replace(b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x04", 1)


def extension_twice(harness: Harness) -> bytes:
    certificate = asn1_x509.Certificate.load(harness.city.authority.issuing.der)
    certificate["tbs_certificate"]["extensions"].append(certificate["tbs_certificate"]["extensions"][0])
    return bytes(certificate.dump(force=True))


ODD: dict[str, Callable[[Harness], bytes]] = {
    "nothing": lambda _: b"",
    "text": lambda _: b"moved to https://ca.example",
    "half a list": lambda harness: _list(harness)[:200],
    "a PEM frame around nothing": lambda _: b"-----BEGIN X509 CRL-----\n-----END X509 CRL-----\n",
    "more blocks than a file may have": lambda harness: (
        load_der_x509_crl(_list(harness)).public_bytes(Encoding.PEM) * 1001
    ),
    "deeply nested": lambda _: b"\x30\x80" * 5000,
    "a length of four gigabytes": lambda _: b"\x30\x84\xff\xff\xff\xff",
    "list of an unknown algorithm": unknown_algorithm,
    "list of version 3": version_3,
    "certificate of version 5": version_5,
    "certificate with an extension twice": extension_twice,
    "list of a stranger": lambda harness: harness.city.foreign.crl("issuing", this_update=NOW, next_update=NOW + WEEK),
}


@pytest.fixture
def folder(harness: Harness, tmp_path: Path) -> Path:
    """Without the list of the issuing CA."""
    harness.city.write_trust(tmp_path)
    for path in (tmp_path / "crls").iterdir():
        path.unlink()
    (tmp_path / "crls" / "root.crl").write_bytes(
        harness.city.authority.crl("root", this_update=NOW, next_update=NOW + WEEK)
    )
    (tmp_path / "crls" / "good.crl").write_bytes(_list(harness))
    return tmp_path


def revoking(harness: Harness) -> bytes:
    """A newer list that names the sender's seal."""
    revoked = [Revocation(harness.sender.seal.certificate.serial_number, NOW)]
    return _list(harness, number=9, this_update=NOW + timedelta(minutes=1), revoked=revoked)


@pytest.mark.parametrize("place", ["roots", "intermediates", "tsa", "crls"])
@pytest.mark.parametrize("name", ODD)
def test_an_odd_file_is_left_out_by_name(harness: Harness, folder: Path, place: str, name: str) -> None:
    (folder / place).mkdir(exist_ok=True)
    (folder / place / "0-odd").write_bytes(ODD[name](harness))
    left_out: list[LeftOut] = []
    trust, lists = trust_folder.load(folder, left_out=left_out.append)
    assert [(each.folder, each.name) for each in left_out] == [(place, "0-odd")]
    assert isinstance(harness.judge(harness.signed, trust=trust, revocation=lists), Verified)


@pytest.mark.parametrize("name", ODD)
def test_a_list_that_revokes_counts_beside_it(harness: Harness, folder: Path, name: str) -> None:
    (folder / "crls" / "0-odd").write_bytes(ODD[name](harness))
    (folder / "crls" / "new.crl").write_bytes(revoking(harness))
    trust, lists = trust_folder.load(folder)
    assert isinstance(harness.judge(harness.signed, trust=trust, revocation=lists), Refused)


@pytest.mark.parametrize("error", [each for each in UNEXPECTED if not isinstance(each, MemoryError)], ids=repr)
def test_whatever_a_library_raises_over_one_file(
    harness: Harness, folder: Path, error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = revocation_lists.read_crl

    def read(known: Any, der: bytes, policy: Any) -> Any:
        if der == odd:
            raise error
        return good(known, der, policy)

    odd = _list(harness, number=77)
    (folder / "crls" / "0-odd").write_bytes(odd)
    monkeypatch.setattr(revocation_lists, "read_crl", read)
    left_out: list[LeftOut] = []
    _, lists = trust_folder.load(folder, left_out=left_out.append)
    assert [(each.folder, each.name) for each in left_out] == [("crls", "0-odd")]
    assert {crl.number for crl in lists.crls} == {1}


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (revocation_lists, "read_crl"), (revocation_lists, "blocks"), (certificates, "read_certificate"),
        (certificates, "blocks"), (trust_folder, "read_bounded"), (pins, "_read"),
    ],
)  # fmt: skip
async def test_a_lack_of_memory_leaves_no_file_out(
    harness: Harness, folder: Path, monkeypatch: pytest.MonkeyPatch, module: Any, name: str
) -> None:
    """The folder is read as a whole, or not at all; and again, although no file has changed."""
    write_pins(folder, {harness.city.authority.root.sha256: Pin()})
    (folder / "crls" / "new.crl").write_bytes(revoking(harness))
    reader, does = MaterialReader(folder), getattr(module, name)
    revocation_lists._read_before.clear()

    def short(*arguments: Any, **options: Any) -> Any:
        monkeypatch.setattr(module, name, does)
        raise MemoryError

    monkeypatch.setattr(module, name, short)
    with pytest.raises(MemoryError):
        await reader.read(harness.city.directory("v1"))
    material = await reader.read(harness.city.directory("v1"))
    assert material is not None
    assert {crl.number for crl in material.revocation.crls} >= {1, 9}


def test_the_good_certificates_of_a_bundle_are_used(harness: Harness, folder: Path) -> None:
    bundle = folder / "intermediates" / "bundle.pem"
    garbage = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    foreign = trust_folder.read_certificates("x", harness.city.foreign.issuing.der)
    assert len(foreign) == 1
    before = len(trust_folder.load(folder)[0].intermediates)
    bundle.write_bytes(garbage + harness.city.foreign.issuing.certificate.public_bytes(Encoding.PEM))
    left_out: list[LeftOut] = []
    trust, _ = trust_folder.load(folder, left_out=left_out.append)
    assert [each.name for each in left_out] == ["bundle.pem (1)"]
    assert len(trust.intermediates) >= before


def test_odd_entries_of_a_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "crls" / "sub").mkdir()
    (folder / "crls" / "dangling").symlink_to(folder / "nowhere")
    (folder / "crls" / "loop").symlink_to(folder / "crls" / "loop")
    (folder / "crls" / "\udcff.crl").write_bytes(b"name of no UTF-8")
    before = trust_folder.stamp(folder)
    left_out: list[LeftOut] = []
    _, lists = trust_folder.load(folder, left_out=left_out.append)
    assert len(lists.crls) == 2
    assert "\udcff.crl" in {each.name for each in left_out}
    assert trust_folder.stamp(folder) == before


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"roots": []}', '{"roots": {"aa": 5}}', '{"roots": {"aa": {"from": 1}}}']
)
async def test_a_broken_pin_file_changes_nothing_for_what_is_pinned(harness: Harness, folder: Path, text: str) -> None:
    reader = MaterialReader(folder)
    first = await reader.read(harness.directory)
    (folder / "trust.json").write_text(text)
    (folder / "crls" / "new.crl").write_bytes(revoking(harness))
    if '"aa"' in text:  # the file can be read, and pins no root of ours: nothing is trusted
        with pytest.raises(ValueError, match="no root"):
            await reader.read(harness.directory)
        return
    second = await reader.read(harness.directory)
    assert first is not None
    assert second is not None
    assert second.trust
    assert first.trust
    assert second.trust.root_fingerprints == first.trust.root_fingerprints
    assert 9 in {crl.number for crl in second.revocation.crls}


async def test_what_was_in_use_just_now_can_still_be_kept(harness: Harness, folder: Path) -> None:
    """A verdict may rest on a list that was replaced while the document was judged."""
    reader = MaterialReader(folder)
    first = await reader.read(harness.directory)
    assert first is not None
    before = {crl.sha256 for crl in first.revocation.crls}
    for each in (folder / "crls").iterdir():
        each.unlink()
    assert reader.evidence(before).keys() == before
    (folder / "crls" / "new.crl").write_bytes(revoking(harness))
    second = await reader.read(harness.directory)
    assert second is not None
    after = {crl.sha256 for crl in second.revocation.crls}
    assert len(after) == 1
    held = reader.evidence(before | after)
    assert held.keys() == before | after
    assert {hashlib.sha256(der).hexdigest() for der in held.values()} == held.keys()


async def test_a_file_is_named_once_and_counted_until_it_is_gone(harness: Harness, folder: Path) -> None:
    reader, odd = MaterialReader(folder), folder / "crls" / "odd.crl"
    odd.write_bytes(b"odd")
    with capture_logs() as logs:
        await reader.read(harness.directory)
        (folder / "crls" / "new.crl").write_bytes(revoking(harness))
        await reader.read(harness.directory)
        assert series("trunk_trust_files_left_out")["trust_files_left_out", "crls"] == 1
        odd.unlink()
        await reader.read(harness.directory)
    assert [(entry["event"], entry["file"]) for entry in logs] == [
        ("file of the trust folder left out", "odd.crl"),
        ("file of the trust folder used or gone", "odd.crl"),
    ]
    assert series("trunk_trust_files_left_out")["trust_files_left_out", "crls"] == 0
    assert series("trunk_trust_items")["trust_items", "crl"] == 3


# The tasks that keep the material fresh


class Directories:
    """A directory reader."""

    def __init__(self, directory: Any) -> None:
        self.current = directory
        self.read_at = NOW

    async def confirm(self) -> None:
        """It was read just now."""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "RESTART_SECONDS", 0.0)
    monkeypatch.setattr(tasks, "SETTLED_SECONDS", 0.01)


class Workers:
    """A pool of no processes: only the material matters here."""

    def __init__(self, material: Any, **_: Any) -> None:
        self.material = material

    async def start(self) -> None:
        return None

    async def close(self) -> None:
        return None

    def update(self, material: Any) -> None:
        self.material = material


def examiner_of(folder: Path, harness: Harness, monkeypatch: pytest.MonkeyPatch) -> Examiner:
    monkeypatch.setattr(serving, "Pool", Workers)
    settings = SimpleNamespace(
        trust_dir=folder, trust_refresh_seconds=0.0, workers=1, document_cpu_seconds=1, document_wall_seconds=1,
        worker_memory_mib=1, documents_per_worker=1, crl_drop_dir=None,
    )  # fmt: skip
    return Examiner(settings, Directories(harness.directory))  # type: ignore[arg-type]


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(120):
        while not holds():
            await asyncio.sleep(0)


@pytest.mark.parametrize("error", UNEXPECTED, ids=repr)
async def test_no_exception_ends_the_refreshing_of_material(
    harness: Harness, folder: Path, error: BaseException, monkeypatch: pytest.MonkeyPatch, quick: None
) -> None:
    """Whatever a round raises, readiness says so, and the next round takes the list that revokes the signer."""
    examiner, background = examiner_of(folder, harness, monkeypatch), Tasks()
    load, failing = trust_folder.read_folder, [True]

    def loading(*args: Any, **options: Any) -> Any:
        if failing[0]:
            raise error
        return load(*args, **options)

    background.every("trust material", examiner.refresh_material, lambda: 0.0)
    try:
        await until(lambda: examiner._pool is not None)
        await examiner.check()
        monkeypatch.setattr(trust_folder, "read_folder", loading)
        (folder / "crls" / "new.crl").write_bytes(revoking(harness))

        async def is_named() -> bool:
            try:
                await examiner.check()
                await background.check()
            except (Outage, RuntimeError):
                return True
            return False

        async with asyncio.timeout(120):
            while not await is_named():
                await asyncio.sleep(0)
        failing[0] = False
        await until(lambda: 9 in {crl.number for crl in examiner._pool.material.revocation.crls})  # type: ignore[union-attr]
        await examiner.check()
    finally:
        await background.stop()


async def test_material_that_could_not_be_checked_for_long_is_not_judged_by(
    harness: Harness, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examiner = examiner_of(folder, harness, monkeypatch)
    await examiner.refresh_material()
    for path in (folder / "roots").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match="no root"):
        await examiner.refresh_material()
    examiner._ready_pool()  # a file system that is away for a moment stops nothing
    monkeypatch.setattr(serving, "loop_time", lambda: loop_time() + serving.STALE_SECONDS)
    with pytest.raises(Outage, match="no root"):
        examiner._ready_pool()


async def test_the_service_supervises_both_tasks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "ValidatorSettings", lambda: ValidatorSettings())
    service = main.build()
    begun: list[str] = []
    monkeypatch.setattr(service.tasks, "every", lambda name, *_: begun.append(name))
    for start in service._at_start:
        start()
    assert {"trust material", "revocation lists", "unit directory"} <= set(begun)


@pytest.mark.parametrize("place", ["intermediates", "crls"])
async def test_a_file_that_cannot_be_read_off_the_disk_is_tried_again(
    harness: Harness, folder: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Its rights are mended, or the disk: neither changes its size or the time of its last change."""
    read, unreadable = trust_folder.read_bounded, True

    def tried(path: Path, most: int) -> bytes:
        if unreadable and path.parent.name == place:
            raise PermissionError(errno.EACCES, "not yours")
        return read(path, most)

    monkeypatch.setattr(trust_folder, "read_bounded", tried)
    reader = MaterialReader(folder)
    first = await reader.read(harness.directory)
    assert first is not None
    assert await reader.read(harness.directory) is None
    unreadable = False
    second = await reader.read(harness.directory)
    assert second is not None
    assert (len(first.revocation.crls), len(second.revocation.crls)) == (0 if place == "crls" else 1, 2)
    assert await reader.read(harness.directory) is None


async def test_no_authority_is_called_unknown_while_a_file_cannot_be_read(
    harness: Harness, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, unreadable = trust_folder.read_bounded, "crls"

    def tried(path: Path, most: int) -> bytes:
        if path.parent.name == unreadable:
            raise OSError(errno.EIO, "disk")
        return read(path, most)

    monkeypatch.setattr(trust_folder, "read_bounded", tried)
    examiner = examiner_of(folder, harness, monkeypatch)
    await examiner.refresh_material()
    examiner.confirm_trust()  # a list that is missing is no reason to refuse
    unreadable = "intermediates"
    await examiner.refresh_material()
    with pytest.raises(Outage, match="cannot be read"):
        examiner.confirm_trust()
    unreadable = ""
    await examiner.refresh_material()
    examiner.confirm_trust()


# Sources of lists


@pytest.mark.parametrize("error", [*UNEXPECTED, httpx.ConnectError("away"), httpx.StreamConsumed()], ids=repr)
def test_a_source_that_fails_in_any_way_changes_nothing_for_the_others(
    harness: Harness, folder: Path, error: BaseException
) -> None:
    root = trust_folder.load(folder)[0].root_fingerprints[0]
    addresses = ("http://a.example/odd.crl", "http://b.example/new.crl")
    write_pins(folder, {root: Pin(crls=addresses)})

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.host == "a.example":
            raise error
        return httpx.Response(200, content=revoking(harness))

    results = refreshing.refresh(folder, transport=httpx.MockTransport(answer))
    assert [(each.source, each.is_well) for each in results] == [(addresses[0], False), (addresses[1], True)]


@pytest.mark.parametrize(
    "state", ["[]", "{", '{"http://a.example/": 5}', '{"http://a.example/": {"If-None-Match": [1]}}']
)
def test_a_broken_state_file_is_not_believed(harness: Harness, folder: Path, state: str) -> None:
    root = trust_folder.load(folder)[0].root_fingerprints[0]
    write_pins(folder, {root: Pin(crls=("http://a.example/",))})
    (folder / "crls" / refreshing.STATE).write_text(state)
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=revoking(harness)))
    assert [each.outcome for each in refreshing.refresh(folder, transport=transport)] == ["new"]


async def _nothing(_: httpx.Request) -> httpx.Response:
    await asyncio.Event().wait()
    raise AssertionError


def _now_and_then(_: httpx.Request) -> httpx.Response:
    async def body() -> AsyncIterator[bytes]:
        while True:
            yield b"\x30"
            await asyncio.sleep(0)

    return httpx.Response(200, content=body())


def _packed_nothing(_: httpx.Request) -> httpx.Response:
    """Compressed data that never become a byte."""

    async def body() -> AsyncIterator[bytes]:
        packer = zlib.compressobj(wbits=31)
        yield packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
        while True:
            yield b"\0\0\0\xff\xff"
            await asyncio.sleep(0)

    return httpx.Response(200, content=body(), headers={"Content-Encoding": "gzip"})


@pytest.mark.parametrize("server", [_nothing, _now_and_then, _packed_nothing])
def test_a_server_that_never_comes_to_an_end(
    harness: Harness, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Any
) -> None:
    """Not with its headers, nor with its body. Lists that were brought as files do not wait for it."""
    root = trust_folder.load(folder)[0].root_fingerprints[0]
    write_pins(folder, {root: Pin(crls=("http://a.example/",))})
    monkeypatch.setattr(fetching, "FETCH_SECONDS", 0)
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "list").write_bytes(_list(harness, number=5))
    results = refreshing.refresh(folder, [tmp_path / "drop"], transport=httpx.MockTransport(server))
    assert [each.outcome for each in results] == ["new", "list takes too long"]


def test_a_tag_that_no_header_can_hold(harness: Harness, folder: Path) -> None:
    """It ended every later request of that list."""
    root = trust_folder.load(folder)[0].root_fingerprints[0]
    write_pins(folder, {root: Pin(crls=("http://a.example/",))})
    for number, tag in enumerate((b'"\xff\xfe"', b'"a\x7f"', "é".encode()), start=5):
        answer = httpx.Response(200, content=_list(harness, number=number), headers=[(b"ETag", tag)])
        results = refreshing.refresh(folder, transport=httpx.MockTransport(lambda _, answer=answer: answer))  # type: ignore[misc]
        assert [each.outcome for each in results] == ["new"]


def test_a_list_that_is_gone_is_brought_again(harness: Harness, folder: Path) -> None:
    """Although its server says that it has not changed; another list is still there."""
    root = trust_folder.load(folder)[0].root_fingerprints[0]
    write_pins(folder, {root: Pin(crls=("http://a.example/",))})

    def answer(request: httpx.Request) -> httpx.Response:
        if "If-None-Match" in request.headers:
            return httpx.Response(304)
        return httpx.Response(200, content=_list(harness, number=5), headers={"ETag": '"1"'})

    def outcomes() -> list[str]:
        return [each.outcome for each in refreshing.refresh(folder, transport=httpx.MockTransport(answer))]

    assert [outcomes(), outcomes()] == [["new"], ["unchanged"]]
    (own,) = (folder / "crls").glob("?" * 32 + ".crl")
    own.unlink()
    assert list((folder / "crls").glob("*.crl"))
    assert outcomes() == ["new"]


def test_unchanged_since_never(folder: Path) -> None:
    """A server that says so without being asked gave no list."""
    root = trust_folder.load(folder)[0].root_fingerprints[0]
    write_pins(folder, {root: Pin(crls=("http://a.example/",))})
    transport = httpx.MockTransport(lambda _: httpx.Response(304))
    assert [(each.outcome, each.is_well) for each in refreshing.refresh(folder, transport=transport)] == [
        ("status 304", False)
    ]


def test_a_revoked_key_brings_no_list(harness: Harness, folder: Path, tmp_path: Path) -> None:
    """It could date one back that is silent about somebody. What it said before stays, under whatever name."""
    (tmp_path / "drop").mkdir()
    former, dropped = folder / "crls" / f"{'0' * 32}.crl", tmp_path / "drop" / "list"
    dropped.write_bytes(_list(harness, number=5))

    def brought() -> list[str]:
        return [each.outcome for each in refreshing.refresh(folder, [tmp_path / "drop"], now=NOW + DAY)]

    def held() -> set[int | None]:
        return {crl.number for crl in trust_folder.load(folder)[1].crls if crl.number in (5, 6)}

    assert (brought(), held()) == (["new"], {5})
    serial = harness.city.authority.issuing.certificate.serial_number
    times = {"this_update": NOW, "next_update": NOW + WEEK}
    root_list = harness.city.authority.crl("root", number=9, revoked=[Revocation(serial, NOW)], **times)
    (folder / "crls" / "of the root").write_bytes(root_list)
    later = _list(harness, number=6, this_update=NOW + DAY / 2, next_update=NOW + WEEK)
    dropped.write_bytes(later)
    assert (brought(), held()) == (["not used: signed with a revoked key"], {5})
    former.write_bytes(later)
    assert (brought(), held()) == (["not used: signed with a revoked key"], {6})
    assert not former.exists()


def test_two_who_write_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither takes the other's half-written file for its own."""
    path, rename = folder / "trust.json", Path.replace

    def second_comes_between(beside: Path, target: Path) -> Path:
        monkeypatch.setattr(Path, "replace", rename)
        replace_file(path, b"second")
        assert path.read_bytes() == b"second"
        return rename(beside, target)

    monkeypatch.setattr(Path, "replace", second_comes_between)
    replace_file(path, b"first")
    assert path.read_bytes() == b"first"
    assert [each.name for each in folder.iterdir() if each.name.endswith(".new")] == []


def test_one_looks_and_replaces_before_the_other_looks(
    folder: Path, harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or else an older list would come over a newer one."""
    held: list[str] = []

    def noting(name: str) -> Any:
        does = getattr(kept_lists, name)

        def noted(*arguments: Any) -> Any:
            with (folder / "crls" / LOCK).open("ab") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    held.append(name)
            return does(*arguments)

        return noted

    for name in ("_read_before", "replace_file"):
        monkeypatch.setattr(kept_lists, name, noting(name))
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "list").write_bytes(_list(harness, number=5))
    assert [each.outcome for each in refreshing.refresh(folder, [tmp_path / "drop"], now=NOW)] == ["new"]
    assert held == ["_read_before", "replace_file"]


def test_nothing_is_written_where_nothing_is_new(
    folder: Path, harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder may be on a disk that cannot be written."""
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "list").write_bytes(_list(harness, number=5))
    assert [each.outcome for each in refreshing.refresh(folder, [tmp_path / "drop"], now=NOW)] == ["new"]

    def refuse(*_: Any) -> None:
        raise OSError(errno.EROFS, "read-only file system")

    monkeypatch.setattr(kept_lists, "locked", refuse)
    monkeypatch.setattr(kept_lists, "replace_file", refuse)
    assert [each.outcome for each in refreshing.refresh(folder, [tmp_path / "drop"], now=NOW)] == ["unchanged"]
    (tmp_path / "drop" / "list").write_bytes(_list(harness, number=6))
    assert [each.is_well for each in refreshing.refresh(folder, [tmp_path / "drop"], now=NOW)] == [False]


@pytest.mark.parametrize("modes", [{"rb"}, set()], ids=["can be read", "cannot be opened"])
def test_a_lock_file_of_another_user(
    folder: Path, harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, modes: set[str]
) -> None:
    """Left by an administrator who brought a list by hand. The folder can be written, so lists are brought."""
    open_file = Path.open
    tried: list[str] = []

    def opened(path: Path, mode: str = "r", *options: Any, **more: Any) -> Any:
        if path.name == LOCK:
            tried.append(mode)
            if mode not in modes:
                raise PermissionError(errno.EACCES, "not yours")
        return open_file(path, mode, *options, **more)

    (folder / "crls" / LOCK).touch()
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "list").write_bytes(_list(harness, number=5))
    monkeypatch.setattr(Path, "open", opened)
    assert [each.outcome for each in refreshing.refresh(folder, [tmp_path / "drop"], now=NOW)] == ["new"]
    assert tried == ["ab", "rb"]


def test_whoever_keeps_the_lock_keeps_nobody_waiting_for_ever(
    folder: Path, harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was stopped, or a machine that shares the folder and is gone."""
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "list").write_bytes(_list(harness, number=5))
    monkeypatch.setattr(atomic_file, "LOCK_SECONDS", 0)
    with (folder / "crls" / LOCK).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        (result,) = refreshing.refresh(folder, [tmp_path / "drop"], now=NOW)
        assert (result.is_well, "keeps the lock" in result.outcome) == (False, True)
    assert [each.outcome for each in refreshing.refresh(folder, [tmp_path / "drop"], now=NOW)] == ["new"]


def test_what_cannot_be_written_costs_nothing_but_itself(harness: Harness, folder: Path, tmp_path: Path) -> None:
    root = trust_folder.load(folder)[0].root_fingerprints[0]
    write_pins(folder, {root: Pin(crls=("http://a.example/",))})
    (folder / "crls" / refreshing.STATE).mkdir()
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=_list(harness, number=5)))
    first, state = refreshing.refresh(folder, transport=transport)
    assert (first.outcome, state.source, state.is_well) == ("new", refreshing.STATE, False)


def test_a_list_dated_ahead_is_not_taken_and_keeps_none_out(harness: Harness, folder: Path, tmp_path: Path) -> None:
    drop = tmp_path / "drop"
    drop.mkdir()

    def brought(this_update: datetime, number: int) -> str:
        (drop / "list").write_bytes(
            _list(harness, this_update=this_update, next_update=this_update + WEEK, number=number)
        )
        (result,) = refreshing.refresh(folder, [drop], now=NOW)
        return result.outcome

    assert brought(NOW - DAY, 5) == "new"
    assert brought(NOW + 36 * YEAR, 6).startswith("not used: dated ahead, 2062")
    (own,) = (folder / "crls").glob("?" * 32 + ".crl")
    (drop / "list").rename(own)  # as former releases did
    assert refreshing.refresh(folder, now=NOW) == []
    assert brought(NOW, 7) == "new"
    assert brought(NOW + timedelta(seconds=30), 8) == "new"  # clocks differ


ODD_ADDRESSES = ('[1, "http://a.example/"]', '[{"a": 1}]', "5", '"http://a.example/"', "null")


@pytest.mark.parametrize("addresses", ODD_ADDRESSES)
def test_addresses_that_cannot_be_read_cost_nothing_but_themselves(
    harness: Harness, folder: Path, tmp_path: Path, addresses: str
) -> None:
    root = trust_folder.load(folder)[0].root_fingerprints[0]
    other = f'"{"ab" * 32}": {{"crls": ["http://b.example/"]}}'
    (folder / "trust.json").write_text(f'{{"roots": {{"{root}": {{"name": "G2", "crls": {addresses}}}, {other}}}}}')
    drop = tmp_path / "drop"
    drop.mkdir()
    (drop / "list").write_bytes(_list(harness, number=5))
    left_out: list[LeftOut] = []
    assert trust_folder.load(folder, left_out=left_out.append)[0].root_fingerprints == (root,)
    assert [(each.folder, each.name) for each in left_out] == [("trust.json", root)]
    urls: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        urls.append(str(request.url))
        return httpx.Response(200, content=_list(harness, number=6))

    results = refreshing.refresh(folder, [drop], transport=httpx.MockTransport(answer))
    assert [(each.source, each.is_well) for each in results] == [("list", True), ("http://b.example/", True)]
    assert urls == ["http://b.example/"]


async def test_lists_are_brought_while_the_pins_cannot_be_read(
    harness: Harness, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the service, which knows what they said last."""
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "list").write_bytes(_list(harness, number=5))
    examiner = examiner_of(folder, harness, monkeypatch)
    await examiner.refresh_material()
    examiner._settings.crl_drop_dir = tmp_path / "drop"
    (folder / "trust.json").write_text("{")
    with pytest.raises(ValueError, match=r"trust\.json"):
        refreshing.refresh(folder, [tmp_path / "drop"])
    await examiner.refresh_lists()
    assert len(list((folder / "crls").glob("?" * 32 + ".crl"))) == 1


# Names of former releases


@pytest.mark.parametrize(
    "name", ["0123456789abcdef01234567-all.crl", "0123456789abcdef01234567-subscribers.crl", "f" * 32 + ".crl"]
)
def test_lists_under_former_names_get_their_own_or_go(harness: Harness, folder: Path, name: str) -> None:
    crls = [_list(harness, this_update=NOW + days * DAY, number=days + 5) for days in range(3)]
    (folder / "crls" / "operator.crl").write_bytes(crls[0])
    former = folder / "crls" / name
    former.write_bytes(crls[1])
    refreshing.refresh(folder)
    names = {path.name for path in (folder / "crls").glob("*.crl")}
    assert name not in names
    (own,) = {each for each in names if len(each) == 36}
    assert (folder / "crls" / own).read_bytes() == crls[1]
    former.write_bytes(crls[0])  # an older one takes nothing away
    refreshing.refresh(folder)
    assert not former.exists()
    assert (folder / "crls" / own).read_bytes() == crls[1]
    former.write_bytes(crls[2])  # a newer one takes its place
    refreshing.refresh(folder)
    assert not former.exists()
    assert (folder / "crls" / own).read_bytes() == crls[2]
    assert (folder / "crls" / "operator.crl").read_bytes() == crls[0]


def test_a_list_of_nobody_we_trust_stays_where_it_is(harness: Harness, folder: Path) -> None:
    """A CA that is taken out may come back, and ``load`` names the file."""
    stranger = folder / "crls" / ("a" * 32 + ".crl")
    stranger.write_bytes(harness.city.foreign.crl(this_update=NOW, next_update=NOW + DAY))
    assert refreshing.refresh(folder) == []
    assert stranger.exists()


async def test_a_refusal_by_the_directory_needs_a_verdict_by_the_newest(
    harness: Harness, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    examiner = examiner_of(folder, harness, monkeypatch)
    await examiner.refresh_material()
    judged_by = {harness.directory.version}
    await examiner.confirm_directory(judged_by)
    examiner._directory = Directories(harness.city.directory("v2"))  # type: ignore[assignment]
    for _ in range(2):
        with pytest.raises(Outage, match="changed"):
            await examiner.confirm_directory(judged_by)
        await examiner.refresh_material()  # while the document was being examined
    await examiner.confirm_directory({"v2"})
    with pytest.raises(Outage, match="changed"):
        await examiner.confirm_directory({"v2"} | judged_by)
