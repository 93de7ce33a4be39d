"""Compares what intake, router and archive have on record about finished packages; reads their databases page by page.

No message takes part: what a missing binding or a lost queue hides shows here, and so does what a database lost.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from common.domain.ids import event_id
from common.indexes import database_name
from trunkctl.databases import asking, connected
from trunkctl.settings import ControlSettings

PAGE = 500
Row = dict[str, Any]
REFUSED_BY_INTAKE = "package.refused"
DECIDED_BY_ROUTER = {"document.verified": "verdict", "notice.accepted": "intake"}
"""Verdicts on record about which the router has a decision, and the step that names it."""
PACKAGE_FIELDS = ("submitted_at", "reason", "is_open")


@dataclass(frozen=True, slots=True)
class Difference:
    """One package that the services do not agree about."""

    package_id: str
    what: str


def decision_id(package_id: str, verdict: str) -> str:
    """Under which the router keeps its decision; empty = it makes none."""
    step = DECIDED_BY_ROUTER.get(verdict)
    return event_id(package_id, step) if step else ""


def differences(
    packages: Sequence[Row], verdicts: Mapping[str, str], decisions: Mapping[str, Row]
) -> Iterator[Difference]:
    """Of one page of finished packages. ``verdicts``: on record in the archive; ``decisions``: of the router, by id."""
    for package in packages:
        if what := _difference(package, verdicts.get(package["_id"]), decisions):
            yield Difference(package["_id"], what)


def _difference(package: Row, verdict: str | None, decisions: Mapping[str, Row]) -> str:
    if verdict is None:
        return "no record in the archive"
    if (package.get("reason") is not None) is not (verdict == REFUSED_BY_INTAKE):
        return f"intake {'refused' if package.get('reason') else 'accepted'} it, the archive has {verdict}"
    identifier = decision_id(package["_id"], verdict)
    if not identifier:
        return ""
    if identifier not in decisions:
        return f"{verdict} in the archive, no decision of the router"
    return "" if decisions[identifier].get("carried_out_at") else "finished, but the router has not done all of it"


class Services:
    """The three databases, read only."""

    def __init__(self, settings: ControlSettings) -> None:
        client = connected(settings, "trunkctl-reconcile")
        self._packages = client[database_name("intake")]["packages"]
        self._records = client[database_name("archive")]["records"]
        self._decisions = client[database_name("router")]["decisions"]

    def pages(self, since: datetime, until: datetime) -> Iterator[list[Row]]:
        """Packages submitted in a span of time that are not open, oldest first. Each page is a query of its own."""
        after: Row = {"submitted_at": {"$gte": since}}
        while page := self._page({"$and": [after, {"submitted_at": {"$lt": until}}, {"is_open": {"$ne": True}}]}):
            yield page
            at, last = page[-1]["submitted_at"], page[-1]["_id"]
            after = {"$or": [{"submitted_at": {"$gt": at}}, {"submitted_at": at, "_id": {"$gt": last}}]}

    def differences(self, page: Sequence[Row]) -> list[Difference]:
        """Of one page."""
        with asking():
            wanted = {"_id": {"$in": [package["_id"] for package in page]}}
            verdicts = {row["_id"]: row["verdict"] for row in self._records.find(wanted, {"verdict": 1})}
            named = [decision_id(package_id, verdict) for package_id, verdict in verdicts.items()]
            decisions = self._decisions.find({"_id": {"$in": [name for name in named if name]}}, {"carried_out_at": 1})
            return list(differences(page, verdicts, {row["_id"]: row for row in decisions}))

    def _page(self, query: Row) -> list[Row]:
        with asking():
            rows = self._packages.find(query, dict.fromkeys(PACKAGE_FIELDS, 1))
            return list(rows.sort([("submitted_at", 1), ("_id", 1)]).limit(PAGE))
