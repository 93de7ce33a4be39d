"""The operator's trust commands: nothing counts whose fingerprint nobody typed, lists come in whole and newer."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from mint.pki import Authority
from trunkctl import trust_folder as changing
from trunkctl.command_error import CommandError
from trunkctl.main import app
from validator.pki import atomic_file, refresh, trust_folder
from validator.pki.pins import Pin, read_pins, write_pins

NOW = datetime(2026, 7, 1, 3, tzinfo=UTC)
ADDRESS = "http://crl.invalid/g2.crl"


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("G2", now=NOW, kind="p256")


def _run(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def _add(folder: Path, authority: Authority, *more: object) -> None:
    file = folder.parent / "given.pem"
    root, issuing = authority.root.certificate, authority.issuing.certificate
    from cryptography.hazmat.primitives.serialization import Encoding

    file.write_bytes(root.public_bytes(Encoding.PEM) + issuing.public_bytes(Encoding.PEM))
    colons = ":".join(authority.root.sha256[at : at + 2].upper() for at in range(0, 64, 2))
    _run("trust", "add", file, "--sha256", colons, "--trust", folder, "--name", "G2", *more)
    _run("trust", "add", file, "--sha256", authority.issuing.sha256, "--trust", folder, "--as", "intermediate")


def test_add_list_remove(tmp_path: Path, authority: Authority) -> None:
    folder = tmp_path / "trust"
    _add(folder, authority, "--until", "2030-01-01")
    loaded, _ = trust_folder.load(folder)
    assert loaded.root_fingerprints == (authority.root.sha256,)
    assert len(loaded.intermediates) == 1
    assert not loaded.holds(loaded.roots[0], datetime(2031, 1, 1, tzinfo=UTC))
    shown = _run("trust", "list", "--trust", folder)
    assert "G2" in shown
    _run("trust", "remove", authority.root.sha256, "--trust", folder)
    with pytest.raises(ValueError, match="no root"):
        trust_folder.load(folder)


def test_two_who_pin_at_once(tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither takes out what the other has added since."""
    folder = tmp_path / "trust"

    @contextmanager
    def after_another(folder: Path) -> Iterator[None]:
        write_pins(folder, {**(read_pins(folder) or {}), "ab" * 32: Pin(name="another")})
        yield

    monkeypatch.setattr(changing, "locked", after_another)
    _add(folder, authority)
    assert set(read_pins(folder) or {}) == {"ab" * 32, authority.root.sha256}
    _run("trust", "remove", authority.root.sha256, "--trust", folder)
    assert set(read_pins(folder) or {}) == {"ab" * 32}


