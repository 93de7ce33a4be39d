"""Python programs in environments of their own: what they depend on stays out of ours."""

import subprocess
import sys
from pathlib import Path

from devstack import cache, commands
from devstack.errors import DevstackError
from devstack.progress import Progress, Silent
from lab.errors import Missing


def installed(package: str, version: str, progress: Progress | None = None) -> Path:
    """The environment that holds ``package==version`` and nothing else of ours. Raises ``Missing``."""

    def build(folder: Path) -> None:
        with (progress or Silent()).step(f"{package} {version} from PyPI into the cache"):
            commands.run([sys.executable, "-m", "venv", str(folder)])
            commands.run(["nice", "-n", "10", *_python(folder), "-m", "pip", "install", "-q", f"{package}=={version}"])

    try:
        return cache.kept(package, (package, version, sys.version), build)
    except (DevstackError, OSError) as error:
        raise Missing(f"{package} {version} cannot be installed: {error}") from error


def run(environment: Path, module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """``python -m module`` in that environment: its answer, whatever the exit code."""
    return subprocess.run(
        [*_python(environment), "-m", module, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def packages(environment: Path) -> Path:
    """Where the environment's packages lie."""
    return next((environment / "lib").glob("python3*/site-packages"))


def _python(environment: Path) -> list[str]:
    return [str(environment / "bin" / "python")]
