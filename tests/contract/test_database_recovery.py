"""Our database client after the server was killed: every waiting operation goes on as soon as the server serves."""

import asyncio
from itertools import count
from pathlib import Path

from pydantic import SecretStr

from common.database import Database, database_errors_as_outages, find_by_id, insert_once
from common.failure import Outage
from common.settings import ServiceSettings
from devstack import servers

WRITERS = 60
"""As many as a service has messages in flight; far more than the driver has connections when it starts again."""
EACH_WRITES = 5
OUTAGE_SECONDS = 6.0
"""Part of the scenario: operations that began before it and those that begin during it wait together at its end."""
PATIENCE_SECONDS = 120.0


async def test_writers_go_on_after_the_server_was_killed(spare, tmp_path: Path) -> None:
    settings = ServiceSettings(mongo_uri=SecretStr(spare("mongo").mongo_uri))
    database = Database(settings, "archive")
    records = database.collection("recovery")
    numbers, written, refused = count(), [0] * WRITERS, 0

    async def write(writer: int) -> None:
        nonlocal refused
        while True:
            try:
                await insert_once(records, {"_id": f"{writer}-{next(numbers)}"})
                await find_by_id(records, f"{writer}-0")
                with database_errors_as_outages():
                    await records.update_one({"_id": "nobody"}, {"$set": {"by": writer}})
                written[writer] += 1
            except Outage:
                refused += 1
                await asyncio.sleep(0.02)

    async def all_have_written(times: int) -> None:
        before = list(written)
        while any(now < then + times for now, then in zip(written, before, strict=True)):
            await asyncio.sleep(0.05)

    writers = [asyncio.create_task(write(writer)) for writer in range(WRITERS)]
    try:
        await asyncio.wait_for(all_have_written(EACH_WRITES), PATIENCE_SECONDS)
        await asyncio.to_thread(servers.kill, tmp_path, "mongo")
        await asyncio.sleep(OUTAGE_SECONDS)
        await asyncio.to_thread(servers.revive, tmp_path, "mongo")
        await asyncio.wait_for(all_have_written(EACH_WRITES), PATIENCE_SECONDS)
        assert refused > 0
    finally:
        for task in writers:
            task.cancel()
        await asyncio.gather(*writers, return_exceptions=True)
        database.client.close()
