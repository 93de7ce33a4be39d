"""Where the command line finds a trunk: the environment, else the file of the trunk on this machine."""

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from common.domain.directory import Directory
from common.store_access import Role
from trunkctl import settings as module
from trunkctl import trunk_file
from trunkctl.command_error import CommandError
from trunkctl.settings import ADDRESSES, ControlSettings, settings
from trunkctl.trunk_file import TrunkFile
from trunkctl.units import lookup


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    settings.cache_clear()
    for name in ADDRESSES:
        monkeypatch.delenv(name, raising=False)


def local_trunk(state: Path) -> TrunkFile:
    users = state / "users.json"
    users.write_text(json.dumps({"operator": "o-p", "A.01": "a/1"}))
    found = TrunkFile(
        amqp_host="127.0.0.1",
        amqp_port=1234,
        rabbitmq_management_url="http://127.0.0.1:1235",
        rabbitmq_admin_user="admin",
        rabbitmq_admin_password="secret",
        mongo_uris={role: f"mongodb://{role}:p@127.0.0.1:1236/" for role in ("operator", "migrate")},
        s3_endpoint="127.0.0.1:1237",
        s3_keys={role: {"access": f"{role}-key", "secret": f"{role}-secret"} for role in Role},
        users_file=users,
        city_dir=state / "city",
        trust_dir=state / "trust",
        directory_file=state / "directory.json",
        mail_file=state / "mail.jsonl",
    )
    trunk_file.save(state, found)
    return found


def test_the_file_of_this_machine_is_used(tmp_path: Path) -> None:
    local_trunk(tmp_path)
    told = settings(tmp_path)
    assert told.amqp_url.get_secret_value() == "amqp://operator:o-p@127.0.0.1:1234/trunk"
    assert told.mongo_uri.get_secret_value() == "mongodb://operator:p@127.0.0.1:1236/"
    assert told.s3_access_key.get_secret_value() == "operator-key"
    assert told.trust_dir == tmp_path / "trust"


def test_a_command_has_the_keys_of_its_role(tmp_path: Path) -> None:
    local_trunk(tmp_path)
    told = settings(tmp_path, Role.MIGRATE)
    assert told.mongo_uri.get_secret_value() == "mongodb://migrate:p@127.0.0.1:1236/"
    assert told.s3_secret_key.get_secret_value() == "migrate-secret"


def test_a_trunk_of_an_earlier_release_is_told_as_such(tmp_path: Path) -> None:
    found = local_trunk(tmp_path).model_dump(mode="json", exclude={"s3_keys", "mongo_uris"})
    before = {**found, "mongo_uri": "mongodb://127.0.0.1:1236/", "s3_access_key": "key", "s3_secret_key": "secret"}
    trunk_file.path(tmp_path).write_text(json.dumps(before))
    with pytest.raises(CommandError, match="trunkctl up"):
        settings(tmp_path)


def test_an_address_in_the_environment_means_another_trunk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local_trunk(tmp_path)
    monkeypatch.setenv("TRUNK_AMQP_URL", "amqp://A.01:x@broker/trunk")
    told = settings(tmp_path)
    assert told.amqp_url.get_secret_value() == "amqp://A.01:x@broker/trunk"
    assert told.mongo_uri.get_secret_value() != "mongodb://operator:p@127.0.0.1:1236/"


def test_a_single_variable_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local_trunk(tmp_path)
    monkeypatch.setenv("TRUNK_TRUST_DIR", "/elsewhere")
    assert settings(tmp_path).trust_dir == Path("/elsewhere")


def test_the_file_is_for_its_owner_only(tmp_path: Path) -> None:
    local_trunk(tmp_path)
    assert trunk_file.path(tmp_path).stat().st_mode & 0o777 == 0o600
    assert trunk_file.load(tmp_path / "nowhere") is None


def test_a_users_address_bears_his_password(tmp_path: Path) -> None:
    local_trunk(tmp_path)
    assert settings(tmp_path).broker_url("A.01") == "amqp://A.01:a%2F1@127.0.0.1:1234/trunk"
    with pytest.raises(CommandError, match=r"No password of broker user B\.02"):
        settings(tmp_path).broker_url("B.02")


def test_a_unit_alone_needs_no_users_file(tmp_path: Path) -> None:
    own = ControlSettings(amqp_url=SecretStr("amqp://A.01:x@broker:5671/trunk"), users_file=tmp_path / "none.json")
    assert own.broker_url("A.01") == "amqp://A.01:x@broker:5671/trunk"
    with pytest.raises(CommandError):
        own.broker_url("B.02")


def test_a_units_own_session_speaks_for_the_unit_it_names() -> None:
    own = ControlSettings(amqp_url=SecretStr("amqp://noi%20vu:x@broker/trunk"))
    assert lookup.known_to(own).units == {}
    assert lookup.speaker(own, Directory([]), "A.01").user == "noi vu"
    with pytest.raises(CommandError, match="not in the unit directory"):
        lookup.speaker(own, Directory([lookup.unlisted("B.02")]), "A.01")


def test_the_default_state_is_the_checkouts() -> None:
    assert Path(".devstack") == module.DEFAULT_STATE
