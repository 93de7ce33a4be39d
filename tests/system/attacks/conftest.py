"""Checks the trunk before and after every attack."""

from collections.abc import Iterator

import pytest

from ..conftest import Stock
from ..inboxes import Inboxes
from ..trunk import Trunk, minted
from .aftermath import Scene


@pytest.fixture(scope="session")
def stock(trunk: Trunk, tmp_path_factory: pytest.TempPathFactory) -> Stock:
    """Letters for all attacks."""
    folder = tmp_path_factory.mktemp("attacks")
    return Stock(folder, minted(trunk, folder, 220, seed=71))


@pytest.fixture
def scene(trunk: Trunk, inboxes: Inboxes, stock: Stock) -> Iterator[Scene]:
    made = Scene(trunk, inboxes, stock)
    yield made
    try:
        made.holds()
    finally:
        made.forget()
