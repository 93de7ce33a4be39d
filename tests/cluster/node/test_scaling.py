"""A real KEDA watches a real RabbitMQ: the validator grows with its queue and shrinks; nothing is lost or doubled."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from devstack.progress import Progress
from lab.kubernetes import keda, programs
from lab.kubernetes.control_plane import ControlPlane
from lab.kubernetes.kubectl import Kubectl
from tests.system.inboxes import Inboxes
from tests.system.sending import sending
from tests.system.trunk import Trunk, minted

from .objects import Deployed
from .test_running import all_answers, assert_once, distinct

PACKAGES = 150
QUEUE = "trunk.validator.normal"
SETTLED_SECONDS = 240.0


@pytest.fixture(scope="module")
def scaled(place: ControlPlane, deployed: Deployed, progress: Progress) -> Iterator[Kubectl]:
    """dev with the component keda; every ScaledObject says that it is ready."""
    if programs.missing(programs.SCALER):
        pytest.skip("scaling by KEDA skipped: keda is not built (make cluster-programs)")
    folder = Deployed(place.kubectl, "tests/cluster/node/scaled")
    with progress.step("lanes of their own and KEDA's objects"):
        folder.apply()
        folder.wait()
    keda.start(place, progress)
    kubectl = folder.kubectl
    kubectl("wait", "scaledobject", "--all", "--for=condition=Ready", "--timeout=120s")
    yield kubectl
    # The operator has to let go of them before it is stopped.
    kubectl("delete", "scaledobject", "--all", "--timeout=60s")


class Watched(threading.Thread):
    """Looks at the validator's size and at its queue, once a second, until told to stop."""

    def __init__(self, kubectl: Kubectl, trunk: Trunk) -> None:
        super().__init__(daemon=True)
        self._kubectl, self._trunk = kubectl, trunk
        self._stopped = threading.Event()
        self.seen: list[tuple[float, int, int]] = []
        """Seconds since the start, replicas, messages in the queue."""

    def run(self) -> None:
        began = time.monotonic()
        while not self._stopped.wait(1.0):
            size, depth = replicas(self._kubectl), self._trunk.depths().get(QUEUE, 0)
            self.seen.append((time.monotonic() - began, size, depth))

    def stop(self) -> None:
        self._stopped.set()
        self.join(20)

    def changes(self) -> list[str]:
        """A line whenever the size changed."""
        lines, last = [], None
        for second, size, depth in self.seen:
            if size != last:
                lines.append(f"{second:6.0f} s  {size} replicas, {depth} messages")
            last = size
        return lines


def replicas(kubectl: Kubectl) -> int:
    """Of the validator's normal lane, as its Deployment asks for them."""
    return int(kubectl.object("deployment/validator")["spec"]["replicas"])


def test_the_validator_grows_with_its_queue_and_shrinks_again(
    scaled: Kubectl, trunk: Trunk, inboxes: Inboxes, tmp_path: Path
) -> None:
    entries = [{**entry, "urgent": False} for entry in minted(trunk, tmp_path, PACKAGES, seed=9)]
    scaled.until("validator at rest", lambda: replicas(scaled) == 1, SETTLED_SECONDS)
    watched = Watched(scaled, trunk)
    watched.start()
    with sending(trunk, entries, pause_seconds=0.0):
        pass
    messages = all_answers(trunk, inboxes, entries)
    try:
        scaled.until("validator at rest again", lambda: replicas(scaled) == 1, SETTLED_SECONDS)
    finally:
        watched.stop()
        print(f"\n{len(entries)} packages\n" + "\n".join(watched.changes()))
        print(f"{len(messages)} messages in inboxes, {len(messages) - len(distinct(messages))} of them repeats")

    assert max(size for _, size, _ in watched.seen) > 2
    assert_once(trunk, messages, entries)
