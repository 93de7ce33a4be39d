"""Alertmanager: who hears of what, when, and what is held back; against the real one."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
import yaml

from lab import prometheus
from lab.prometheus import Tools

from . import files
from .files import MONITORING
from .receiver import Receiver, received

CONFIG = MONITORING / "alertmanager.yaml"
VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
RECEIVERS = {"critical": "page", "warning": "desk", "morning": "digest", "digest": "digest", "none": "heartbeat"}
"""Who hears of a severity, in production."""
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@cache
def config() -> dict[str, Any]:
    """As shipped; not to be changed, because all tests share it."""
    content: dict[str, Any] = yaml.safe_load(CONFIG.read_text())
    return content


def test_the_file_is_valid(newest: Tools) -> None:
    answer = newest.amtool("check-config", CONFIG)
    assert answer.code == 0, answer.printed


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("alertname=TrunkBrokerAlarm severity=critical", "page"),
        ("alertname=TrunkOldestDocumentTooOld severity=critical urgency=urgent", "page"),
        ("alertname=TrunkPlacingsWaiting severity=warning unit=H29.1", "desk"),
        ("alertname=TrunkInboxNotRead severity=digest unit=H29.1", "digest"),
        ("alertname=TrunkDeadMansSwitch severity=none", "heartbeat"),
        ("alertname=TrunkDeadMansSwitch severity=none environment=staging", "nobody"),
        ("alertname=TrunkBrokerAlarm severity=critical environment=production", "page"),
        ("alertname=TrunkBrokerAlarm severity=critical environment=prod", "page"),
        ("alertname=TrunkBrokerAlarm severity=critical environment=staging", "desk"),
        ("alertname=TrunkBrokerAlarm severity=critical environment=dev", "desk"),
        ("alertname=TrunkInboxNotRead severity=digest environment=staging", "digest"),
        ("alertname=Anything", "desk"),
    ],
)
def test_routes(newest: Tools, labels: str, receiver: str) -> None:
    answer = newest.amtool("config", "routes", "test", f"--config.file={CONFIG}", *labels.split())
    assert answer.printed.splitlines()[-1] == receiver


@pytest.mark.parametrize("alert", list(files.alerts()))
def test_every_alert_goes_where_its_severity_says(newest: Tools, alert: str) -> None:
    severity = files.alerts()[alert]["labels"]["severity"]
    wanted = RECEIVERS[severity]
    labels = [f"alertname={alert}", f"severity={severity}"]
    answer = newest.amtool("config", "routes", "test", f"--config.file={CONFIG}", *labels)
    assert answer.printed.splitlines()[-1] == wanted


def test_what_pages_nobody_at_night_is_remembered_for_the_morning() -> None:
    """The environments whose pages wait for the desk, in the routes and in the rule that remembers."""
    routed = {re.findall(r'environment =~ "([^"]+)"', matcher)[0] for route in config()["route"]["routes"]
              for matcher in route["matchers"] if matcher.startswith("environment")}  # fmt: skip
    (rule,) = [rule for rule in files.rules() if rule.get("record") == "trunk:unheard_alert_timestamp_seconds"]
    assert routed == set(re.findall(r'environment=~"([^"]+)"', rule["expr"]))
    assert len(routed) == 1


def test_addresses_are_secrets() -> None:
    for receiver in config()["receivers"]:
        for webhook in receiver.get("webhook_configs", []):
            assert webhook["url_file"].startswith("/run/secrets/alertmanager_")
            assert "url" not in webhook


def test_nothing_is_held_back_or_merged_across_installations() -> None:
    both = {"environment", "namespace"}
    assert all(both <= set(rule["equal"]) for rule in config()["inhibit_rules"])
    groupings = [config()["route"], *config()["route"]["routes"]]
    assert all(both <= set(route["group_by"]) for route in groupings if "group_by" in route)


def test_inhibition_names_alerts_that_exist_and_spares_the_heartbeat() -> None:
    text = CONFIG.read_text()
    named = set(re.findall(r"\bTrunk\w+", text.split("inhibit_rules:")[1].split("time_intervals:")[0]))
    assert named <= set(files.alerts())
    assert "TrunkDeadMansSwitch" not in named


OF = {"environment": "production", "namespace": "trunk"}
UNANSWERED = OF | {"alertname": "TrunkPublishUnanswered", "service": "router"}
SILENT = OF | {"alertname": "TrunkInboxSilent", "service": "broker", "cause": "silent"}


@pytest.mark.parametrize(
    ("firing", "other", "is_held"),
    [
        (UNANSWERED, SILENT, True),
        (SILENT, UNANSWERED, False),
        (UNANSWERED | {"service": "intake"}, SILENT, False),
        (UNANSWERED | {"environment": "staging"}, SILENT, False),
        (UNANSWERED | {"namespace": "trunk-2"}, SILENT, False),
        (UNANSWERED, UNANSWERED | {"service": "intake"}, False),
        (UNANSWERED, OF | {"alertname": "TrunkPlacingsWaiting", "cause": "full"}, False),
        (UNANSWERED, OF | {"alertname": "TrunkUnitDeliveryFailing", "unit": "H29.1"}, False),
        (OF | {"alertname": "TrunkBrokerNoMajority"}, UNANSWERED, True),
        (OF | {"alertname": "TrunkBrokerNoMajority"}, SILENT, True),
    ],
)
def test_a_queue_without_leader_calls_once(firing: dict[str, str], other: dict[str, str], is_held: bool) -> None:
    """The router waits for an inbox without leader: what it waits for pages, and what it then notes does not."""
    assert held_back(other, firing) is is_held


@pytest.mark.parametrize(
    ("moment", "open_"),
    [
        ("2026-11-25 07:29", False),  # Wednesday
        ("2026-11-25 07:30", True),
        ("2026-11-25 16:59", True),
        ("2026-11-25 17:00", False),
        ("2026-11-27 12:00", True),
        ("2026-11-28 10:00", False),
        ("2026-11-29 10:00", False),
    ],
)
def test_working_hours_are_vietnams(moment: str, open_: bool) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=VIETNAM)
    assert holds("working-hours", at.astimezone(UTC)) is open_


@pytest.mark.parametrize(
    ("day", "free"), [("2027-01-01", True), ("2027-04-30", True), ("2027-05-01", True), ("2027-09-02", True),
                      ("2027-01-02", False), ("2027-09-03", False)],
)  # fmt: skip
def test_fixed_holidays(day: str, free: bool) -> None:
    for hour in (0, 9, 23):
        at = datetime.fromisoformat(day).replace(hour=hour, tzinfo=VIETNAM)
        assert holds("holidays", at.astimezone(UTC)) is free


def test_the_desk_waits_for_working_hours_and_the_pager_does_not() -> None:
    routes = config()["route"]["routes"]
    by_receiver = {route["receiver"]: route for route in routes}
    for route in routes:
        if route["receiver"] == "desk" or "severity = morning" in route["matchers"]:
            assert route["active_time_intervals"] == ["working-hours"]
            assert route["mute_time_intervals"] == ["holidays"]
    assert not {"active_time_intervals", "mute_time_intervals"} & (
        by_receiver["page"].keys() | by_receiver["heartbeat"]
    )


@pytest.mark.servers
@pytest.mark.parametrize("at_work", [True, False])
def test_warnings_arrive_in_working_hours_only_and_pages_always(newest: Tools, tmp_path: Path, at_work: bool) -> None:
    """The shipped file in a real Alertmanager; only addresses are ours, and working hours moved onto now or away."""
    now = datetime.now(VIETNAM)
    days = [DAYS[(now + timedelta(days=ahead)).weekday()] for ahead in ((0, 1) if at_work else (3,))]
    with received() as receiver, running(tmp_path, receiver, days) as address:
        post(address, alertname="TrunkInboxNotRead", severity="warning", unit="H29.1")
        post(address, alertname="TrunkBrokerAlarm", severity="critical")
        post(address, alertname="TrunkQueueNotDraining", severity="critical", service="router")
        post(address, alertname="TrunkDeadMansSwitch", severity="none")
        assert receiver.wait_for("page", "TrunkBrokerAlarm")
        assert receiver.wait_for("heartbeat", "TrunkDeadMansSwitch")
        assert receiver.wait_for("desk", "TrunkInboxNotRead", 120 if at_work else 5) is at_work
        assert "TrunkQueueNotDraining" not in receiver.names("page"), "held back by the broker's alarm"


def held_back(other: dict[str, str], firing: dict[str, str]) -> bool:
    """Whether an alert is not sent while another one fires, as Alertmanager reads its rules."""
    return any(
        all(matches(each, firing) for each in rule["source_matchers"])
        and all(matches(each, other) for each in rule["target_matchers"])
        and all(firing.get(label, "") == other.get(label, "") for label in rule["equal"])
        for rule in config()["inhibit_rules"]
    )


def matches(matcher: str, labels: dict[str, str]) -> bool:
    """Whether labels satisfy one matcher; a label that is not there is empty."""
    name, operator, value = re.fullmatch(r'(\w+) *(=~|!~|!=|=) *"?([^"]*)"?', matcher).groups()  # type: ignore[union-attr]
    held = labels.get(name, "")
    is_met = re.fullmatch(value, held) is not None if "~" in operator else held == value
    return is_met is not operator.startswith("!")


def holds(name: str, at: datetime) -> bool:
    """Whether an interval of the file holds at that time, as Alertmanager reads intervals."""
    (interval,) = (each for each in config()["time_intervals"] if each["name"] == name)
    return any(_within(each, at.astimezone(ZoneInfo(each["location"]))) for each in interval["time_intervals"])


def _within(interval: dict[str, Any], at: datetime) -> bool:
    def spans(field: str, value: int, numbered: Callable[[str], int] = int) -> bool:
        ranges = interval.get(field)
        if ranges is None:
            return True
        edges = [[numbered(edge) for edge in each.split(":")] for each in ranges]
        return any(edge[0] <= value <= edge[-1] for edge in edges)

    clock = f"{at:%H:%M}"
    times = interval.get("times", [{"start_time": "00:00", "end_time": "24:00"}])
    return (
        set(interval) <= {"weekdays", "years", "months", "days_of_month", "times", "location"}
        and spans("years", at.year)
        and spans("weekdays", at.weekday(), DAYS.index)
        and spans("months", at.month)
        and spans("days_of_month", at.day)
        and any(each["start_time"] <= clock < each["end_time"] for each in times)
    )


@contextmanager
def running(folder: Path, receiver: Receiver, working_days: list[str]) -> Iterator[str]:
    """The shipped file with addresses of a receiver, these working days and no holidays, in a real Alertmanager."""
    changed = deepcopy(config())
    for each in changed["receivers"]:
        for webhook in each.get("webhook_configs", []):
            address = folder / each["name"]
            address.write_text(f"{receiver.address}/{each['name']}")
            webhook["url_file"] = str(address)
    intervals = {each["name"]: each for each in changed["time_intervals"]}
    intervals["working-hours"]["time_intervals"] = [{"weekdays": working_days, "location": str(VIETNAM)}]
    intervals["holidays"]["time_intervals"] = [{"years": ["2000"]}]
    file = folder / "alertmanager.yaml"
    file.write_text(yaml.safe_dump(changed, allow_unicode=True))
    with prometheus.alertmanager(folder / "state", file) as address:
        yield address


def post(address: str, **labels: str) -> None:
    """An alert, as Prometheus sends it."""
    httpx.post(f"{address}/api/v2/alerts", json=[{"labels": labels}], timeout=10).raise_for_status()
