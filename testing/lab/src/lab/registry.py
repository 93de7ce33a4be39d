"""A registry of images on loopback, out of Debian's crane: to push to and to ask for digests."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack import ports
from devstack.errors import NotReady
from devstack.ports import LOOPBACK
from devstack.progress import Progress
from lab import debs

PATIENCE_SECONDS = 20.0


@contextmanager
def serving(folder: Path, port: int, progress: Progress | None = None) -> Iterator[str]:
    """Serve from ``folder`` while the block runs; host and port. Raises ``Missing``."""
    program = debs.unpacked(debs.TESTING, ("crane",), progress) / "usr/bin/crane"
    folder.mkdir(parents=True, exist_ok=True)
    command = [str(program), "registry", "serve", f"--address={LOOPBACK}:{port}", f"--disk={folder}"]
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait(running, port)
        yield f"{LOOPBACK}:{port}"
    finally:
        running.terminate()
        running.wait(PATIENCE_SECONDS)


def _wait(running: "subprocess.Popen[bytes]", port: int) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not ports.answers(port):
        if running.poll() is not None or time.monotonic() > deadline:
            raise NotReady("the registry of images did not start")
        time.sleep(0.1)
