"""``trunk-canary``: rounds without end, beside ``/livez``, ``/readyz`` and ``/metrics``."""

import asyncio
import logging
import sys

import structlog
import uvicorn
from prometheus_client import make_asgi_app
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from canary import metrics
from canary.rounds import Rounds
from canary.settings import CanarySettings

STOP_SECONDS = 3


def routes(rounds: Rounds) -> list[BaseRoute]:
    """The HTTP endpoints; none of them asks the trunk, whose outage is no reason to start the canary anew."""

    async def livez(_: Request) -> PlainTextResponse:
        return PlainTextResponse("ok")

    async def readyz(_: Request) -> PlainTextResponse:
        """200 while letters can be made, else 503 and why not."""
        return PlainTextResponse(rounds.problem or "ok", 503 if rounds.problem else 200)

    answering = (Route(path, Metrics()) for path in ("/metrics", "/metrics/"))
    return [Route("/livez", livez), Route("/readyz", readyz), *answering]


class Metrics:
    """What Prometheus reads, with and without a slash at the end of its path, as an ASGI application."""

    def __init__(self) -> None:
        self._answer = make_asgi_app(metrics.REGISTRY)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        await self._answer(scope, receive, send)


def set_up_log(level: str) -> None:
    """One JSON object a line, as the services write; libraries say only what is wrong."""
    logging.basicConfig(stream=sys.stdout, level=logging.ERROR, format="%(message)s")
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(level),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            lambda _, __, event: {"service": "canary", **event},
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )


async def run(settings: CanarySettings) -> None:
    """Until the process is told to end; a round on its way is given up then. It also ends, to be started anew, should
    the rounds ever end."""
    rounds = Rounds(settings)
    server = uvicorn.Server(
        uvicorn.Config(
            Starlette(routes=routes(rounds)),
            host=settings.http_host,
            port=settings.http_port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
    )

    def end(_: object) -> None:
        server.should_exit = True

    work = asyncio.create_task(rounds.run())
    work.add_done_callback(end)
    try:
        await server.serve()
    finally:
        work.cancel()


def main() -> None:
    """The program of the image."""
    settings = CanarySettings()
    set_up_log(settings.log_level)
    metrics.begin_counting()
    asyncio.run(run(settings))


if __name__ == "__main__":
    main()
