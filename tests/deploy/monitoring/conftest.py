"""Prometheus and Alertmanager out of Debian's packages; what needs them is skipped by name where they cannot be had."""

from collections.abc import Callable

import pytest

from devstack.errors import DevstackError
from lab import prometheus


@pytest.fixture(scope="session")
def tools() -> Callable[[str], prometheus.Tools]:
    """The programs of a Prometheus version."""

    def of(version: str) -> prometheus.Tools:
        try:
            return prometheus.tools(version)
        except DevstackError as missing:
            pytest.skip(f"Prometheus {version} skipped: {missing}")

    return of


@pytest.fixture(scope="session", params=list(prometheus.SUITES))
def each(request: pytest.FixtureRequest, tools: Callable[[str], prometheus.Tools]) -> prometheus.Tools:
    """Every supported version in turn."""
    return tools(request.param)


@pytest.fixture(scope="session")
def newest(tools: Callable[[str], prometheus.Tools]) -> prometheus.Tools:
    """The version that compose runs, with Alertmanager."""
    return tools(prometheus.NEW)
