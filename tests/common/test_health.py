"""The HTTP endpoints of a service, asked without a server."""

import pytest
from httpx import ASGITransport, AsyncClient, Response
from starlette.applications import Starlette

from common.service.health import METRICS_PATHS, Readiness, routes


async def answer_at(path: str) -> Response:
    app = ASGITransport(Starlette(routes=routes(Readiness("intake"))))
    async with AsyncClient(transport=app, base_url="http://intake", follow_redirects=False) as client:
        return await client.get(path)


@pytest.mark.parametrize("path", METRICS_PATHS)
async def test_metrics_are_answered_without_a_redirect(path: str) -> None:
    answer = await answer_at(path)
    assert answer.status_code == 200
    assert "trunk_build_info" in answer.text
    assert answer.headers["content-type"].startswith("text/plain")


async def test_nothing_is_below_them() -> None:
    assert (await answer_at("/metrics/more")).status_code == 404
