"""House rules that a machine can hold."""

import importlib
from pathlib import Path
from typing import get_args

import pytest

from common import topology
from common.domain.names import Lane
from common.domain.reason import Reason
from common.facts import Fact
from common.sentences import sentence

ROOT = Path(__file__).parent.parent
PACKAGES = ["common", "dashboards", "devstack", "lab", "mint", "trunkctl", *topology.SERVICES]
FACTS = {kind.model_fields["fact"].default for kind in get_args(get_args(Fact)[0])}


@pytest.mark.parametrize("name", PACKAGES)
def test_our_names_are_ours(name: str) -> None:
    """``intake`` and others exist in public registries: ours must be the ones imported."""
    found = importlib.import_module(name).__file__
    assert found is not None
    assert Path(found).is_relative_to(ROOT)


def test_every_service_is_in_the_topology() -> None:
    assert {path.name for path in (ROOT / "services").iterdir() if path.is_dir()} == set(topology.SERVICES)


def test_services_take_facts_that_exist() -> None:
    for service, facts in topology.FACTS_TAKEN.items():
        assert set(facts) <= FACTS | {"#"}, service


def test_every_fact_reaches_somebody_besides_the_archive() -> None:
    taken = {fact for service, facts in topology.FACTS_TAKEN.items() if service != "archive" for fact in facts}
    for_the_record = {
        "document.recalled",
        "document.superseded",
        "document.archived",
        "notification.sent",
        "routing.refused",
    }
    assert FACTS - taken == for_the_record


def test_queue_names_are_distinct() -> None:
    names = [name for service in topology.SERVICES for name in topology.consumed_queues(service)]
    assert len(names) == len(set(names)) == 2 * (len(topology.SERVICES) + 1)


def test_submit_keys_are_exact() -> None:
    assert topology.submit_key("000.00.14.H29", Lane.NORMAL) == "submit.000.00.14.H29"
    assert topology.submit_key("000.00.14.H29", Lane.URGENT) == "submit.000.00.14.H29.urgent"


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_sentence_and_is_its_token(reason: Reason) -> None:
    assert reason.value == reason.name
    assert sentence(reason).endswith(".")
