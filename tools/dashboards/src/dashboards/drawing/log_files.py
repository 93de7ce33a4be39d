"""The services' log files in the place of Loki: the few forms of LogQL that the pages use."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dashboards.drawing.source import ZONE

SERVICES = '{service_name=~"trunk-.+"}'
Record = dict[str, Any]
Filter = Callable[[str, Record], bool]
LITERAL = re.compile(r"\\Q(.*?)\\E")
"""What a regular expression of Loki takes as it is."""
CONDITION = re.compile(r"(\w+)(=~?)`([^`]*)`")


class Unread(Exception):
    """An expression of another form."""


@dataclass(frozen=True, slots=True)
class Lines:
    """All lines of a span of time, oldest first."""

    lines: list[tuple[str, Record]]

    @classmethod
    def read(cls, folder: Path, start: float, end: float) -> "Lines":
        """Of every ``*.jsonl`` of the services. start, end: seconds since 1970."""
        every = [(text, _record(text)) for file in folder.glob("*.jsonl") for text in file.read_text().splitlines()]
        inside = [(text, record) for text, record in every if start <= _at(record) <= end]
        return cls(sorted(inside, key=lambda line: _at(line[1])))

    def selected(self, expr: str) -> list[str]:
        """The lines that the expression selects, each with its time as the page shows it. Raises ``Unread``."""
        selecting, _, form = expr.partition("| line_format ")
        filters = list(_filters(selecting))
        chosen = [(text, record) for text, record in self.lines if all(each(text, record) for each in filters)]
        return [f"{_clock(record)}  {_formed(form.strip('`'), text, record)}" for text, record in chosen]


def _filters(expr: str) -> Iterator[Filter]:
    if not expr.startswith(SERVICES):
        raise Unread(expr)
    rest = expr.removeprefix(SERVICES).strip()
    if search := re.match(r'\|~ "([^"]*)"', rest):
        yield lambda text, _: re.search(search[1], text) is not None
        rest = rest[search.end() :].strip()
    if kept_out := re.match(r"!~ `([^`]*)`", rest):
        pattern = re.compile(LITERAL.sub(lambda quoted: re.escape(quoted[1]), kept_out[1]))
        yield lambda text, _: pattern.search(text) is None
        rest = rest[kept_out.end() :].strip()
    for stage in re.split(r"\| (?=json\b|\w+=)", rest):
        if stage.strip() in ("", "json"):
            continue
        alternatives = [each.strip() for each in stage.split(" or ")]
        conditions = [CONDITION.fullmatch(each) for each in alternatives]
        if not all(conditions):
            raise Unread(expr)
        yield _any([each for each in conditions if each])


def _formed(form: str, text: str, record: Record) -> str:
    """The line as the template says, where there is one; what a record lacks is empty."""
    if not form:
        return text
    return re.sub(r"\{\{\.(\w+)\}\}", lambda field: str(record.get(field[1]) or ""), form)


def _any(conditions: list[re.Match[str]]) -> Filter:
    def holds(record: Record, condition: re.Match[str]) -> bool:
        name, sign, wanted = condition.groups()
        value = str(record.get(name, ""))
        return re.fullmatch(wanted, value) is not None if sign == "=~" else value == wanted

    return lambda _, record: any(holds(record, each) for each in conditions)


def _record(text: str) -> Record:
    try:
        record = json.loads(text)
    except ValueError:
        return {}
    return record if isinstance(record, dict) else {}


def _clock(record: Record) -> str:
    return f"{datetime.fromtimestamp(_at(record), ZONE):%H:%M:%S.%f}"[:-3]


def _at(record: Record) -> float:
    try:
        return datetime.fromisoformat(str(record.get("timestamp", ""))).timestamp()
    except ValueError:
        return 0.0
