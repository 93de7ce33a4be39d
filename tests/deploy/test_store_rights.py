"""What is deployed gives each role the rights of the table: generated files are up to date, secrets are not shared."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from common import database_users
from common.store_access import Role
from common.store_policies import database_role, database_role_name, policy
from tests.system.trunk import ROOT, SERVICES, run
from trunkctl.main import app

IDENTITIES = ROOT / "deploy/seaweedfs/identities.json"


def test_the_object_stores_identities_are_those_of_the_table() -> None:
    """If not: ``trunkctl stores identities > deploy/seaweedfs/identities.json``."""
    assert CliRunner().invoke(app, ["stores", "identities"]).output == IDENTITIES.read_text()


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("secrets")
    run("sh", ROOT / "deploy/compose/make-secrets.sh", folder)
    return folder


def test_compose_gives_each_role_its_own_keys(secrets: Path) -> None:
    content = json.loads((secrets / "s3_identities.json").read_text())
    assert [each["name"] for each in content["identities"]] == list(Role)
    for each in content["identities"]:
        (pair,) = each["credentials"]
        name = each["name"]
        assert pair["accessKey"] == (secrets / f"s3_access_key_{name}").read_text()
        assert pair["secretKey"] == (secrets / f"s3_secret_key_{name}").read_text()
        assert each["policyNames"] == [name]
    assert {each["name"]: json.loads(each["content"]) for each in content["policies"]} == {r: policy(r) for r in Role}
    pairs = [pair for each in content["identities"] for pair in (each["credentials"][0].values())]
    assert len({*pairs}) == 2 * len(Role)


def test_compose_gives_each_role_its_own_database_user(secrets: Path) -> None:
    passwords = json.loads((secrets / "mongo_users.json").read_text())
    assert set(passwords) == set(database_users.USERS)
    assert len({*passwords.values(), (secrets / "mongo_password").read_text()}) == len(passwords) + 1
    for role, password in passwords.items():
        assert f"//{role}:{password}@" in (secrets / f"mongo_uri_{role}").read_text()


def test_a_trunk_of_an_earlier_release_keeps_its_keys_until_they_are_removed(tmp_path: Path) -> None:
    """One pair for all services, as they had it: services of both releases work side by side while it is upgraded."""
    script = ROOT / "deploy/compose/make-secrets.sh"
    (tmp_path / "s3_access_key").write_text("former-key")
    (tmp_path / "s3_secret_key").write_text("former-secret")
    (tmp_path / "s3_identities.json").write_text('{"identities": [{"name": "trunk"}]}')
    run("sh", script, tmp_path)
    content = json.loads((tmp_path / "s3_identities.json").read_text())
    former, *roles = content["identities"]
    assert former["credentials"] == [{"accessKey": "former-key", "secretKey": "former-secret"}]
    assert [each["name"] for each in roles] == list(Role)
    for name in ("s3_access_key", "s3_secret_key"):
        (tmp_path / name).unlink()
    run("sh", script, tmp_path)
    assert json.loads((tmp_path / "s3_identities.json").read_text())["identities"] == roles


def test_while_a_pair_is_replaced_both_are_valid(tmp_path: Path) -> None:
    script = ROOT / "deploy/compose/make-secrets.sh"
    run("sh", script, tmp_path)
    before = pairs_of(tmp_path)
    for part in ("access", "secret"):
        (tmp_path / f"s3_{part}_key_router").rename(tmp_path / f"s3_former_{part}_key_router")
    run("sh", script, tmp_path)
    both = pairs_of(tmp_path)
    assert both["router"] == [*pair_in_files(tmp_path, "router"), *before["router"]]
    assert both["router"][0] != both["router"][1]
    assert {role: pairs for role, pairs in both.items() if role != "router"} == {
        role: pairs for role, pairs in before.items() if role != "router"
    }
    for part in ("access", "secret"):
        (tmp_path / f"s3_former_{part}_key_router").unlink()
    run("sh", script, tmp_path)
    assert pairs_of(tmp_path)["router"] == pair_in_files(tmp_path, "router")


def test_rights_that_a_release_changes_are_in_the_file_after_the_next_run(tmp_path: Path) -> None:
    script = ROOT / "deploy/compose/make-secrets.sh"
    run("sh", script, tmp_path)
    whole = (tmp_path / "s3_identities.json").read_text()
    (tmp_path / "s3_identities.json").write_text(whole.replace("s3:GetObject", "s3:DeleteObject"))
    run("sh", script, tmp_path)
    assert (tmp_path / "s3_identities.json").read_text() == whole


def pairs_of(folder: Path) -> dict[str, list[Any]]:
    """Keys that the object store will know, by role."""
    content = json.loads((folder / "s3_identities.json").read_text())
    return {each["name"]: [tuple(pair.values()) for pair in each["credentials"]] for each in content["identities"]}


def pair_in_files(folder: Path, role: str) -> list[Any]:
    return [tuple((folder / f"s3_{part}_key_{role}").read_text() for part in ("access", "secret"))]


def test_compose_hands_each_container_its_own_secrets_alone() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    held = {name: set(map(_source, each.get("secrets", ()))) for name, each in services.items()}
    for service in SERVICES:
        assert {name for name in held[service] if name.startswith(("mongo_", "s3_"))} == {
            f"mongo_uri_{service}",
            f"s3_access_key_{service}",
            f"s3_secret_key_{service}",
        }
    assert held["migrate"] == {"mongo_uri_migrate", "s3_access_key_migrate", "s3_secret_key_migrate"}
    assert held["database-users"] == {"mongo_admin_uri", "mongo_users.json"}
    assert {name for name in held["topology"] if name.startswith(("mongo_", "s3_"))} == {
        "s3_access_key_topology",
        "s3_secret_key_topology",
    }
    administrators = {name for name, names in held.items() if names & {"mongo_password", "mongo_admin_uri"}}
    assert administrators == {"mongodb", "mongodb-init", "database-users"}
    assert {name for name, names in held.items() if "s3_identities.json" in names} == {"seaweedfs"}


def _source(secret: Any) -> str:
    return str(secret if isinstance(secret, str) else secret["source"])


def test_the_example_for_kubernetes_gives_each_role_its_own_database_user() -> None:
    spec = yaml.safe_load((ROOT / "deploy/k8s/examples/mongodb.yaml").read_text())["spec"]
    assert spec["roles"] == [
        {"role": database_role_name(role), "db": "admin", **(database_role(role) or {})}
        for role in database_users.USERS
    ]
    assert spec["users"] == [
        {
            "name": role,
            "db": "admin",
            "passwordSecretRef": {"name": "mongodb-trunk-users", "key": role},
            "roles": [{"name": database_role_name(role), "db": "admin"}],
        }
        for role in database_users.USERS
    ]
