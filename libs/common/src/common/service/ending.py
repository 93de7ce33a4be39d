"""The end of a process that has drained, whatever its threads still wait for."""

import os
import sys
import threading

END_SECONDS = 5.0
"""For threads that end by themselves."""


def end_within(seconds: float = END_SECONDS) -> None:
    """End the process with exit code 0 after this time, unless it has ended by then.

    A process waits for its threads, and a thread may wait for ever: for an object store that answers a byte a second no
    time limit of a single read ever passes. By then everything is acknowledged or given back: nobody needs the answer.
    """
    timer = threading.Timer(seconds, _end)
    timer.daemon = True
    timer.start()


def _end() -> None:
    sys.stdout.flush()
    os._exit(0)
