"""House rules that a machine can hold."""

import importlib
from datetime import date
from pathlib import Path

import pytest

from common import topology
from common.domain.directory import Unit
from common.domain.names import Lane
from common.domain.reason import Reason
from common.facts.flows import SERVICES
from common.sentences import sentence

ROOT = Path(__file__).parent.parent
PACKAGES = ["common", "dashboards", "devstack", "lab", "mint", "trunkctl", *SERVICES]


@pytest.mark.parametrize("name", PACKAGES)
def test_our_names_are_ours(name: str) -> None:
    """``intake`` and others exist in public registries: ours must be the ones imported."""
    found = importlib.import_module(name).__file__
    assert found is not None
    assert Path(found).is_relative_to(ROOT)


def test_every_service_is_in_the_table_of_facts() -> None:
    assert {path.name for path in (ROOT / "services").iterdir() if path.is_dir()} == set(SERVICES)


def test_queue_names_are_distinct() -> None:
    units = [Unit(code=code, name=code, valid_from=date(2025, 7, 1)) for code in ("A.01", "B.02", "B.02.normal")]
    whole = topology.static_topology()
    for unit in units:
        whole += topology.unit_topology(unit)
    names = [queue.name for queue in whole.queues]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("code", ["000.00.14.H29", "A.01", "normal", "A.normal", "submit.x"])
def test_the_unit_of_a_queue_is_read_from_its_name(code: str) -> None:
    for lane in Lane:
        queue = topology.submit_queue(code, lane)
        assert topology.unit_of_submit_queue(queue) == code
        assert topology.lane_of(queue) is lane
    assert topology.unit_of_inbox(topology.inbox_queue(code)) == code
    for other in (topology.inbox_queue(code), "facts.router.normal", "submit.", "", "submit.A.01"):
        assert topology.unit_of_submit_queue(other) == ""


def test_submit_keys_are_exact() -> None:
    assert topology.submit_key("000.00.14.H29", Lane.NORMAL) == "submit.000.00.14.H29"
    assert topology.submit_key("000.00.14.H29", Lane.URGENT) == "submit.000.00.14.H29.urgent"


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_sentence_and_is_its_token(reason: Reason) -> None:
    assert reason.value == reason.name
    assert sentence(reason).endswith(".")
