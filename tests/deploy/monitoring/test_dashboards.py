"""Dashboards: as generated, linted, Vietnamese, linked, and red where their alert begins.

Grafana's dashboard-linter has sixteen rules. All are held here; those about the variables ``job`` and ``instance``
(2, 3, 14, 15) in the form that fits one trunk a Prometheus: jobs are fixed names, replicas are summed, never picked.
"""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from canary.names import Outcome, Step
from canary.signing import ROLES
from common.domain.names import Lane
from common.domain.security import SecurityKind
from common.facts.flows import SERVICES
from common.metrics import deliveries, documents, keeping, messages, signatures
from dashboards import words
from dashboards.levels import Rules
from dashboards.main import files as generated
from dashboards.values import NO_DATA_COLOR
from router.placing import Cause

from . import files
from .files import MONITORING, RUNBOOKS, Asked

UIDS = list(files.dashboards())
PANELS = [(uid, panel) for uid, dashboard in files.dashboards().items() for panel in files.panels(dashboard)]
QUERIES = list(files.dashboard_queries())
PROVISIONED = yaml.safe_load((MONITORING / "grafana/provisioning/datasources/trunk.yaml").read_text())["datasources"]
COUNTERS = ("_total", "_count", "_sum", "_bucket")
LANGUAGES = {"prometheus", "loki", "tempo"}
JOBS = {"trunk", "rabbitmq", "rabbitmq-detailed"}
LEFT_AS_IT_IS = {"queue", "unit", "instance", "version", "sub_indication", "reason"}
"""Labels whose values people know by these very words: codes, names of queues, EN 319 102-1's terms, reasons."""

TOKENS = {
    "service": set(SERVICES),
    "urgency": {lane.value for lane in Lane},
    "verdict": set(words.VERDICTS),
    "channel": {"email", "webhook"},
}
"""All values of labels that stand in many legends."""

every_page = pytest.mark.parametrize("uid", UIDS)
every_panel = pytest.mark.parametrize(("uid", "panel"), PANELS, ids=[f"{uid}-{panel['id']}" for uid, panel in PANELS])
every_query = pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))


def test_pages_are_as_generated() -> None:
    wanted = dict(generated(MONITORING))
    assert {path.stem for path in wanted} == set(UIDS)
    assert [path.name for path, text in wanted.items() if path.read_text() != text] == [], "trunk-dashboards write"


@every_page
def test_rule_1_sources_are_variables_with_provisioned_defaults(uid: str) -> None:
    variables = files.dashboards()[uid]["templating"]["list"]
    sources = {v["name"]: v for v in variables if v["type"] == "datasource"}
    assert "datasource" in sources
    known = {source["uid"]: source["type"] for source in PROVISIONED}
    for variable in sources.values():
        assert known[variable["current"]["value"]] == variable["query"]
        assert files.is_vietnamese(variable["label"])
    assert "__inputs" not in files.dashboards()[uid]


@every_query
def test_rules_2_3_14_15_jobs_are_fixed_and_no_replica_is_picked(query: Asked) -> None:
    for selector in files.selectors(query.expr):
        chosen = {matcher.name: matcher.value for matcher in selector.matchers.matchers}
        assert "instance" not in chosen
        assert chosen.get("job", "trunk") in JOBS
        assert selector.name != "up" or "job" in chosen


@every_page
def test_rule_4_queries_of_variables_are_valid(uid: str) -> None:
    for variable in files.dashboards()[uid]["templating"]["list"]:
        if variable["type"] == "query":
            assert variable["datasource"]["uid"] == "${datasource}"
    for where, selector, _label in files.variable_queries():
        assert promql_parser.parse(selector), where


@every_page
def test_rule_5_variables_are_read_again_when_the_time_changes(uid: str) -> None:
    on_time_range = 2
    variables = [v for v in files.dashboards()[uid]["templating"]["list"] if v["type"] == "query"]
    assert all(variable["refresh"] == on_time_range for variable in variables)


@every_panel
def test_rule_6_panels_and_targets_use_the_variables(uid: str, panel: dict[str, Any]) -> None:
    named = {v["name"]: v["query"] for v in files.dashboards()[uid]["templating"]["list"] if v["type"] == "datasource"}
    for each in (panel, *panel["targets"]):
        variable = re.fullmatch(r"\$\{(\w+)\}", each["datasource"]["uid"])
        assert variable
        assert named[variable[1]] == each["datasource"]["type"]


