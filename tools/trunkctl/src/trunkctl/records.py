"""What the services wrote down, for the operator's eyes: reads their databases and changes nothing."""

from collections.abc import Iterable
from typing import Any

from pymongo import MongoClient

from common.domain.ids import document_key
from trunkctl.databases import asking, connected
from trunkctl.paper_trail import Trail, trail
from trunkctl.settings import ControlSettings

Row = dict[str, Any]


class Records:
    """Read-only views of intake's, the router's and the archive's collections."""

    def __init__(self, settings: ControlSettings) -> None:
        self._client: MongoClient[Row] = connected(settings, "trunkctl")

    def trails(self, identifier: str) -> list[Trail]:
        """Of every document that a DocumentId, a document key or a package id names; empty = unknown."""
        with asking():
            return [self._trail(subject) for subject in self._subjects(identifier)]

    def verdicts(self, package_ids: Iterable[str]) -> dict[str, str]:
        """What the archive has on record, by package: the fact it keeps the evidence of."""
        wanted = {"_id": {"$in": sorted(package_ids)}}
        with asking():
            records = self._client["trunk_archive"]["records"].find(wanted, {"verdict": 1})
            return {record["_id"]: record["verdict"] for record in records}

    def states(self, document_keys: Iterable[str]) -> dict[tuple[str, str], str]:
        """Where every delivery of these documents stands, by document key and receiver."""
        wanted = {"document_key": {"$in": sorted(document_keys)}}
        with asking():
            deliveries = self._client["trunk_router"]["deliveries"].find(
                wanted, {"document_key": 1, "receiver": 1, "state": 1}
            )
            return {(each["document_key"], each["receiver"]): each["state"] for each in deliveries}

    def _subjects(self, identifier: str) -> list[str]:
        intake = self._client["trunk_intake"]
        named = {"$or": [{"_id": identifier}, {"document_id": identifier}]}
        subjects = [row["subject"] for row in intake["packages"].find(named, {"subject": 1})]
        waiting = intake["waiting"].find(named, {"sender": 1, "document_id": 1})
        subjects += [document_key(row["sender"], row["document_id"]) for row in waiting]
        return list(dict.fromkeys(subjects)) or ([identifier] if self._entries(identifier) else [])

    def _trail(self, subject: str) -> Trail:
        deliveries = self._client["trunk_router"]["deliveries"].find({"_id": _below(subject)})
        return trail(subject, self._entries(subject), deliveries)

    def _entries(self, subject: str) -> list[Row]:
        return list(self._client["trunk_archive"]["ledger"].find({"_id": _below(subject)}).sort("recorded_at", 1))


def _below(key: str) -> dict[str, str]:
    """``_id`` of everything that belongs to a document: its key, a slash, the rest."""
    return {"$gte": f"{key}/", "$lt": f"{key}0"}
