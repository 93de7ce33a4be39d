"""The page about what grows names every collection that services open, and no other."""

import re

from common import indexes

from .pages import ROOT

PAGE = (ROOT / "docs" / "operations" / "growth.md").read_text(encoding="utf-8")
OPENED = re.compile(r"\.collection\(([^)]+)\)")


def opened_by(service: str) -> set[str]:
    """Collections that the modules of a service open."""
    return {
        name
        for module in (ROOT / "services" / service / "src").rglob("*.py")
        for argument in OPENED.findall(module.read_text(encoding="utf-8"))
        for name in [getattr(indexes, argument, argument.strip('"'))]
    }


def test_every_collection_has_a_row_and_every_row_a_collection() -> None:
    rows = re.findall(r"^\| `(?:trunk_([a-z]+)\.)?([a-z_]+)`", PAGE, re.MULTILINE)
    assert len(rows) == len(set(rows))
    services = [folder.name for folder in (ROOT / "services").iterdir() if (folder / "src").is_dir()]
    opened = {(service, name) for service in services for name in opened_by(service)}
    shared = {("", indexes.MESSAGE_RECORDS), ("", indexes.OPERATOR_REQUESTS), ("", indexes.NEWEST_DECISIONS)}
    assert set(rows) == opened | shared
