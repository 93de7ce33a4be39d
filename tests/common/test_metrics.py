"""Each recording function moves exactly the series it is about."""

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from datetime import UTC, datetime
from typing import get_args

import pytest

from common import metrics
from common.domain.names import Lane, PackageKind
from common.domain.reason import Reason
from common.domain.security import SecurityKind
from common.metrics.documents import Unfinished
from common.metrics.keeping import NotificationOutcome, WriteOutcome

AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
Moved = dict[tuple[str, tuple[str, ...]], float]

UNIT = "000.00.09.H29"
COUNTED: dict[str, tuple[Callable[[], None], Moved]] = {
    "record_removed": (
        lambda: metrics.record_removed("invalid"),
        {("trunk_removed_total", ("invalid",)): 1},
    ),
    "record_message": (
        lambda: metrics.record_message("router", "acked", 0.5),
        {
            ("trunk_messages_total", ("router", "acked")): 1,
            ("trunk_message_processing_seconds_sum", ("router",)): 0.5,
            ("trunk_message_processing_seconds_count", ("router",)): 1,
        },
    ),
    "record_queue_wait": (
        lambda: metrics.record_queue_wait("router", Lane.URGENT, 2.0),
        {
            ("trunk_queue_wait_seconds_sum", ("router", "urgent")): 2,
            ("trunk_queue_wait_seconds_count", ("router", "urgent")): 1,
        },
    ),
    "record_queue_wait by clocks that disagree": (
        lambda: metrics.record_queue_wait("router", Lane.URGENT, -2.0),
        {("trunk_queue_wait_seconds_count", ("router", "urgent")): 1},
    ),
    "record_publish": (
        lambda: metrics.record_publish("router", "nacked", 0.25),
        {
            ("trunk_publish_total", ("router", "nacked")): 1,
            ("trunk_publish_confirm_seconds_sum", ("router", "nacked")): 0.25,
            ("trunk_publish_confirm_seconds_count", ("router", "nacked")): 1,
        },
    ),
    "record_stage": (
        lambda: metrics.record_stage(UNIT, "validated", Lane.NORMAL, 4.0),
        {
            ("trunk_document_stage_seconds_sum", ("validated", "normal")): 4,
            ("trunk_document_stage_seconds_count", ("validated", "normal")): 1,
        },
    ),
    "record_rejection": (
        lambda: metrics.record_rejection(UNIT, "router", Reason.E_TO_CLOSED, "receiver"),
        {("trunk_documents_rejected_total", ("router", "E_TO_CLOSED", "receiver")): 1},
    ),
    "record_redriven": (
        lambda: metrics.record_redriven(Lane.URGENT, "budget"),
        {("trunk_redriven_total", ("urgent", "budget")): 1},
    ),
    "record_delivery": (
        lambda: metrics.record_delivery(UNIT, Lane.NORMAL, "delivered"),
        {("trunk_deliveries_total", ("000.00.09.H29", "normal", "delivered")): 1},
    ),
    "record_delivery_ack": (
        lambda: metrics.record_delivery_ack(UNIT, Lane.NORMAL, 7200.0),
        {
            ("trunk_delivery_ack_seconds_sum", ("normal",)): 7200,
            ("trunk_delivery_ack_seconds_count", ("normal",)): 1,
        },
    ),
    "record_document_delivery": (
        lambda: metrics.record_document_delivery(UNIT, Lane.URGENT, 3.0),
        {
            ("trunk_document_delivery_seconds_sum", ("urgent",)): 3,
            ("trunk_document_delivery_seconds_count", ("urgent",)): 1,
        },
    ),
    "record_signature_verdict": (
        lambda: metrics.record_signature_verdict(UNIT, "invalid", "HASH_FAILURE"),
        {("trunk_signature_verdicts_total", ("invalid", "HASH_FAILURE")): 1},
    ),
    "record_signature_validation": (
        lambda: metrics.record_signature_validation(UNIT, "valid", "", 0.125),
        {
            ("trunk_signature_validation_seconds_sum", ("valid", "")): 0.125,
            ("trunk_signature_validation_seconds_count", ("valid", "")): 1,
        },
    ),
    "record_revocation_checks": (
        lambda: metrics.record_revocation_checks(UNIT, "crl", "good", 3),
        {("trunk_revocation_checks_total", ("crl", "good")): 3},
    ),
    "record_archive_write": (
        lambda: metrics.record_archive_write(UNIT, "written", 0.5),
        {
            ("trunk_archive_writes_total", ("written",)): 1,
            ("trunk_archive_write_seconds_sum", ("written",)): 0.5,
            ("trunk_archive_write_seconds_count", ("written",)): 1,
        },
    ),
    "record_under_way_lapsed": (
        lambda: metrics.record_under_way_lapsed(Lane.NORMAL),
        {("trunk_packages_under_way_lapsed_total", ("normal",)): 1},
    ),
    "record_task_failure": (
        lambda: metrics.record_task_failure("sweep"),
        {("trunk_task_failures_total", ("sweep",)): 1},
    ),
    "record_security_event": (
        lambda: metrics.record_security_event(SecurityKind.LOGIN_FAILED, 7),
        {("trunk_security_events_total", ("LOGIN_FAILED",)): 7},
    ),
    "record_notification": (
        lambda: metrics.record_notification("email", "sent", 1.5),
        {
            ("trunk_notifications_total", ("email", "sent")): 1,
            ("trunk_notification_seconds_sum", ("email", "sent")): 1.5,
            ("trunk_notification_seconds_count", ("email", "sent")): 1,
        },
    ),
}

