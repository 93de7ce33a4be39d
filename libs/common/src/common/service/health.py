"""``/livez``: the process answers. ``/readyz``: everything it needs answers, and what does not is named."""

import asyncio
from collections.abc import Awaitable, Callable

from prometheus_client import make_asgi_app
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from common.metrics import REGISTRY, set_dependency

Check = Callable[[], Awaitable[None]]

CHECK_TIMEOUT_SECONDS = 3.0


METRICS_PATHS = ("/metrics", "/metrics/")
"""Both answer: a client that follows no redirect gets the metrics too."""


class Metrics:
    """The metrics for Prometheus, as an ASGI application. It is a class, because a ``Route`` would call a function with
    a request."""

    def __init__(self) -> None:
        self._answer = make_asgi_app(REGISTRY)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request with the metrics."""
        await self._answer(scope, receive, send)


class Readiness:
    """The checks of one service."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._checks: dict[str, Check] = {}

    def needs(self, dependency: str, check: Check) -> None:
        """Be ready only while ``check`` returns without raising. The report shows what it raises."""
        self._checks[dependency] = check

    async def report(self) -> dict[str, str]:
        """By dependency, ``ok`` or the error of its check."""
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


def routes(readiness: Readiness) -> list[BaseRoute]:
    """The HTTP endpoints of a service."""

    async def livez(_: Request) -> PlainTextResponse:
        """Answers 200 as long as the event loop runs. An unavailable dependency is no reason for a restart."""
        return PlainTextResponse("ok")

    async def readyz(_: Request) -> JSONResponse:
        """Answers 200 if every check succeeds, otherwise 503; the body is the report."""
        report = await readiness.report()
        is_ready = all(answer == "ok" for answer in report.values())
        return JSONResponse({"ready": is_ready, **report}, 200 if is_ready else 503)

    metrics = (Route(path, Metrics()) for path in METRICS_PATHS)
    return [Route("/livez", livez), Route("/readyz", readyz), *metrics]
