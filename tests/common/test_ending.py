"""A process that has drained ends even if one of its threads waits for a server that never answers."""

import subprocess
import sys

STUCK = """
import asyncio, threading
from common.containment import in_thread
from common.service.ending import end_within

async def serve():
    reading = asyncio.create_task(in_thread(threading.Event().wait))
    await asyncio.sleep(0)
    reading.cancel()
    print("drained")
    end_within(0.1)

asyncio.run(serve())
"""


def test_a_thread_that_never_ends_holds_up_no_exit() -> None:
    ended = subprocess.run([sys.executable, "-c", STUCK], capture_output=True, text=True, timeout=60.0)
    assert (ended.returncode, ended.stdout) == (0, "drained\n"), ended.stderr
