"""What the simulated world sets by name is there."""

from importlib import import_module

import pytest

from common.facts.flows import SERVICES
from common.settings import ServiceSettings
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