SET: dict[str, tuple[Callable[[], None], Moved]] = {
    "set_dependency": (
        lambda: metrics.set_dependency("router", "mongodb", up=True),
        {("trunk_dependency_up", ("router", "mongodb")): 1},
    ),
    "set_build": (
        lambda: metrics.set_build("router", "1.2.0", "abc"),
        {("trunk_build_info", ("router", "1.2.0", "abc")): 1},
    ),
    "set_schema_version": (
        lambda: metrics.set_schema_version("router", 3),
        {("trunk_schema_version", ("router",)): 3},
    ),
    "set_urgency_budget": (
        lambda: metrics.set_urgency_budget(Lane.URGENT, 60.0),
        {("trunk_urgency_budget_seconds", ("urgent",)): 60},
    ),
    "set_messages_held": (
        lambda: metrics.set_messages_held("router", {("place", "E_FACT", True): 2}),
        {
            ("trunk_messages_held", ("router", "place", "E_FACT", "true")): 2,
            ("trunk_messages_held", ("router", "facts", "", "true")): 0,
            ("trunk_messages_held", ("router", "facts", "", "false")): 0,
        },
    ),
    "set_door": (
        lambda: metrics.set_door(Lane.URGENT, is_open=False),
        {("trunk_door_open", ("urgent",)): 0},
    ),
    "set_under_way": (
        lambda: metrics.set_under_way(Lane.URGENT, 3),
        {("trunk_packages_under_way", ("urgent",)): 3},
    ),
    "set_under_way_limit": (
        lambda: metrics.set_under_way_limit(7),
        {("trunk_packages_under_way_limit", ()): 7},
    ),
    "set_units_over_rate": (
        lambda: metrics.set_units_over_rate(Lane.NORMAL, 2),
        {("trunk_units_over_rate", ("normal",)): 2},
    ),
    "record_rate_exceeded": (
        lambda: metrics.record_rate_exceeded("H29.901.01", Lane.NORMAL),
        {("trunk_unit_rate_exceeded_total", ("H29.901.01", "normal")): 1},
    ),
    "set_notifications_waiting": (
        lambda: metrics.set_notifications_waiting({"email": 3, "webhook": 0}),
        {("trunk_notifications_waiting", ("email",)): 3, ("trunk_notifications_waiting", ("webhook",)): 0},
    ),
    "set_destinations_failing": (
        lambda: metrics.set_destinations_failing({"email": 1}),
        {("trunk_notification_destinations_failing", ("email",)): 1},
    ),
    "set_packages_waiting": (
        lambda: metrics.set_packages_waiting({PackageKind.RECALL: 3}),
        {("trunk_packages_waiting", ("recall",)): 3, ("trunk_packages_waiting", ("update",)): 0},
    ),
    "set_lost_suspects": (
        lambda: metrics.set_lost_suspects({Lane.URGENT: 2}),
        {("trunk_lost_suspects", ("urgent",)): 2, ("trunk_lost_suspects", ("normal",)): 0},
    ),
    "set_broker_data_lost": (
        lambda: metrics.set_broker_data_lost(is_lost=True),
        {("trunk_broker_data_lost", ()): 1},
    ),
    "set_placings_waiting": (
        lambda: metrics.set_placings_waiting({"full": 3, "missing": 0}),
        {("trunk_placings_waiting", ("full",)): 3, ("trunk_placings_waiting", ("missing",)): 0},
    ),
    "set_deliveries_pending": (
        lambda: metrics.set_deliveries_pending({("B.02", Lane.URGENT): 4}),
        {("trunk_deliveries_pending", ("B.02", "urgent")): 4},
    ),
    "set_backups": (
        lambda: metrics.set_backups({"store": AT}),
        {
            ("trunk_backup_last_success_timestamp_seconds", ("store",)): AT.timestamp(),
            ("trunk_backup_last_success_timestamp_seconds", ("database",)): 0.0,
        },
    ),
    "set_archive_check": (
        lambda: metrics.set_archive_check(AT, 2),
        {
            ("trunk_archive_check_last_success_timestamp_seconds", ()): AT.timestamp(),
            ("trunk_archive_check_faults", ()): 2,
        },
    ),
    "set_log_tidied": (
        lambda: metrics.set_log_tidied(AT),
        {("trunk_log_tidy_last_success_timestamp_seconds", ()): AT.timestamp()},
    ),
    "set_removals_due": (
        lambda: metrics.set_removals_due("upload", 2, AT),
        {
            ("trunk_removal_due", ("upload",)): 2,
            ("trunk_removal_due_since_timestamp_seconds", ("upload",)): AT.timestamp(),
        },
    ),
    "set_unconfirmed_since": (
        lambda: metrics.set_unconfirmed_since("router", 7.0),
        {("trunk_publish_unconfirmed_since_timestamp_seconds", ("router",)): 7.0},
    ),
    "set_units_disabled": (
        lambda: metrics.set_units_disabled({"H29.901.01"}),
        {("trunk_unit_disabled", ("H29.901.01",)): 1},
    ),
    "set_task_due": (
        lambda: metrics.set_task_due("sweep", 7.0),
        {("trunk_task_due_timestamp_seconds", ("sweep",)): 7.0},
    ),
    "set_log": (
        lambda: metrics.set_log(7, AT),
        {("trunk_log_size", ()): 7, ("trunk_log_unsealed_since_timestamp_seconds", ()): AT.timestamp()},
    ),
    "set_log_refused": (
        lambda: metrics.set_log_refused("ahead"),
        {("trunk_log_refused", (cause,)): float(cause == "ahead") for cause in ("no_key", "ahead", "conflict")},
    ),
    "set_oldest_unfinished": (
        lambda: metrics.set_oldest_unfinished({(Unfinished.ROUTING, Lane.NORMAL): AT}),
        {("trunk_oldest_unfinished_timestamp_seconds", (stage, lane)): 0.0 for stage in Unfinished for lane in Lane}
        | {("trunk_oldest_unfinished_timestamp_seconds", ("routing", "normal")): AT.timestamp()},
    ),
    "set_trust_updated": (
        lambda: metrics.set_trust_updated({"crl/CA": AT}),
        {("trunk_trust_last_update_timestamp_seconds", ("crl/CA",)): AT.timestamp()},
    ),
    "set_trust_list_ends": (
        lambda: metrics.set_trust_list_ends({"crl/CA": AT}),
        {("trunk_trust_list_end_timestamp_seconds", ("crl/CA",)): AT.timestamp()},
    ),
    "set_trust_content": (
        lambda: metrics.set_trust_content({"crl": 3}, {"crls": 1}),
        {("trunk_trust_items", ("crl",)): 3, ("trunk_trust_files_left_out", ("crls",)): 1},
    ),
    "set_trust_not_after": (
        lambda: metrics.set_trust_not_after({"Root": AT}),
        {("trunk_trust_not_after_timestamp_seconds", ("Root",)): AT.timestamp()},
    ),
}


