"""MongoDB through motor: one database for each service, single-document writes, majority and journaled; majority reads.

Only inserts, finds, compare-and-set updates and counters are used, so that any MongoDB-wire server that passes
``tests/contract`` can be used. A server that does not answer properly is an ``Outage``.

Reads have majority concern, because services announce what they read. Otherwise a row could be read and announced that
another process had written to a primary about to step down, and then be rolled back. Such reads do not wait. A process
that gets a duplicate key or loses a race sees the row that won, because the server answers a write with majority
concern only once a majority has the newest write, even if the write changed nothing. FerretDB accepts the option and
does not need it: its rows are in one PostgreSQL, where nothing uncommitted can be read (``tests/contract``).

The driver does not retry writes: the broker delivers the message again, and every step is idempotent. On a server that
is no replica set, PyMongo 4.20 raises the first attempt's error while it uses the healthy connection of the second
attempt, and takes it for a fault of that connection. It closes the pool, so all other operations fail, too, and after
an outage the writers keep each other from the database for ever (``tests/contract/test_database_recovery.py``).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from bson.codec_options import CodecOptions
from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo import ReadPreference, WriteConcern
from pymongo.errors import BulkWriteError, DocumentTooLarge, DuplicateKeyError, OperationFailure, PyMongoError
from pymongo.read_concern import ReadConcern

from common.failure import Outage
from common.indexes import database_name
from common.settings import ServiceSettings

Document = dict[str, Any]
Collection = AsyncIOMotorCollection[Document]

DATABASE = "database"
"""Name of the dependency in an ``Outage``."""
DUPLICATE_KEY = 11000

REQUEST_FAULTS = frozenset({2, 9, 14, 17280, 10334, 17419, 17420})
"""Numbers of the errors that a faulty request causes, which no retry would help: bad value, failed to parse, type
mismatch, key too large, object too large (as sent, after an update, or after an upsert)."""


class Database:
    """The database of one service."""

    def __init__(self, settings: ServiceSettings, service: str) -> None:
        self.client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
            settings.mongo_uri.get_secret_value(),
            tz_aware=True,
            serverSelectionTimeoutMS=5_000,
            timeoutMS=15_000,
            retryWrites=False,
            appname=f"trunk-{service}",
        )
        self._database: AsyncIOMotorDatabase[Document] = self.client.get_database(
            database_name(service),
            codec_options=CodecOptions(tz_aware=True, tzinfo=UTC),
            write_concern=WriteConcern(w="majority", j=True),
            read_concern=ReadConcern("majority"),
            read_preference=ReadPreference.PRIMARY,
        )

    def collection(self, name: str) -> Collection:
        """A collection of the database."""
        return self._database[name]

    async def ping(self) -> None:
        """Raises ``Outage`` if the server does not answer."""
        with database_errors_as_outages():
            await self.client.admin.command("ping")

    async def server_time(self) -> datetime:
        """The time by the server's clock, in UTC. Raises ``Outage``."""
        with database_errors_as_outages():
            hello = await self.client.admin.command("hello")
        local_time: datetime = hello["localTime"]
        return local_time if local_time.tzinfo else local_time.replace(tzinfo=UTC)


@contextmanager
def database_errors_as_outages() -> Iterator[None]:
    """Turns errors of the driver into ``Outage``, except ``DuplicateKeyError``, ``DocumentTooLarge``, and errors of the
    request itself (``REQUEST_FAULTS``)."""
    try:
        yield
    except (DuplicateKeyError, DocumentTooLarge):
        raise
    except OperationFailure as error:
        if _codes(error) & REQUEST_FAULTS:
            raise
        raise Outage(DATABASE, f"code {error.code}") from error
    except PyMongoError as error:
        raise Outage(DATABASE, type(error).__name__) from error


def _codes(error: OperationFailure) -> set[int | None]:
    """The codes of the failure, and of each document if the request had many."""
    rows = error.details.get("writeErrors", []) if isinstance(error, BulkWriteError) else []
    return {error.code, *(row.get("code") for row in rows)}


async def insert_once(collection: Collection, document: Document) -> Document:
    """Insert a document, or return the one that an earlier run of the same step saved under its ``_id``."""
    with database_errors_as_outages():
        try:
            await collection.insert_one(document)
        except DuplicateKeyError:
            saved = await collection.find_one({"_id": document["_id"]})
            if saved is None:
                raise Outage(DATABASE, "document vanished") from None
            return saved
        return document


async def insert_missing(collection: Collection, documents: list[Document]) -> set[Any]:
    """Insert the documents whose ``_id`` does not exist yet, in one request. Returns the ids that existed before."""
    if not documents:
        return set()
    with database_errors_as_outages():
        try:
            await collection.insert_many(documents, ordered=False)
        except BulkWriteError as error:
            failures = error.details.get("writeErrors", [])
            if error.details.get("writeConcernErrors"):  # one node has the rows, and may lose them in an election
                raise Outage(DATABASE, "write concern") from error
            if any(failure.get("code") != DUPLICATE_KEY for failure in failures):
                raise
            return {documents[failure["index"]]["_id"] for failure in failures}
    return set()


async def find_by_id(collection: Collection, key: str) -> Document | None:
    """The document with this ``_id``; None = there is none."""
    with database_errors_as_outages():
        return await collection.find_one({"_id": key})


async def compare_and_set(collection: Collection, expected: Document, change: Document) -> bool:
    """Apply ``change`` to a document if it still is as expected. False = it is not, or does not exist."""
    with database_errors_as_outages():
        result = await collection.update_one(expected, change)
        return result.matched_count == 1
