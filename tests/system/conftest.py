"""One running trunk for all system tests of a process (see ``trunk.state_folder``)."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .inboxes import Inboxes
from .trunk import BIN, STATE, Trunk, minted, run

Entry = dict[str, Any]


class Stock:
    """Valid packages, each to be taken once."""

    def __init__(self, folder: Path, entries: list[Entry]) -> None:
        self.folder = folder
        self._entries = entries

    def take(self, suits: Callable[[Entry], bool] = lambda _: True) -> Entry:
        """One that suits."""
        taken = next((entry for entry in self._entries if suits(entry)), None)
        assert taken, "the stock is used up: mint more"
        self._entries.remove(taken)
        return taken


@pytest.fixture(scope="session")
def trunk() -> Iterator[Trunk]:
    """Started unless it runs; taken down at the end only if it was started here."""
    was_up = Trunk.is_up()
    yield Trunk.up()
    if not was_up:
        run(BIN / "trunkctl", "down", "--state", STATE)


@pytest.fixture(scope="module")
def inboxes(trunk: Trunk) -> Iterator[Inboxes]:
    """Every unit's inbox is read for the time of the module."""
    with Inboxes(trunk, trunk.units) as reading:
        yield reading


@pytest.fixture(scope="session")
def stock(trunk: Trunk, tmp_path_factory: pytest.TempPathFactory) -> Stock:
    """Enough for all tests that need a few."""
    folder = tmp_path_factory.mktemp("stock")
    return Stock(folder, minted(trunk, folder, 240, seed=7))
