"""How the database driver is configured. How a real server behaves then is tested in ``tests/contract``."""

from typing import Any
from unittest.mock import AsyncMock

import pytest
from pydantic import SecretStr
from pymongo import ReadPreference
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DocumentTooLarge,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
    WriteError,
)

from common.database import Database, database_errors_as_outages, insert_missing
from common.failure import Outage
from common.settings import ServiceSettings


@pytest.mark.parametrize("uri", ["mongodb://127.0.0.1:1/", "mongodb://127.0.0.1:1/?retryWrites=true"])
async def test_the_driver_never_repeats_a_write(uri: str) -> None:
    """Its repetition can keep all writers from the database after an outage; no address may switch it on."""
    database = Database(ServiceSettings(mongo_uri=SecretStr(uri)), "archive")
    assert database.client.options.retry_writes is False
    database.client.close()


async def test_every_read_has_majority_concern_and_every_write_is_durable() -> None:
    """What is read is announced, so it must not be rolled back; no setting of the address may loosen it."""
    uri = "mongodb://127.0.0.1:1/?readConcernLevel=local&w=1&journal=false&readPreference=secondaryPreferred"
    database = Database(ServiceSettings(mongo_uri=SecretStr(uri)), "archive")
    collection = database.collection("ledger")
    assert collection.read_concern.level == "majority"
    assert collection.write_concern.document == {"w": "majority", "j": True}
    assert collection.read_preference == ReadPreference.PRIMARY
    database.client.close()


def bulk(*codes: int) -> BulkWriteError:
    return BulkWriteError({"writeErrors": [{"index": number, "code": code} for number, code in enumerate(codes)]})


@pytest.mark.parametrize(
    "error",
    [
        WriteError("Resulting document after update is larger than 16777216", 17419),
        WriteError("Document to upsert is larger than 16777216", 17420),
        OperationFailure("BSONObj size is invalid", 10334),
        OperationFailure("bad value", 2),
        DocumentTooLarge("too large"),
        DuplicateKeyError("duplicate", 11000),
        bulk(11000, 10334),
    ],
    ids=repr,
)
def test_what_a_request_itself_is_wrong_about_is_no_outage(error: PyMongoError) -> None:
    """Else its message would come again for ever, and hold up all others each time."""
    with pytest.raises(type(error)), database_errors_as_outages():
        raise error


@pytest.mark.parametrize(
    "error",
    [AutoReconnect("away"), OperationFailure("not primary", 10107), OperationFailure("no code"), bulk(11000, 10107)],
    ids=repr,
)
def test_what_passes_is_an_outage(error: PyMongoError) -> None:
    with pytest.raises(Outage), database_errors_as_outages():
        raise error


ONE_NODE_ONLY = {"code": 11602, "errmsg": "operation was interrupted"}


@pytest.mark.parametrize("written", [[], [{"index": 0, "code": 11000}]])
async def test_rows_that_one_node_alone_has_are_not_there(written: list[dict[str, Any]]) -> None:
    """The driver raises the same error for what was there already and for what no majority has confirmed: an election
    may take those rows back."""
    rows = AsyncMock()
    rows.insert_many.side_effect = BulkWriteError({"writeErrors": written, "writeConcernErrors": [ONE_NODE_ONLY]})
    with pytest.raises(Outage):
        await insert_missing(rows, [{"_id": 1}, {"_id": 2}])


async def test_rows_that_were_there_are_named() -> None:
    rows = AsyncMock()
    rows.insert_many.side_effect = bulk(11000)
    assert await insert_missing(rows, [{"_id": 1}, {"_id": 2}]) == {1}
