"""What the simulated world and its faults name in text is there."""

from collections.abc import Iterator
from importlib import import_module
from unittest.mock import patch

import pytest

from common.facts.flows import SERVICES
from common.settings import ServiceSettings
from tests.simulation.mutations import MUTATIONS
from tests.simulation.world import CONSTANTS, SETTINGS


def fields() -> set[str]:
    """Variables that some service reads."""
    kinds: list[type[ServiceSettings]] = [
        getattr(import_module(f"{service}.settings"), f"{service.capitalize()}Settings") for service in SERVICES
    ]
    return {f"TRUNK_{field}".upper() for kind in kinds for field in kind.model_fields}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_setting_of_the_world_is_one_of_a_service(name: str) -> None:
    assert name in fields()


@pytest.mark.parametrize("place", CONSTANTS)
def test_a_constant_that_the_world_replaces_is_there(place: str) -> None:
    """A constant that became a setting moves from ``CONSTANTS`` to ``SETTINGS``."""
    module, _, name = place.rpartition(".")
    assert hasattr(import_module(module), name)


@pytest.fixture
def undone() -> Iterator[None]:
    yield
    patch.stopall()


@pytest.mark.usefixtures("undone")
@pytest.mark.parametrize("name", [name for name, fault in MUTATIONS.items() if not fault.in_the_running_trunk])
def test_what_a_fault_of_the_code_replaces_is_there(name: str) -> None:
    """The search for faults, which takes long, would end at the first that cannot be made any more."""
    MUTATIONS[name].make()
