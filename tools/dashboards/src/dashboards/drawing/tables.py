"""Rows and columns of a table: the answers of its queries, joined, chosen, ordered, renamed and sorted."""

from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.drawing.source import Series

Value = float | str | None
Row = dict[str, Value]


def rows(answers: Mapping[str, Sequence[Series]]) -> list[Row]:
    """Joined over the queries where all labels that every query has are equal, and no other contradicts.

    answers: by the letter of the query, which the column of values bears if there are several.
    """
    frames = [
        _frame(answer, f"Value #{ref}" if len(answers) > 1 else "Value") for ref, answer in answers.items() if answer
    ]
    shared = set.intersection(*(set(frame[0]) for frame in frames)) if frames else set()
    joined: list[Row] = []
    for row in (row for frame in frames for row in frame):
        fitting = [other for other in joined if len(frames) > 1 and _merges(other, row, shared)]
        for other in fitting:
            other.update(row)
        if not fitting:
            joined.append(dict(row))
    return joined


def arranged(joined: Sequence[Row], transformations: Sequence[Mapping[str, Any]]) -> tuple[list[str], list[Row]]:
    """Titles of the columns from left to right, and the rows under these titles."""
    columns = [*dict.fromkeys(name for row in joined for name in row)]
    titles: dict[str, str] = {}
    for each in transformations:
        options = each["options"]
        if each["id"] == "filterFieldsByName":
            columns = [name for name in columns if name in options["include"]["names"]]
        elif each["id"] == "organize":
            order: Mapping[str, int] = options["indexByName"]
            columns = sorted(columns, key=lambda name: order.get(name, len(order)))
            titles = options["renameByName"]
    shown = [titles.get(name, name) for name in columns]
    return shown, [dict(zip(shown, (row.get(name) for name in columns), strict=True)) for row in joined]


def ordered(unordered: Sequence[Row], sort_by: Sequence[Mapping[str, Any]]) -> list[Row]:
    """By the raw values, as Grafana does; rows without a value last."""
    result = list(unordered)
    for key in reversed(sort_by):
        title = key["displayName"]
        empty = [row for row in result if row.get(title) is None]
        full = [row for row in result if row.get(title) is not None]
        result = sorted(full, key=lambda row: _rank(row[title]), reverse=bool(key.get("desc"))) + empty
    return result


def _rank(value: Value) -> tuple[float, str]:
    return (0.0, value.lower()) if isinstance(value, str) else (value or 0.0, "")


def _frame(answer: Sequence[Series], column: str) -> list[Row]:
    """Rows of one query. A label that only other series have is empty."""
    names = dict.fromkeys(name for series in answer for name in series.labels)
    return [{**{name: series.labels.get(name, "") for name in names}, column: series.last} for series in answer]


def _merges(other: Row, row: Row, shared: set[str]) -> bool:
    if any(other[name] != row[name] for name in shared - {"__name__"}):
        return False
    return all(name == "__name__" or name not in other or other[name] == value for name, value in row.items())
