"""How the driver of the database is set up; what a real server makes of it is asked in ``tests/contract``."""

import pytest
from pydantic import SecretStr
from pymongo import ReadPreference

from common.database import Database
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
