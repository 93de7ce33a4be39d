"""Programs that install something: run, and quoted when they fail."""

import os
import subprocess
from collections.abc import Mapping, Sequence

from devstack.errors import DevstackError

SHOWN_LINES = 6


def run(command: Sequence[str], more: Mapping[str, str] | None = None) -> str:
    """Run to the end and return what it printed; failing, raise its last lines.

    more: environment variables on top of ours.
    """
    done = subprocess.run(
        command,
        env={**os.environ, **(more or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    if done.returncode != 0:
        last = " / ".join(done.stdout.strip().splitlines()[-SHOWN_LINES:])
        raise DevstackError(f"`{' '.join(command[:3])} …` ended with {done.returncode}: {last}")
    return done.stdout
