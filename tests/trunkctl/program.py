"""``trunkctl`` as people start it: once as a program of its own, otherwise its entry point in this process.

The entry point spares each test the imports of a new process.
"""

import io
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from trunkctl import main

SURROUNDINGS = {"PYTHONIOENCODING": "ascii", "COLUMNS": "200"}
"""A terminal that has no Vietnamese letters."""


@dataclass(frozen=True)
class Ended:
    """What the command line printed, and its exit code."""

    returncode: int
    stdout: bytes
    stderr: bytes


def program(*words: object) -> Ended:
    """Run the installed program to its end."""
    command = [Path(sys.executable).parent / "trunkctl", *map(os.fsencode, map(str, words))]
    environment = os.environ | SURROUNDINGS
    done = subprocess.run(command, capture_output=True, timeout=300, env=environment, check=False)
    return Ended(done.returncode, done.stdout, done.stderr)


def entry_point(*words: object) -> Ended:
    """Run what the program runs, with streams of the same encoding."""
    out, err = (io.TextIOWrapper(io.BytesIO(), SURROUNDINGS["PYTHONIOENCODING"]) for _ in range(2))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["trunkctl", *map(str, words)])
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        patch.setenv("COLUMNS", SURROUNDINGS["COLUMNS"])
        with pytest.raises(SystemExit) as ended:
            sys.exit(main.main())  # type: ignore[func-returns-value]
    printed = []
    for stream in (out, err):
        stream.flush()
        printed.append(stream.detach().getvalue())  # type: ignore[attr-defined]
    return Ended(int(ended.value.code or 0), *printed)
