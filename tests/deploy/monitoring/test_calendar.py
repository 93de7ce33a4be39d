"""Days off: rules and routes say the same of every day, and the rule says it to Prometheus."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from lab.prometheus import Tools

from . import files
from .files import MONITORING
from .test_alertmanager import config, holds

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
RULES = {rule["record"]: rule["expr"] for rule in files.rules() if "record" in rule}
DAY_OFF, AT_WORK = RULES["trunk:day_off"].split("unless")
END = datetime.fromtimestamp(float(RULES["trunk:calendar_end_timestamp_seconds"].rsplit(" ", 1)[1]), VIETNAM)
YEAR = END.year - 1
"""The last year whose notice is entered; of the next one only what the law fixes."""
DAYS = [date(YEAR, 1, 1) + timedelta(days) for days in range(2 * 365)]


def dates(text: str) -> set[int]:
    """Every day that an expression names by year, month and day."""
    spans = re.findall(r"trunk:local_date >= (\d+) <= (\d+)", text)
    days = {int(day) for day in re.findall(r"trunk:local_date == (\d+)", text)}
    return days | {day for first, last in spans for day in range(int(first), int(last) + 1)}


def is_off(day: date) -> bool:
    """Whether the rule calls it a day off."""
    number = int(f"{day:%Y%m%d}")
    fixed = {int(each) for each in re.findall(r"trunk:local_date % 10000 == (\d+)", DAY_OFF)}
    return number not in dates(AT_WORK) and (
        day.weekday() in (5, 6) or number % 10_000 in fixed or number in dates(DAY_OFF)
    )


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_the_desk_is_there_on_every_day_that_is_no_day_off(day: date) -> None:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=VIETNAM).astimezone(UTC)
    assert (holds("working-hours", noon) and not holds("holidays", noon)) is not is_off(day)


def test_the_calendar_ends_with_the_year_of_its_last_notice() -> None:
    """Days off in lieu of others and Saturdays of work are a notice's to say."""
    assert datetime(YEAR + 1, 1, 1, tzinfo=VIETNAM) == END
    assert {day // 10_000 for day in dates(DAY_OFF)} <= {YEAR, YEAR + 1}
    assert {day // 10_000 for day in dates(AT_WORK)} == {YEAR}


@pytest.mark.parametrize(
    ("day", "off"),
    [("2027-02-04", False), ("2027-02-05", True), ("2027-02-10", True), ("2027-02-11", False), ("2027-04-15", False),
     ("2027-04-16", True), ("2027-04-30", True), ("2027-05-03", True), ("2027-09-02", True), ("2027-09-03", False)],
)  # fmt: skip
def test_of_a_year_without_notice_the_days_that_the_law_fixes_are_off(day: str, off: bool) -> None:
    assert is_off(date.fromisoformat(day)) is off


def test_rules_and_routes_open_the_desk_at_the_same_hours() -> None:
    (opens, length) = map(int, re.findall(r"86400 - (\d+)\) >= 0 < (\d+)", RULES["trunk:desk_open_seconds"])[0])
    (working,) = [each for each in config()["time_intervals"] if each["name"] == "working-hours"]
    hours = {(time["start_time"], time["end_time"]) for each in working["time_intervals"] for time in each["times"]}
    assert hours == {tuple(f"{at // 3600:02}:{at % 3600 // 60:02}" for at in (opens, opens + length))}


def test_prometheus_knows_tet_and_saturdays_of_work(each: Tools, tmp_path: Path) -> None:
    """In 1970, where promtool begins, whose days fall on the weekdays of 2026."""
    rules = tmp_path / "calendar.yaml"
    rules.write_text((MONITORING / "rules" / "calendar.yaml").read_text().replace("2026", "1970"))
    expected = {"2h": 1, "1d2h": 1, "4d2h": None, "9d2h": None, "44d2h": 1, "47d2h": 1, "52d2h": 1, "53d2h": None}
    labels = 'trunk:day_off{environment="production", namespace="trunk"}'
    expression_tests = [
        {"expr": "trunk:day_off", "eval_time": at, "exp_samples": [{"labels": labels, "value": off}] if off else []}
        for at, off in expected.items()
    ]
    series = [MONITORING / "rules" / "installation.yaml", rules]
    file = files.case_file(tmp_path, series, "1h", {"promql_expr_test": expression_tests})
    answer = each.promtool("test", "rules", file)
    assert answer.code == 0, answer.printed
