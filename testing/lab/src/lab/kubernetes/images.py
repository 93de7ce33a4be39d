"""The project's images as one file for a node: built by the container engine, which needs the network, and kept.

``python -m lab.kubernetes.images FILE`` writes it from the checkout in which it runs.
"""

import os
import sys
from pathlib import Path

from devstack.progress import Progress, shown
from lab import engine as container_engine
from lab import images

SERVICES = ("intake", "validator", "router", "archive", "notifier", "trunkctl", "canary")
VERSION, REGISTRY = "dev", "localhost"
"""As the overlay dev names them."""
HOME = Path(os.environ.get("TRUNK_ENGINE", ".devstack/engine")).resolve()


def save(file: Path, source: Path, progress: Progress) -> None:
    """Build all six of a source folder and write them to a tar file. Raises ``Missing`` where no engine can run."""
    file.parent.mkdir(parents=True, exist_ok=True)
    was_running = container_engine.running(HOME)
    engine = container_engine.start(HOME, progress)
    try:
        base, uv = images.base(engine, progress), images.uv(engine, progress)
        with progress.step("images of the services and the jobs"):
            images.bake(engine, base, uv, VERSION, source)
        with progress.step("images into one file"):
            engine.docker("save", "--output", file, *(_named(engine, service) for service in SERVICES))
    finally:
        if not was_running:
            container_engine.stop(HOME)


def _named(engine: container_engine.Engine, service: str) -> str:
    """The image under the name that the overlay has for it."""
    name = f"{REGISTRY}/trunk-{service}:{VERSION}"
    engine.docker("tag", f"trunk-{service}:{VERSION}", name)
    return name


if __name__ == "__main__":
    with shown() as progress:
        save(Path(sys.argv[1]), Path.cwd(), progress)