def series() -> Moved:
    """Every sample that is exported now, buckets aside."""
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in metrics.REGISTRY.collect()
        for sample in family.samples
        if not sample.name.endswith("_bucket")
    }


@pytest.mark.parametrize("name", COUNTED)
def test_counts_and_observations(name: str) -> None:
    record, expected = COUNTED[name]
    before = series()
    record()
    after = series()
    assert {key: after[key] - before.get(key, 0.0) for key in after if after[key] != before.get(key, 0.0)} == expected


@pytest.mark.parametrize("name", SET)
def test_gauges(name: str) -> None:
    record, expected = SET[name]
    record()
    now = series()
    assert {key: now[key] for key in expected} == expected


def test_counters_of_a_service_begin_at_zero() -> None:
    metrics.begin_counting("newborn")
    assert {key[0]: value for key, value in series().items() if "newborn" in key[1]} == {
        "trunk_messages_total": 0,
        "trunk_publish_total": 0,
    }
    assert len([key for key in series() if "newborn" in key[1]]) == 12


def test_security_events_and_failures_of_a_task_begin_at_zero() -> None:
    metrics.begin_counting_security()
    metrics.begin_counting_task("newborn")
    metrics.begin_counting_redrives()
    metrics.begin_counting_removals(["newborn"])
    metrics.begin_counting_notifications(["newborn"])
    metrics.begin_counting_archive_writes()
    metrics.begin_counting_answer_times(Lane)
    after = series()
    assert {("trunk_delivery_ack_seconds_count", (lane,)) for lane in Lane} <= after.keys()
    redriven = {(lane, trigger) for lane in Lane for trigger in ("budget", "operator")}
    assert {("trunk_redriven_total", labels) for labels in redriven} <= after.keys()
    assert {("trunk_security_events_total", (kind.value,)) for kind in SecurityKind} <= after.keys()
    assert after["trunk_task_failures_total", ("newborn",)] == 0
    assert after["trunk_removed_total", ("newborn",)] == 0
    notified = {("trunk_notifications_total", ("newborn", outcome)) for outcome in get_args(NotificationOutcome)}
    assert {after[each] for each in notified} == {0}
    assert {("trunk_archive_writes_total", (outcome,)) for outcome in get_args(WriteOutcome)} <= after.keys()