@every_panel
def test_rule_7_panels_say_in_vietnamese_what_they_mean_when_to_worry_and_what_to_do(
    uid: str, panel: dict[str, Any]
) -> None:
    assert files.is_vietnamese(panel["title"])
    parts = re.fullmatch(
        r"\*\*Ý nghĩa:\*\* (.+)\n\n\*\*Khi nào lo:\*\* (.+)\n\n\*\*Làm gì:\*\* (.+)", panel["description"]
    )
    assert parts
    assert all(files.is_vietnamese(part) or part.startswith("docs/runbooks/") for part in parts.groups())


@every_panel
def test_rule_8_panels_have_a_unit_and_a_word_for_no_data(uid: str, panel: dict[str, Any]) -> None:
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"]
    assert files.is_vietnamese(defaults["noValue"])


@every_panel
def test_rule_9_panels_ask_for_something(uid: str, panel: dict[str, Any]) -> None:
    assert panel["targets"]
    assert Counter(target["refId"] for target in panel["targets"]).most_common(1)[0][1] == 1


@every_panel
def test_rules_10_11_logs_and_traces_are_asked_with_one_selector(uid: str, panel: dict[str, Any]) -> None:
    assert panel["datasource"]["type"] in LANGUAGES
    for target in panel["targets"]:
        if panel["datasource"]["type"] == "loki":
            assert re.match(r'\{service_name=~"trunk-\.\+"\} (\||!~)', target["expr"])
            assert target["expr"].count("`") % 2 == 0
        if panel["datasource"]["type"] == "tempo":
            assert re.fullmatch(r"\{ .+ = \"\$document_id\" \}", target["query"])


@every_query
def test_rule_12_promql_is_valid(query: Asked) -> None:
    assert promql_parser.parse(query.filled)
    assert "$" not in query.filled


@every_query
def test_rule_13_rates_of_lines_use_the_rate_interval(query: Asked) -> None:
    fixed = re.findall(r"\[(\d+[smhd]|\$\w+)\]", query.expr)
    assert all(window in ("$__rate_interval", "$__range", "30m", "1h") for window in fixed)
    assert "30s" not in fixed


@every_query
def test_rule_16_counters_are_asked_for_their_increase(query: Asked) -> None:
    of_counters = {
        selector.name for name, inside in files.calls(query.expr) if name in ("rate", "increase") for selector in inside
    }
    assert all(name.endswith(COUNTERS) for name in of_counters)
    plain = {s.name for s in files.selectors(query.expr) if s.name.endswith("_total")} - of_counters
    assert not plain


@every_page
def test_rule_16_pages_cannot_be_changed_by_hand(uid: str) -> None:
    page = files.dashboards()[uid]
    assert page["editable"] is False
    assert page["timezone"] == "Asia/Ho_Chi_Minh"
    assert page["uid"] == uid
    assert files.is_vietnamese(page["title"])
    assert files.is_vietnamese(page["description"])


@every_page
def test_panels_lie_side_by_side(uid: str) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in files.panels(files.dashboards()[uid]):
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


@every_panel
def test_no_token_is_shown_where_people_have_a_word(uid: str, panel: dict[str, Any]) -> None:
    steps = panel.get("transformations", [])
    renamed = {step["options"]["regex"].split(")")[1].split("(")[0] for step in steps if step["id"] == "renameByRegex"}
    for target in panel["targets"]:
        legend = target.get("legendFormat", "")
        for label in set(re.findall(r"\{\{(\w+)\}\}", legend)) - LEFT_AS_IT_IS:
            assert renamed, f"{label} is shown as it is"
            assert TOKENS.get(label, set()) <= renamed
        assert not legend or "{{" in legend or files.is_vietnamese(legend)
    titles = [step["options"]["renameByName"] for step in steps if step["id"] == "organize"]
    mapped = {
        override["matcher"]["options"]
        for override in panel["fieldConfig"]["overrides"]
        if "mappings" in {property_["id"] for property_ in override["properties"]}
    }
    for names in titles:
        assert all(files.is_vietnamese(title) for title in names.values())
        labels = {label for label in names if not label.startswith("Value")} - LEFT_AS_IT_IS - {"source", "subject"}
        assert {names[label] for label in labels} - {"Mã nguồn"} <= mapped


