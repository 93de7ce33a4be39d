"""``trunkctl log tidy`` notes that it has run, unless something was wrong."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from pymongo.errors import OperationFailure
from typer.testing import CliRunner

from common.tlog.audit import Fault
from trunkctl.command_error import CommandError
from trunkctl.commands import log
from trunkctl.log.tidy import Removed
from trunkctl.main import app
from trunkctl.settings import ControlSettings

GONE = Removed("tile/0/000.p/44", 1408)
WRONG = Fault("tile/0/000.p/45", "is not the beginning of tile/0/000, and stays")


class Client(dict[str, Any]):
    """``trunk_archive.tidies`` of a database, as far as it is written to."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__({"trunk_archive": {"tidies": self}})
        self.rows: dict[str, dict[str, Any]] = {}
        self._error = error

    def update_one(self, which: dict[str, Any], change: dict[str, Any], *, upsert: bool) -> None:
        if self._error:
            raise self._error
        assert upsert
        self.rows[which["_id"]] = change["$set"]

    def close(self) -> None:
        """Nothing."""


def ran(monkeypatch: pytest.MonkeyPatch, results: list[Removed | Fault], client: Client) -> tuple[int, str, Any]:
    """Exit code, last line and exception of the command."""

    def tidy(_store: object, _now: datetime) -> Iterator[Removed | Fault]:
        yield from results

    monkeypatch.setattr(log.tidying, "tidy", tidy)
    monkeypatch.setattr(log, "connected", lambda *_: client)
    monkeypatch.setattr(log, "settings", lambda *_: ControlSettings())
    done = CliRunner().invoke(app, ["log", "tidy"])
    return done.exit_code, (done.stdout.splitlines() or [""])[-1], done.exception


@pytest.mark.parametrize("results", [[], [GONE, GONE]])
def test_a_run_without_fault_is_noted(monkeypatch: pytest.MonkeyPatch, results: list[Removed | Fault]) -> None:
    client = Client()
    code, _, _ = ran(monkeypatch, results, client)
    assert code == 0
    row = client.rows["log"]
    assert row["removed"] == len(results)
    assert row["last_success_at"].tzinfo is not None


def test_a_run_that_found_something_wrong_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    code, said, _ = ran(monkeypatch, [GONE, WRONG], client)
    assert (code, said) == (1, "1 partial tiles removed, 1408 bytes, 1 faults")
    assert not client.rows


def test_a_run_that_cannot_be_noted_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """The job ends as failed, and says that it has removed what it should."""
    _, said, error = ran(monkeypatch, [GONE], Client(OperationFailure("not authorized", code=13)))
    assert said == "1 partial tiles removed, 1408 bytes, 0 faults"
    assert isinstance(error, CommandError)
    assert "The database does not answer" in str(error)
