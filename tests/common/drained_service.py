"""A service for ``test_drain``: each message takes two seconds, then is announced on; run as a process of its own."""

import asyncio
import signal
import sys
from pathlib import Path

from common.database import Database
from common.facts import FACT_TYPES, BaseFact, PackageRepeated
from common.objects import Objects
from common.service.service import Service
from common.settings import ServiceSettings

marks = Path(sys.argv[1])
settings = ServiceSettings()
service = Service("archive", settings, Database(settings, sys.argv[2]), Objects(settings))


async def handle(fact: BaseFact) -> None:
    if not isinstance(fact, PackageRepeated):
        return
    (marks / f"{fact.event_id}.begun").touch()
    await asyncio.sleep(2)
    await service.announce(fact.model_copy(update={"fact": "document.archived", "event_id": f"{fact.event_id}-after"}))
    (marks / f"{fact.event_id}.done").touch()


service.on_facts(dict.fromkeys(FACT_TYPES, handle))
# As in a container: process number 1 does not end by a signal that it does not handle, so it has to end by itself.
signal.signal(signal.SIGTERM, signal.SIG_IGN)
service.run()
