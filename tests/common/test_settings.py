"""Sources of settings: environment variables take precedence over files of secrets."""

from pathlib import Path

import pytest

from common.settings import ServiceSettings, secrets_dir


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    (tmp_path / "trunk_amqp_url").write_text("amqp://intake:from-file@broker/trunk\n")
    (tmp_path / "trunk_s3_secret_key").write_text("key\n")
    (tmp_path / "somebody_elses").write_text("ignored")
    return tmp_path


def test_secrets_are_read_from_files_named_like_their_variables(secrets: Path) -> None:
    settings = ServiceSettings(_secrets_dir=secrets)
    assert settings.amqp_url.get_secret_value() == "amqp://intake:from-file@broker/trunk"
    assert settings.s3_secret_key.get_secret_value() == "key"


def test_environment_goes_before_files(secrets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUNK_AMQP_URL", "amqp://intake:from-environment@broker/trunk")
    assert "from-environment" in ServiceSettings(_secrets_dir=secrets).amqp_url.get_secret_value()


def test_secrets_are_not_shown(secrets: Path) -> None:
    assert "from-file" not in repr(ServiceSettings(_secrets_dir=secrets))


@pytest.mark.parametrize(("name", "is_used"), [("here", True), ("not-here", False)])
def test_folder_of_secrets_is_used_where_it_exists(tmp_path: Path, name: str, is_used: bool) -> None:
    (tmp_path / "here").mkdir()
    assert secrets_dir(tmp_path / name) == (tmp_path / name if is_used else None)
