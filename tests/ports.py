"""Ports for servers that tests start, stop and start again on the same port."""

import random
import socket
from collections.abc import Iterator

FIRST, LAST = 10_000, 19_999
"""Below those that the kernel gives to clients (32768 and up on Linux) and those of the servers of a checkout.

A port that the kernel has chosen is free for a moment only: while its server is away, the kernel may give it to any
client on this machine, and the server cannot come back.
"""


def free_ports(count: int) -> list[int]:
    """Ports of loopback, apart from each other, on which nobody listens and which no client is given."""
    free = _free()
    return [next(free) for _ in range(count)]


def _free() -> Iterator[int]:
    for port in random.SystemRandom().sample(range(FIRST, LAST + 1), LAST + 1 - FIRST):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        yield port
