"""Volumes as a kubelet lays them out: every file a link into ``..data``, which is itself swapped as a whole."""

import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from common.settings import ServiceSettings
from mint.pki import Authority
from validator.pki import refresh, trust_folder

from .manifests import Manifests

NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority("G2", now=NOW, kind="p256")


@pytest.fixture(scope="module")
def other() -> Authority:
    return Authority("G3", now=NOW, kind="p256")


def publish(volume: Path, files: dict[str, bytes]) -> None:
    """What a kubelet does when a ConfigMap or a Secret changes."""
    data = volume / f"..{len(list(volume.glob('*')))}-{os.urandom(4).hex()}"
    data.mkdir(parents=True)
    for name, content in files.items():
        (data / name).write_bytes(content)
    (volume / "..data_tmp").symlink_to(data.name)
    (volume / "..data_tmp").rename(volume / "..data")
    for name in files:
        if not (volume / name).is_symlink():
            (volume / name).symlink_to(Path("..data") / name)
    for stale in volume.glob("[!.]*"):
        if stale.name not in files:
            stale.unlink()


def pem(authority: Authority, issuer: str) -> bytes:
    encoded: bytes = getattr(authority, issuer).certificate.public_bytes(Encoding.PEM)
    return encoded


def pins(*authorities: Authority) -> bytes:
    return json.dumps({"roots": {each.root.sha256: {"name": each.name} for each in authorities}}).encode()


@pytest.fixture
def folder(tmp_path: Path, authority: Authority) -> Path:
    """The trust folder of a pod: two ConfigMaps, one file of a third, an empty folder for lists."""
    publish(tmp_path / "roots", {"g2.pem": pem(authority, "root")})
    publish(tmp_path / "intermediates", {"g2.pem": pem(authority, "issuing")})
    (tmp_path / "trust.json").write_bytes(pins(authority))
    (tmp_path / "crls").mkdir()
    return tmp_path


def test_secrets_are_read(tmp_path: Path) -> None:
    publish(tmp_path, {"trunk_amqp_url": b"amqp://router:x@rabbitmq/trunk", "trunk_s3_secret_key": b"key"})
    settings = ServiceSettings(_secrets_dir=tmp_path)
    assert settings.amqp_url.get_secret_value() == "amqp://router:x@rabbitmq/trunk"
    assert settings.s3_secret_key.get_secret_value() == "key"


def test_trust_is_read_and_a_change_is_noticed(folder: Path, authority: Authority, other: Authority) -> None:
    loaded, _ = trust_folder.load(folder)
    assert loaded.root_fingerprints == (authority.root.sha256,)
    before = trust_folder.stamp(folder)
    assert trust_folder.stamp(folder) == before
    publish(folder / "intermediates", {"g2.pem": pem(authority, "issuing"), "g3.pem": pem(other, "issuing")})
    assert trust_folder.stamp(folder) != before
    assert len(trust_folder.load(folder)[0].intermediates) == 2


def test_a_root_that_is_not_yet_pinned_or_not_there_any_more_does_not_count(
    folder: Path, authority: Authority, other: Authority
) -> None:
    """The ConfigMaps change one after the other, and trust.json only with a restart."""
    publish(folder / "roots", {"g2.pem": pem(authority, "root"), "g3.pem": pem(other, "root")})
    assert trust_folder.load(folder)[0].root_fingerprints == (authority.root.sha256,)
    (folder / "trust.json").write_bytes(pins(authority, other))
    publish(folder / "roots", {"g3.pem": pem(other, "root")})
    assert trust_folder.load(folder)[0].root_fingerprints == (other.root.sha256,)


def test_lists_that_are_dropped_are_taken_and_nothing_else_is_written(folder: Path, authority: Authority) -> None:
    drop = folder.parent / f"{folder.name}-drop"
    publish(drop, {"g2.crl": authority.crl("issuing", this_update=NOW, next_update=NOW + timedelta(days=1), number=1)})
    before = written(folder)
    taken = refresh.refresh(folder, [drop])
    assert [each.outcome for each in taken] == ["new"]
    assert {path.parent for path in written(folder) - before} == {folder / "crls"}
    publish(drop, {"g2.crl": authority.crl("issuing", this_update=NOW, next_update=NOW + timedelta(days=2), number=2)})
    assert [each.outcome for each in refresh.refresh(folder, [drop])] == ["new"]


def test_only_the_lists_are_mounted_to_be_written(everything: Manifests) -> None:
    mounts = everything.workload("validator").container["volumeMounts"]
    writable = {mount["mountPath"] for mount in mounts if not mount.get("readOnly")}
    assert writable == {"/tmp", "/var/lib/trunk/trust/crls"}


def written(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}
