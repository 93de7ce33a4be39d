"""A service for ``test_drain``: each message takes two seconds, then is announced on; run as a process of its own."""

import asyncio
import sys
from pathlib import Path

from common.facts import Fact
from common.service import Service
from common.settings import ServiceSettings

marks = Path(sys.argv[1])
service = Service("archive", ServiceSettings())


async def handle(fact: Fact) -> None:
    (marks / f"{fact.event_id}.begun").touch()
    await asyncio.sleep(2)
    await service.announce(fact.model_copy(update={"event_id": f"{fact.event_id}-after"}))
    (marks / f"{fact.event_id}.done").touch()


service.on_facts(handle)
service.run()
