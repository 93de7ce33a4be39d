"""``/livez``: the process answers. ``/readyz``: everything it needs answers, each named with its trouble."""

import asyncio
import json
from collections.abc import Awaitable, Callable

from faststream.asgi import AsgiResponse, get

from common.metrics import set_dependency

Check = Callable[[], Awaitable[None]]

CHECK_TIMEOUT_SECONDS = 3.0


@get
async def livez(_scope: object) -> AsgiResponse:
    """Alive as long as the event loop turns; a dependency being away is no reason to restart."""
    return AsgiResponse(b"ok", 200)


class Readiness:
    """The checks of one service."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._checks: dict[str, Check] = {}

    def needs(self, dependency: str, check: Check) -> None:
        """Ready only while ``check`` returns; what it raises is shown."""
        self._checks[dependency] = check

    async def report(self) -> dict[str, str]:
        """``ok`` or the trouble, per dependency."""
        answers = await asyncio.gather(*(self._ask(name) for name in self._checks))
        return dict(zip(self._checks, answers, strict=True))

    async def _ask(self, dependency: str) -> str:
        try:
            async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
                await self._checks[dependency]()
            answer = "ok"
        except TimeoutError:
            answer = "no answer in time"
        except Exception as error:
            answer = str(error) or type(error).__name__
        set_dependency(self._service, dependency, up=answer == "ok")
        return answer

    async def response(self) -> AsgiResponse:
        """The answer of ``/readyz``: 200 when all is well, else 503, and the report either way."""
        report = await self.report()
        ready = all(answer == "ok" for answer in report.values())
        body = json.dumps({"ready": ready, **report}, ensure_ascii=False).encode()
        return AsgiResponse(body, 200 if ready else 503, {"content-type": "application/json"})
