"""Every query of every page, every alert and every variable, against the five real services and the real broker.

Prometheus runs with the shipped rules and jobs while a scripted morning with failures goes through the trunk. What has
no data then would have none in front of the people who watch.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.errors import DevstackError
from lab import prometheus
from tests.deploy.monitoring import files

from .inboxes import Inboxes
from .metrics import Metrics
from .traffic import Day, settled, without_revocation_lists
from .trunk import SERVICES, Trunk, eventually
from .watching import watching

pytestmark = pytest.mark.system

NOT_RECORDED_HERE = {
    "trunk:submit_queues_not_taken": "intake would have to be away for ten minutes",
    "trunk:day_off": "only on a day off",
    "trunk:submitted_on_working_days:increase30m": "not on a day off",
    "trunk:desk_open_seconds": "only while the desk is open",
    "trunk:unheard_alert_timestamp_seconds": "only while the desk is closed, or has just opened",
    "trunk:submit_queue_disabled": "no unit is disabled here",
}
"""Recorded series that may not exist, and why."""
NOT_MADE_HERE = {
    **NOT_RECORDED_HERE,
    'trunk_archive_writes_total{outcome="failed"}': "the store would have to go away between validator and archive",
    'trunk_deliveries_total{outcome="failed"}': "an inbox that takes nothing is not made here",
    'trunk:messages_held{reason="E_OBJECT"}': "nobody alters an object here",
    'trunk_notifications_total{outcome="failed"}': "the mail sink refuses nobody",
    'trunk_notifications_total{outcome="given_up"}': "nobody is silent here for 72 hours",
}
"""Selectors of alerts that may have no series, and why. All else that an alert looks at exists."""

NOT_SCRAPED_HERE = re.compile("(kube|keda|kubelet|probe)_|trunk:data_namespace_info")
"""There is no Kubernetes, and no prober."""

MUST_NOT_FIRE = {
    "TrunkBrokerAlarm",
    "TrunkBrokerDown",
    "TrunkCanaryAltered",
    "TrunkCanaryCertificateExpiring",
    "TrunkCanarySilent",
    "TrunkCertificateExpiring",
    "TrunkDeadLetterDropped",
    "TrunkNotifierFailing",
    "TrunkPublishUnconfirmed",
    "TrunkQueueNoConsumers",
    "TrunkServiceAbsent",
    "TrunkUnitDeliveryFailing",
    "TrunkUnroutable",
}

OFFSET = re.compile(r" offset \w+$")
"""The morning is too short for what an alert asks about an hour or a day ago; the same series must exist now."""
NO_LISTS = 'trunk_trust_last_update_timestamp_seconds{source=~"crl/.+"} == 0'
IN_DOUBT = 'sum(rate(trunk_signature_verdicts_total{verdict="indeterminate"}[30m])) > 0'
"""The validator has noticed; and it was asked about one signature more than once, in vain."""

PANELS = [
    (uid, panel)
    for uid, dashboard in files.dashboards().items()
    for panel in files.panels(dashboard)
    if files.is_metrics(panel)
]


@pytest.fixture(scope="module")
def watched(trunk: Trunk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Metrics]:
    """A Prometheus that scraped the whole morning."""
    folder = tmp_path_factory.mktemp("monitoring")
    try:
        prometheus.tools(prometheus.NEW)
    except DevstackError as missing:
        pytest.skip(f"pages and alerts against the running trunk skipped: {missing}")
    with watching(trunk, folder, pause_seconds=3) as (scraped, canary):
        _morning(trunk, folder, scraped)
        assert eventually(lambda: canary.attempts("success")), canary.log.read_text()
        assert eventually(lambda: scraped.now("trunk:delivery_slow:budget_left30d"))
        yield scraped


def _morning(trunk: Trunk, folder: Path, scraped: Metrics) -> None:
    silent = trunk.units[-1]
    with Inboxes(trunk, [unit for unit in trunk.units if unit != silent]) as inboxes:
        day = Day(trunk, folder, inboxes, silent)
        day.wave()
        with without_revocation_lists(trunk, folder / "lists"):
            assert eventually(lambda: scraped.now(NO_LISTS))
            day.in_doubt()
            assert eventually(lambda: scraped.now(IN_DOUBT))
            day.without_the_store()
        day.wave()
        assert settled(trunk), trunk.depths()


@pytest.mark.parametrize(("uid", "panel"), PANELS, ids=[f"{uid}-{panel['id']}" for uid, panel in PANELS])
def test_every_query_of_every_panel_returns_data(watched: Metrics, uid: str, panel: dict) -> None:  # type: ignore[type-arg]
    for target in panel["targets"]:
        query = files.filled(target["expr"])
        assert (watched.now if target["instant"] else watched.lately)(query), query


def test_every_mark_on_the_pages_returns_data(watched: Metrics) -> None:
    for dashboard in files.dashboards().values():
        for annotation in dashboard["annotations"]["list"]:
            assert watched.lately(files.filled(annotation["expr"])), annotation["expr"]


def test_every_variable_has_choices(watched: Metrics, trunk: Trunk) -> None:
    queries = list(files.variable_queries())
    assert queries
    for where, selector, label in queries:
        values = watched.choices(selector, label)
        assert set(values) >= set(SERVICES if label == "service" else trunk.units), where


def test_every_rule_evaluates(watched: Metrics) -> None:
    rules = {rule["name"]: rule for rule in watched.rules()}
    assert set(rules) == files.recorded() | set(files.alerts())
    assert {name: rule["lastError"] for name, rule in rules.items() if rule["health"] != "ok"} == {}


@pytest.mark.parametrize("name", sorted(files.recorded()))
def test_every_recorded_series_exists(watched: Metrics, name: str) -> None:
    assert name in NOT_RECORDED_HERE or watched.lately(name)


@pytest.mark.parametrize("alert", list(files.alerts()))
def test_everything_an_alert_looks_at_exists(watched: Metrics, alert: str) -> None:
    for selector in files.selectors(files.alerts()[alert]["expr"]):
        query = OFFSET.sub("", selector.prettify())
        assert query in NOT_MADE_HERE or NOT_SCRAPED_HERE.match(query) or watched.lately(query), query


def test_alerts_fire_for_what_happened_and_for_nothing_else(watched: Metrics) -> None:
    def active() -> set[str]:
        return {rule["name"] for rule in watched.rules() if rule["type"] == "alerting" and rule["alerts"]}

    def were_active() -> set[str]:
        return {series.labels["alertname"] for series in watched.lately("ALERTS")}

    assert "TrunkDeadMansSwitch" in active()
    # One page that was not read in time makes an alert pending for a moment; what is wrong stays.
    assert eventually(lambda: not active() & MUST_NOT_FIRE, pause_seconds=2.0), active() & MUST_NOT_FIRE
    expected = {"TrunkSignatureIndeterminate", "TrunkForgery"}
    assert eventually(lambda: were_active() >= expected, pause_seconds=2.0), were_active()


def test_inboxes_bring_two_series_a_unit(watched: Metrics, trunk: Trunk) -> None:
    inbox_series = watched.now('{__name__=~"rabbitmq_.+", queue=~"inbox[.].+"}')
    names = {series.labels["__name__"] for series in inbox_series}
    assert names == {"rabbitmq_detailed_queue_messages", "rabbitmq_detailed_queue_consumers"}


def test_the_silent_unit_is_told_apart(watched: Metrics, trunk: Trunk) -> None:
    waiting = {series.labels["unit"]: series.values[0] for series in watched.now("trunk:inbox_messages")}
    assert set(waiting) >= set(trunk.units)
