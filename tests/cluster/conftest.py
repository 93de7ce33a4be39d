"""A control plane with nodes that are only spoken of, for every test of this folder that needs no real one."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.progress import Progress, shown
from lab.kubernetes import control_plane, definitions, kwok, programs
from lab.kubernetes.control_plane import ControlPlane
from lab.kubernetes.kubectl import Kubectl

ROOT = Path(__file__).parents[2]
STATE = ROOT / ".lab" / "cluster"
"""Below the checkout, so that clusters of several checkouts do not meet."""
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "alone")
"""Files of this folder may run in several processes at once: whoever starts a cluster erases what its folder holds."""


@pytest.fixture(scope="session")
def progress() -> Iterator[Progress]:
    """Steps of the lab, as they happen."""
    with shown() as steps:
        yield steps


@pytest.fixture(scope="package")
def plane(progress: Progress) -> Iterator[ControlPlane]:
    """Three zones, and every kind of object that the overlays use."""
    if missing := programs.missing(programs.CONTROL_PLANE):
        pytest.skip(f"control plane with KWOK skipped: not built: {', '.join(missing)} (make cluster-programs)")
    with control_plane.running(STATE / f"zones-{WORKER}", progress) as started:
        definitions.install(started)
        kwok.start(started, progress)
        yield started


@pytest.fixture(scope="package")
def kubectl(plane: ControlPlane) -> Kubectl:
    """An administrator's."""
    return plane.kubectl