def test_every_token_has_a_word() -> None:
    for table, type_ in [
        (words.MESSAGES, messages.MessageOutcome),
        (words.PUBLISHES, messages.PublishOutcome),
        (words.DELIVERIES, deliveries.DeliveryOutcome),
        (words.STAGES, documents.Stage),
        (words.SOURCES, documents.RejectionSource),
        (words.WRITES, keeping.WriteOutcome),
        (words.BACKED_UP, keeping.BackedUp),
        (words.VERDICTS, signatures.SignatureVerdict),
    ]:
        assert set(table) == set(type_.__args__)  # type: ignore[attr-defined]
    assert set(words.CANARY_OUTCOMES) == set(Outcome)
    assert set(words.CANARY_STEPS) == set(Step)
    assert set(words.CANARY_ROLES) == set(ROLES)
    assert set(words.LANES) == set(Lane)
    assert set(words.SECURITY) == set(SecurityKind)
    assert set(words.CAUSES) == set(Cause)
    assert set(words.WAITING) == set(documents.Unfinished)
    assert set(SERVICES) < set(words.SERVICES)
    assert set(signatures.RevocationOutcome.__args__) < set(words.REVOCATION)  # type: ignore[attr-defined]
    assert set(words.ALERTS) == set(files.alerts())
    assert all(files.is_vietnamese(word) for word in words.reasons().values())


THRESHOLDS = {
    ("trunk-overview", "Thư dò đường gần nhất tới nơi"): ("TrunkCanaryFailing", 900),
    ("trunk-runtime", "Chứng thư của thư dò đường còn"): ("TrunkCanaryCertificateExpiring", 2_592_000),
    ("trunk-overview", "Bản tin bị giữ"): ("TrunkMessagesParked", 1),
    ("trunk-pipeline", "Tỷ lệ phải làm lại"): ("TrunkMessagesFailing", 0.2),
    ("trunk-queues", "Báo động bộ nhớ và đĩa"): ("TrunkBrokerAlarm", 1),
    ("trunk-queues", "Bản tin bị bỏ"): ("TrunkDeadLetterDropped", 1),
    ("trunk-queues", "Hàng đợi đầy nhất, so với sức chứa"): ("TrunkSubmitQueueFilling", 0.8),
    ("trunk-queues", "Chưa đặt được vào hộp đến, theo nguyên nhân"): ("TrunkPlacingsWaiting", 1),
    ("trunk-security", "Đang bị cách ly"): ("TrunkMessageQuarantined", 1),
    ("trunk-security", "Giả mạo hoặc không rõ người gửi, 1 giờ qua"): ("TrunkForgery", 1),
    ("trunk-security", "Đang bị giữ"): ("TrunkMessagesParked", 1),
    ("trunk-security", "Đăng nhập thất bại mỗi 10 phút"): ("TrunkLoginsFailing", 20),
    ("trunk-security", "Bản tin bị giữ, theo dịch vụ và lý do"): ("TrunkMessagesParked", 1),
    ("trunk-unit", "Lượt giao hỏng"): ("TrunkUnitDeliveryFailing", 3),
    ("trunk-signature", "Chưa kết luận được, 30 phút qua"): ("TrunkSignatureIndeterminate", 0.05),
    ("trunk-signature", "Chứng thư gốc và cơ quan chứng thực còn hiệu lực bao lâu"): (
        "TrunkCertificateExpiring",
        2_592_000,
    ),
    ("trunk-archive", "Văn bản cũ nhất chưa lưu trữ"): ("TrunkArchivingLate", 900),
    ("trunk-archive", "Ghi hỏng trong 30 phút"): ("TrunkArchiveFailing", 3),
    ("trunk-archive", "Bản sao lưu gần nhất"): ("TrunkBackupOld", 46_800),
    ("trunk-archive", "Mục cũ nhất chưa niêm phong"): ("TrunkLogLate", 60),
    ("trunk-notify", "Tỷ lệ hỏng hẳn"): ("TrunkNotifierFailing", 0.1),
    ("trunk-slo", "Tốc độ đốt trong 1 giờ"): ("TrunkDeliverySlowFastBurn", 14.4),
    ("trunk-slo", "Tốc độ đốt trong 6 giờ"): ("TrunkDeliverySlowSlowBurn", 6),
}
"""Panels that show what an alert watches, and the number at which both begin."""
IN_DAYS = {"Chứng thư của thư dò đường còn", "Chứng thư gốc và cơ quan chứng thực còn hiệu lực bao lâu"}
"""Panels that show days, while their alert counts seconds."""
DAY_SECONDS = 86_400


