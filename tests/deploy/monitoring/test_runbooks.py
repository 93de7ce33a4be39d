"""Runbooks: a page for every alert, no page without one, five parts each, and commands and queries that exist."""

import re
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from trunkctl.main import app

from . import files
from .files import RUNBOOKS
from .test_metrics_used import CONTRACT, FOREIGN, base
from .test_rules import expected

ASKED = RUNBOOKS / "asked.md"
"""Begins with what people ask, and leads to the pages of the alerts."""
PAGES = sorted(path for path in RUNBOOKS.glob("*.md") if path.name != "README.md" and path != ASKED)
INDEX = (RUNBOOKS / "README.md").read_text()
PARTS = ["Ý nghĩa", "Ảnh hưởng", "Kiểm tra", "Xử lý", "Leo thang"]
UNIT = {"<đơn vị>": "H29.1"}

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)


def page_of(alert: str) -> str:
    """Name of the page its link leads to."""
    return str(files.alerts()[alert]["annotations"]["runbook_url"]).rsplit("/", 1)[1]


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    assert {page_of(alert) for alert in files.alerts()} == {page.name for page in PAGES}


@every_page
def test_pages_name_exactly_their_alerts(page: Path) -> None:
    mine = {alert for alert in files.alerts() if page_of(alert) == page.name}
    (line,) = re.findall(r"^Cảnh báo: (.+)$", page.read_text(), re.MULTILINE)
    assert set(re.findall(r"`(Trunk\w+)`", line)) == mine


@every_page
def test_pages_have_five_parts_in_vietnamese(page: Path) -> None:
    text = page.read_text()
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == PARTS
    for part in re.split(r"^## .+$", text, flags=re.MULTILINE):
        assert files.is_vietnamese(part)
        assert len(part.strip()) > 20


@every_page
def test_the_index_lists_the_page_with_its_alerts_and_severity(page: Path) -> None:
    rows = [line for line in INDEX.splitlines() if line.startswith("| Trunk") and f"({page.name})" in line]
    listed = {alert: row for row in rows for alert in re.findall(r"Trunk\w+", row)}
    assert set(listed) == {alert for alert in files.alerts() if page_of(alert) == page.name}
    words = {
        "critical": "nghiêm trọng",
        "warning": "cần xem",
        "morning": "tin đầu giờ",
        "digest": "tin 9 giờ",
        "none": "luôn bật",
    }
    for alert, row in listed.items():
        assert f"| {words[files.alerts()[alert]['labels']['severity']]} |" in row


@pytest.mark.parametrize("page", [*PAGES, ASKED, RUNBOOKS / "README.md"], ids=lambda path: path.stem)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([\w./-]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", [*PAGES, ASKED, RUNBOOKS / "README.md"], ids=lambda path: path.stem)
def test_commands_of_ours_exist(page: Path) -> None:
    commands = get_command(app)
    assert isinstance(commands, typer.core.TyperGroup)
    for line in re.findall(r"`trunkctl ([^`…]+)[`…]", page.read_text()):
        verb, *rest = line.split()
        command = commands.commands[verb]
        if isinstance(command, typer.core.TyperGroup):
            command = command.commands[rest[0]]
        known = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= known, line


@every_page
def test_what_a_page_silences_is_an_alert_with_those_labels(page: Path) -> None:
    for command in re.findall(r"amtool .+ silence add \\\n(.+?)```", page.read_text(), re.DOTALL):
        named = dict(re.findall(r"(?<![-\w])(\w+)=([\w-]+)", command))
        fired = [each["exp_labels"].keys() for each in expected(named.pop("alertname"))]
        assert {"environment", "namespace"} < named.keys(), "of one installation alone"
        assert any(named.keys() <= labels for labels in fired)


def test_what_people_ask_is_answered_in_the_same_way() -> None:
    """Each question says what to tell who asked, and leads to pages of alerts."""
    questions = re.split(r"^## (“.+”)$", ASKED.read_text(), flags=re.MULTILINE)[1:]
    assert len(questions[::2]) >= 4
    for question, answer in zip(questions[::2], questions[1::2], strict=True):
        assert files.is_vietnamese(answer), question
        assert "**Nói gì**" in answer, question
        assert re.findall(r"\]\(([a-z-]+)\.md\)", answer), question
        assert "`trunkctl " in answer, question


@every_page
def test_queries_are_valid_and_ask_for_what_exists(page: Path) -> None:
    text = page.read_text().replace("<đơn vị>", UNIT["<đơn vị>"])
    blocks = re.findall(r"```promql\n(.+?)```", text, re.DOTALL)
    inline = [code for code in re.findall(r"`([^`\n]+)`", text) if re.search(r"\b(sum|max|min|topk|rate)\b.*\(", code)]
    recorded = re.findall(r"`(trunk:[^`]+)`", text)
    for query in [*blocks, *inline, *recorded]:
        for selector in files.selectors(query):
            known = base(selector.name) in CONTRACT or selector.name in files.recorded()
            assert known or FOREIGN.fullmatch(selector.name), selector.name