def test_all_outcomes_of_a_unit_s_deliveries_are_shown_with_the_first() -> None:
    """Otherwise the first success after failures, or after a restart, would be no increase."""
    metrics.record_delivery("H29.999.01", Lane.URGENT, "failed")
    outcomes = {key[1][2]: value for key, value in series().items() if key[1][:2] == ("H29.999.01", "urgent")}
    assert outcomes == {"delivered": 0, "acknowledged": 0, "refused": 0, "failed": 1}


def test_in_flight_goes_back() -> None:
    key = ("trunk_messages_in_flight", ("router",))
    before = series().get(key, 0.0)
    with metrics.in_flight("router"):
        assert series()[key] == before + 1
    assert series()[key] == before


@pytest.mark.parametrize(
    ("name", "set_other"),
    [
        ("trunk_unit_disabled", lambda: metrics.set_units_disabled({"H29.902.02"})),
        ("trunk_deliveries_pending", lambda: metrics.set_deliveries_pending({("A.01", Lane.NORMAL): 1})),
        ("trunk_trust_last_update_timestamp_seconds", lambda: metrics.set_trust_updated({"directory": AT})),
        ("trunk_trust_not_after_timestamp_seconds", lambda: metrics.set_trust_not_after({"Other": AT})),
        ("trunk_trust_list_end_timestamp_seconds", lambda: metrics.set_trust_list_ends({"crl/Other": AT})),
    ],
)
def test_what_is_not_named_any_more_is_not_exported_any_more(name: str, set_other: Callable[[], None]) -> None:
    for record, _ in SET.values():
        record()
    set_other()
    assert len([key for key in series() if key[0] == name]) == 1