@pytest.mark.parametrize(("place", "alert", "number"), [(place, *limit) for place, limit in THRESHOLDS.items()])
def test_panels_turn_red_where_their_alert_begins(place: tuple[str, str], alert: str, number: float) -> None:
    assert Rules(MONITORING / "rules").limit(alert) == (number if number != 1 else 0)
    (panel,) = (panel for uid, panel in PANELS if (uid, panel["title"]) == place)
    defaults = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    overridden = [
        step
        for override in panel["fieldConfig"]["overrides"]
        for property_ in override["properties"]
        if property_["id"] == "thresholds"
        for step in property_["value"]["steps"]
    ]
    steps = overridden or defaults
    red = next(index for index, step in enumerate(steps) if step["color"] == "red")
    number = number / DAY_SECONDS if place[1] in IN_DAYS else number
    assert number in (steps[red]["value"], steps[min(red + 1, len(steps) - 1)]["value"])


def test_the_page_for_operators_lists_every_dashboard() -> None:
    page = (files.ROOT / "docs" / "operations" / "monitoring.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| \d+\. .+ \(`(trunk-[a-z]+)`\) \|", page, re.MULTILINE)) == set(UIDS)


@every_panel
def test_a_tile_without_data_is_grey_and_says_so(uid: str, panel: dict[str, Any]) -> None:
    """Grafana gives it the colour of the first step otherwise, which is green where high is bad."""
    defaults = panel["fieldConfig"]["defaults"]
    of_nothing = [
        mapping["options"]["result"]
        for mapping in defaults.get("mappings", [])
        if mapping["type"] == "special" and mapping["options"]["match"] == "null"
    ]
    if panel["type"] in ("stat", "bargauge"):
        assert of_nothing == [{"color": NO_DATA_COLOR, "text": defaults["noValue"]}]


ENGLISH = {"ops", "s", "short"}
"""Units with an English word from some value on: ``ops/s``, ``hour``, ``week``, ``Mil``."""


@every_panel
def test_figures_and_tables_use_units_without_english_words(uid: str, panel: dict[str, Any]) -> None:
    defaults = panel["fieldConfig"]
    used = {defaults["defaults"]["unit"]} | {
        each["value"] for override in defaults["overrides"] for each in override["properties"] if each["id"] == "unit"
    }
    assert "ops" not in used
    if panel["type"] != "timeseries":
        assert not used & ENGLISH


@every_page
def test_every_row_of_panels_reaches_the_right_edge(uid: str) -> None:
    ends: dict[int, int] = {}
    for panel in files.panels(files.dashboards()[uid]):
        grid = panel["gridPos"]
        ends[grid["y"]] = max(ends.get(grid["y"], 0), grid["x"] + grid["w"])
    assert set(ends.values()) == {24}


def test_every_service_has_a_tile_also_when_nobody_answers_for_it() -> None:
    (panel,) = (panel for _, panel in PANELS if panel["title"] == "Số bản sao đang chạy của mỗi dịch vụ")
    named = set(re.findall(r'vector\(0\), "service", "(\w+)"', panel["targets"][0]["expr"]))
    assert named == set(SERVICES)


@every_page
def test_links_lead_to_pages_and_variables_that_exist(uid: str) -> None:
    text = (MONITORING / "dashboards" / f"{uid}.json").read_text()
    for page, variable in re.findall(r"/d/(trunk-[a-z]+)(?:\?var-(\w+)=)?", text):
        assert page in UIDS
        names = {v["name"] for v in files.dashboards()[page]["templating"]["list"]}
        assert not variable or variable in names
    for runbook in re.findall(r"docs/runbooks/([a-z-]+)\.md", text):
        assert (RUNBOOKS / f"{runbook}.md").is_file()


def test_the_way_down_from_the_city_to_a_unit_exists() -> None:
    overview = (MONITORING / "dashboards" / "trunk-overview.json").read_text()
    assert "/d/trunk-unit?var-unit=${__value.raw}&${__url_time_range}" in overview


def test_dashboards_are_provisioned_from_their_folder() -> None:
    (provider,) = yaml.safe_load((MONITORING / "grafana/provisioning/dashboards/trunk.yaml").read_text())["providers"]
    assert provider["allowUiUpdates"] is False
    assert Path(provider["options"]["path"]).is_absolute()


def test_log_lines_lead_to_traces_and_back() -> None:
    by_uid = {source["uid"]: source for source in PROVISIONED}
    assert by_uid["loki"]["jsonData"]["derivedFields"][0]["datasourceUid"] == "tempo"
    assert by_uid["tempo"]["jsonData"]["tracesToLogsV2"]["datasourceUid"] == "loki"
