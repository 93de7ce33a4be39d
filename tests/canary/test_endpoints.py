"""The HTTP endpoints of the canary, asked without a server."""

import pytest
from httpx import ASGITransport, AsyncClient
from starlette.applications import Starlette

from canary.main import routes
from canary.rounds import Rounds
from canary.settings import CanarySettings
from tests.canary.conftest import Keys
from tests.canary.test_rounds import URLS


@pytest.mark.parametrize("path", ["/metrics", "/metrics/"])
async def test_metrics_are_answered_without_a_redirect(path: str, keys: Keys) -> None:
    app = ASGITransport(Starlette(routes=routes(Rounds(CanarySettings(canary_keys_dir=keys.folder, **URLS)))))
    async with AsyncClient(transport=app, base_url="http://canary", follow_redirects=False) as client:
        answer = await client.get(path)
    assert answer.status_code == 200
    assert "trunk_canary" in answer.text
