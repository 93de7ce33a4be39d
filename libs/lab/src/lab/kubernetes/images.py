"""The project's images as files for a node: built by the container engine, which needs the network, and kept.

``python -m lab.kubernetes.images FOLDER`` writes ``FOLDER/trunk-<service>.tar`` from the checkout in which it runs.
"""

import os
import sys
from pathlib import Path

from devstack.progress import Progress, shown
from lab import engine as container_engine
from lab import images

SERVICES = ("intake", "validator", "router", "archive", "notifier", "trunkctl")
VERSION, REGISTRY = "dev", "localhost"
"""As the overlay dev names them."""
HOME = Path(os.environ.get("TRUNK_ENGINE", ".devstack/engine")).resolve()


def save(folder: Path, source: Path, progress: Progress) -> list[Path]:
    """Build all six of a source folder and write each to a file. Raises ``Missing`` where no engine can run."""
    folder.mkdir(parents=True, exist_ok=True)
    ran = container_engine.running(HOME)
    engine = container_engine.start(HOME, progress)
    try:
        base, uv = images.base(engine, progress), images.uv(engine, progress)
        with progress.step("images of the services and the jobs"):
            images.bake(engine, images.Images(base, uv, rabbitmq="", mongodb="", seaweedfs=""), VERSION, source)
        return [_save(engine, service, folder) for service in SERVICES]
    finally:
        if not ran:
            container_engine.stop(HOME)


def _save(engine: container_engine.Engine, service: str, folder: Path) -> Path:
    name, file = f"{REGISTRY}/trunk-{service}:{VERSION}", folder / f"trunk-{service}.tar"
    engine.docker("tag", f"trunk-{service}:{VERSION}", name)
    engine.docker("save", "--output", file, name)
    return file


if __name__ == "__main__":
    with shown() as told:
        save(Path(sys.argv[1]), Path.cwd(), told)
