"""What the services wrote down, for the operator's eyes: reads their databases and changes nothing."""

from collections.abc import Iterable
from typing import Any

from pymongo import MongoClient

from common.domain.ids import document_key
from common.indexes import WAITING, database_name
from trunkctl.databases import asking, connected
from trunkctl.identifiers import forms_of
from trunkctl.paper_trail import Trail, trail
from trunkctl.settings import ControlSettings

Row = dict[str, Any]


class Records:
    """Read-only views of intake's, the router's and the archive's collections."""

    def __init__(self, settings: ControlSettings) -> None:
        self._client: MongoClient[Row] = connected(settings, "trunkctl")
        self._waiting = self._client[database_name("intake")][WAITING]

    def trails(self, identifier: str) -> list[Trail]:
        """Of every document that a DocumentId, a document key or a package id names; empty = unknown."""
        with asking():
            return [self._trail(subject, identifier) for subject in self._subjects(identifier)]

    def verdicts(self, package_ids: Iterable[str]) -> dict[str, str]:
        """What the archive has on record, by package: the fact it keeps the evidence of."""
        wanted = {"_id": {"$in": sorted(package_ids)}}
        with asking():
            records = self._client[database_name("archive")]["records"].find(wanted, {"verdict": 1})
            return {record["_id"]: record["verdict"] for record in records}

    def states(self, document_keys: Iterable[str]) -> dict[tuple[str, str], str]:
        """Where every delivery of these documents stands, by document key and receiver."""
        wanted = {"document_key": {"$in": sorted(document_keys)}}
        with asking():
            deliveries = self._client[database_name("router")]["deliveries"].find(
                wanted, {"document_key": 1, "receiver": 1, "state": 1}
            )
            return {(each["document_key"], each["receiver"]): each["state"] for each in deliveries}

    def _subjects(self, identifier: str) -> list[str]:
        packages = self._client[database_name("intake")]["packages"].find(_named(identifier), {"subject": 1})
        subjects = [row["subject"] for row in packages]
        subjects += [_own_key(row) for row in self._waiting.find(_named(identifier))]
        is_key = not subjects and (self._entries(identifier) or self._waiting.find_one({"awaited": identifier}))
        return [identifier] if is_key else list(dict.fromkeys(subjects))

    def _trail(self, subject: str, identifier: str) -> Trail:
        deliveries = self._client[database_name("router")]["deliveries"].find({"_id": _below(subject)})
        about = self._waiting.find({"awaited": subject})
        named = (row for row in self._waiting.find(_named(identifier)) if _own_key(row) == subject)
        waiting = {row["_id"]: row for row in (*about, *named)}
        return trail(subject, self._entries(subject), deliveries, waiting.values())

    def _entries(self, subject: str) -> list[Row]:
        ledger = self._client[database_name("archive")]["ledger"]
        return list(ledger.find({"_id": _below(subject)}).sort("recorded_at", 1))


def _named(identifier: str) -> Row:
    return {"$or": [{"_id": identifier}, {"document_id": {"$in": forms_of(identifier)}}]}


def _own_key(row: Row) -> str:
    return document_key(row["sender"], row["document_id"])


def _below(key: str) -> dict[str, str]:
    """``_id`` of everything that belongs to a document: its key, a slash, the rest."""
    return {"$gte": f"{key}/", "$lt": f"{key}0"}