BEGUN = ("", "_answer_times", "_archive_writes", "_notifications", "_redrives", "_removals", "_security", "_task")


def test_every_recording_function_is_driven_here() -> None:
    begun = {f"begin_counting{what}" for what in BEGUN}
    driven = {name.split(" ")[0] for name in (*COUNTED, *SET)} | {"in_flight"} | begun
    assert driven == set(metrics.__all__) - {"REGISTRY"}


def test_every_recording_function_is_exported() -> None:
    """``__all__`` has each, so that the tests of this module find it."""
    modules = [
        importlib.import_module(f"common.metrics.{each.name}") for each in pkgutil.iter_modules(metrics.__path__)
    ]
    recording = {
        name
        for module in modules
        for name, value in vars(module).items()
        if name.startswith(("record_", "set_", "begin_")) and inspect.isfunction(value)
    }
    assert len(recording) > 30
    assert recording - set(metrics.__all__) == set()


def test_no_series_is_exported_beside_the_contract() -> None:
    metrics.record_message("router", "acked", 0.5)
    assert not [name for name, _ in series() if name.endswith("_created")]


CANARY = "CANARY.1"
BY_UNIT = {
    "record_archive_write": lambda unit: metrics.record_archive_write(unit, "written", 0.5),
    "record_delivery": lambda unit: metrics.record_delivery(unit, Lane.URGENT, "delivered"),
    "record_delivery_ack": lambda unit: metrics.record_delivery_ack(unit, Lane.URGENT, 1.0),
    "record_document_delivery": lambda unit: metrics.record_document_delivery(unit, Lane.URGENT, 1.0),
    "record_rejection": lambda unit: metrics.record_rejection(unit, "router", Reason.E_TO_CLOSED, "receiver"),
    "record_revocation_checks": lambda unit: metrics.record_revocation_checks(unit, "crl", "good"),
    "record_signature_validation": lambda unit: metrics.record_signature_validation(unit, "valid", "", 0.1),
    "record_signature_verdict": lambda unit: metrics.record_signature_verdict(unit, "valid", ""),
    "record_stage": lambda unit: metrics.record_stage(unit, "intake", Lane.URGENT, 1.0),
    "set_deliveries_pending": lambda unit: metrics.set_deliveries_pending({(unit, Lane.URGENT): 7}),
}
"""Statistics of what units send and get."""
NAMES = set(metrics.__all__) - {"REGISTRY"}
LIMITS = {
    "record_rate_exceeded": "the rate of one unit: a canary that reaches it is broken",
    "set_units_disabled": "whoever is disabled",
    "set_units_over_rate": "a number of units, and as above",
}
"""Functions that name a unit and count the canary's as anybody's, and why."""


@pytest.mark.parametrize("name", BY_UNIT)
def test_the_canary_is_in_no_statistic(name: str) -> None:
    metrics.set_deliveries_pending({})
    before = series()
    BY_UNIT[name](CANARY)
    assert series() == before
    BY_UNIT[name](UNIT)
    assert series() != before


def test_whatever_is_counted_of_a_unit_leaves_the_canary_out() -> None:
    parameters_of = {name: set(inspect.signature(getattr(metrics, name)).parameters) for name in NAMES}
    named = {name for name, parameters in parameters_of.items() if parameters & {"sender", "unit", "units", "pending"}}
    assert named == {*BY_UNIT, *LIMITS}
