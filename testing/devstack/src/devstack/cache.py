"""Downloads and trees, kept once for a user and shared by all checkouts."""

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from devstack import locks


def root() -> Path:
    """The cache folder: $XDG_CACHE_HOME/city-trunk, or ~/.cache/city-trunk."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "city-trunk"


def key(pins: Sequence[str]) -> str:
    """Twelve hex characters that change whenever one of the pinned versions does."""
    return hashlib.sha256("\n".join(pins).encode()).hexdigest()[:12]


def folder(name: str, pins: Sequence[str]) -> Path:
    """Where the thing called `name` is kept when it is built from `pins`."""
    return root() / f"{name}-{key(pins)}"


def kept(name: str, pins: Sequence[str], build: Callable[[Path], None]) -> Path:
    """The folder that `build` fills from `pins`: built once, whole or not at all."""
    target = folder(name, pins)
    if target.is_dir():
        return target
    with locks.held(target.with_name(f"{target.name}.lock")):
        if not target.is_dir():
            _build(target, build)
    return target


def _build(target: Path, build: Callable[[Path], None]) -> None:
    for leftover in target.parent.glob(f".{target.name}-*"):
        erase(leftover)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        build(unfinished)
        unfinished.chmod(0o755)
        unfinished.rename(target)
    except BaseException:
        erase(unfinished)
        raise


def erase(path: Path) -> None:
    """Remove a folder, never crossing into another file system that is mounted inside."""
    subprocess.run(["rm", "-rf", "--one-file-system", "--", str(path)], check=False)
