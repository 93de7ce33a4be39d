"""The row about the newest ``trunkctl log tidy`` that found nothing wrong, from which the gauge of its age is read."""

from datetime import datetime
from typing import Any

from pymongo import MongoClient

from common.indexes import TIDIES, database_name
from trunkctl.databases import asking


def note_tidied(client: MongoClient[dict[str, Any]], begun_at: datetime, removed: int) -> None:
    """Everything was removed that may go. Its age counts from the beginning of the run. Raises ``CommandError``."""
    row = {"last_success_at": begun_at, "removed": removed}
    with asking():
        client[database_name("archive")][TIDIES].update_one({"_id": "log"}, {"$set": row}, upsert=True)
