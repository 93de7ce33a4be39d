"""Debian's switch that keeps a package from starting its service while it is installed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SWITCH = Path("/usr/sbin/policy-rc.d")
FORBID = "#!/bin/sh\nexit 101\n"


@contextmanager
def no_services_started(switch: Path = SWITCH) -> Iterator[None]:
    """Forbid it inside the block, unless the machine has a rule of its own."""
    if switch.exists():
        yield
        return
    switch.write_text(FORBID)
    switch.chmod(0o755)
    try:
        yield
    finally:
        switch.unlink(missing_ok=True)
