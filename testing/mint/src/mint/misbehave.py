"""Ways for a worker process to misbehave, asked for by a document's last bytes."""

import os
import signal
import time
from pathlib import Path

LOOP = b"%%LOOP"
SLEEP = b"%%SLEEP"
CRASH = b"%%CRASH"
HUNGRY = b"%%HUNGRY"
HOARD = b"%%HOARD"
CRASH_ONCE = b"%%ONCE:"
"""Followed by the path of a file that remembers the first time."""

_hoarded: list[bytearray] = []


def misbehave(document: bytes) -> None:
    """Do what the document asks for; nothing for any other document."""
    while document.endswith(LOOP):
        pass
    if document.endswith(SLEEP):
        time.sleep(60)
    if document.endswith(CRASH):
        os.kill(os.getpid(), signal.SIGSEGV)
    if document.endswith(HUNGRY):
        bytearray(1 << 40)
    if document.endswith(HOARD):
        _hoarded.append(bytearray(200 << 20))
    if CRASH_ONCE in document:
        _crash_once(Path(document.rpartition(CRASH_ONCE)[2].decode().strip()))


def _crash_once(marker: Path) -> None:
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