def test_the_pins_that_another_keeps(tmp_path: Path, authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "trust"
    folder.mkdir()
    monkeypatch.setattr(atomic_file, "LOCK_SECONDS", 0)
    with (folder / atomic_file.LOCK).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(CommandError, match="keeps the lock"):
            _add(folder, authority)
    assert read_pins(folder) is None


def test_a_wrong_fingerprint_changes_nothing(tmp_path: Path, authority: Authority) -> None:
    file = tmp_path / "root.der"
    file.write_bytes(authority.root.der)
    for typed in ("00" * 32, "f04b", authority.issuing.sha256):
        with pytest.raises(CommandError):
            _run("trust", "add", file, "--sha256", typed, "--trust", tmp_path / "trust")
    assert not (tmp_path / "trust").exists()


def test_a_subscriber_is_no_root(tmp_path: Path, authority: Authority) -> None:
    person = authority.person("Ai đó")
    file = tmp_path / "person.der"
    file.write_bytes(person.der)
    with pytest.raises(CommandError, match="no CA"):
        _run("trust", "add", file, "--sha256", person.sha256, "--trust", tmp_path / "trust")


def test_a_root_dropped_into_the_folder_does_not_count(tmp_path: Path, authority: Authority) -> None:
    folder = tmp_path / "trust"
    _add(folder, authority)
    stranger = Authority("Strange", now=NOW, kind="p256")
    (folder / "roots" / "strange.der").write_bytes(stranger.root.der)
    loaded, _ = trust_folder.load(folder)
    assert loaded.root_fingerprints == (authority.root.sha256,)
    assert "NO, not pinned" in _run("trust", "list", "--trust", folder)


def test_an_odd_file_ends_no_command(tmp_path: Path, authority: Authority) -> None:
    folder = tmp_path / "trust"
    for place in ("roots", "intermediates", "tsa"):
        (folder / place).mkdir(parents=True)
        (folder / place / "README.txt").write_text("Chứng thư gốc")
    (folder / "tsa" / "nowhere").symlink_to("nothing")
    assert "left out: tsa/README.txt: not a certificate" in _run("trust", "list", "--trust", folder)
    _add(folder, authority)
    shown = _run("trust", "list", "--trust", folder)
    assert "G2" in shown
    assert "left out: roots/README.txt" in shown
    bundle = folder / "intermediates" / "bundle.pem"
    (folder / "intermediates" / f"{authority.issuing.sha256}.pem").rename(bundle)
    bundle.write_bytes(bundle.read_bytes() + b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with pytest.raises(CommandError, match="take it apart"):
        _run("trust", "remove", authority.issuing.sha256, "--trust", folder)
    assert bundle.exists()
    _run("trust", "remove", authority.root.sha256, "--trust", folder)
    assert {path.name for path in (folder / "roots").iterdir()} == {"README.txt"}


def _crl(authority: Authority, number: int, at: datetime = NOW) -> bytes:
    return authority.crl("issuing", this_update=at, next_update=at + timedelta(days=7), number=number)


class Server:
    """A server of one list."""

    def __init__(self, data: bytes) -> None:
        self.data, self.tag, self.status, self.asked = data, '"1"', 200, 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if request.headers.get("If-None-Match") == self.tag:
            return httpx.Response(304)
        return httpx.Response(self.status, content=self.data, headers={"ETag": self.tag})


def _outcomes(folder: Path, server: Server) -> list[str]:
    return [taken.outcome for taken in refresh.refresh(folder, transport=httpx.MockTransport(server))]


def test_lists_are_brought_by_etag_and_only_newer_ones(tmp_path: Path, authority: Authority) -> None:
    folder = tmp_path / "trust"
    _add(folder, authority, "--crl", ADDRESS)
    server = Server(_crl(authority, 5))
    assert _outcomes(folder, server) == ["new"]
    assert _outcomes(folder, server) == ["unchanged"]
    assert [crl.number for crl in trust_folder.load(folder)[1].crls] == [5]
    server.data, server.tag = _crl(authority, 4, NOW - timedelta(days=1)), '"2"'
    assert _outcomes(folder, server)[0].startswith("not used: older")
    server.data = _crl(Authority("G2", now=NOW, kind="p256"), 9, NOW + timedelta(days=1))
    assert _outcomes(folder, server)[0].startswith("not used")
    server.data = b"<html>"
    assert _outcomes(folder, server)[0].startswith("not used")
    server.status = 503
    assert _outcomes(folder, server) == ["status 503"]
    assert [crl.number for crl in trust_folder.load(folder)[1].crls] == [5]
    server.status, server.data = 200, _crl(authority, 6, NOW + timedelta(days=1))
    assert _outcomes(folder, server) == ["new"]
    assert [crl.number for crl in trust_folder.load(folder)[1].crls] == [6]
    assert not [path for path in (folder / "crls").iterdir() if path.name.endswith(".new")]


def test_a_server_that_is_away_is_said(tmp_path: Path, authority: Authority) -> None:
    folder = tmp_path / "trust"
    _add(folder, authority, "--crl", ADDRESS)

    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("away", request=request)

    taken = refresh.refresh(folder, transport=httpx.MockTransport(away))
    assert not taken[0].is_well


def test_lists_dropped_as_files(tmp_path: Path, authority: Authority) -> None:
    folder, drop = tmp_path / "trust", tmp_path / "drop"
    _add(folder, authority)
    drop.mkdir()
    (drop / "list").write_bytes(_crl(authority, 3))
    assert "new" in _run("trust", "refresh", "--trust", folder, "--drop", drop)
    assert "unchanged" in _run("trust", "refresh", "--trust", folder, "--drop", drop)


def test_a_list_dated_ahead_is_not_called_in_force(tmp_path: Path, authority: Authority) -> None:
    folder = tmp_path / "trust"
    _add(folder, authority)
    (folder / "crls").mkdir()
    (folder / "crls" / "list").write_bytes(_crl(authority, 3, datetime.now(UTC)))
    assert "dated ahead" not in _run("trust", "list", "--trust", folder)
    (folder / "crls" / "list").write_bytes(_crl(authority, 3, datetime.now(UTC) + timedelta(days=2)))
    assert "NO, dated ahead" in _run("trust", "list", "--trust", folder)


def test_addresses_that_are_none(tmp_path: Path, authority: Authority) -> None:
    with pytest.raises(CommandError, match="no address"):
        _add(tmp_path / "trust", authority, "--crl", "file:///x")


def test_pins_that_cannot_be_read(tmp_path: Path, authority: Authority) -> None:
    folder = tmp_path / "trust"
    _add(folder, authority)
    for text in ("{", "[]"):
        (folder / "trust.json").write_text(text)
        with pytest.raises(ValueError, match=r"trust\.json"):
            trust_folder.load(folder)
    (folder / "trust.json").unlink()
    for make in (lambda path: path.symlink_to("nowhere"), lambda path: path.symlink_to(path.name), Path.mkdir):
        make(folder / "trust.json")  # what is there, but is no file, does not mean that every root counts
        with pytest.raises(ValueError, match=r"trust\.json"):
            trust_folder.load(folder)
        (folder / "trust.json").rmdir() if make is Path.mkdir else (folder / "trust.json").unlink()
    left_out: list[trust_folder.LeftOut] = []
    entry = {authority.root.sha256: {"until": "2030-01-01T00:00:00"}}
    (folder / "trust.json").write_text(json.dumps({"roots": entry}))
    with pytest.raises(ValueError, match="no root"):
        trust_folder.load(folder, left_out=left_out.append)
    assert authority.root.sha256 in {each.name for each in left_out}
