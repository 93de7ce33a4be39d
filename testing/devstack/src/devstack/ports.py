"""Free ports on loopback: a block for each checkout, so that two of them do not meet."""

import fcntl
import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from devstack import cache

LOOPBACK = "127.0.0.1"
# Below the range from which the kernel gives ports to clients (32768 and up on Linux).
FIRST_PORT = 20_000
BLOCK_SIZE = 20
BLOCKS = 600

_chosen: dict[int, tuple[Path, IO[str]]] = {}
"""First ports of the blocks that this process has chosen: for which folder, and the lock that says so to others."""


def free(port: int) -> bool:
    """Whether a server could listen on this port of loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def answers(port: int, host: str = LOOPBACK, timeout_seconds: float = 1.0) -> bool:
    """Whether something accepts connections there."""
    try:
        socket.create_connection((host, port), timeout_seconds).close()
    except OSError:
        return False
    return True


def blocks(state_dir: Path) -> Iterator[range]:
    """All blocks of ports, beginning with the one that the folder's path stands for."""
    first = int(hashlib.sha256(str(state_dir).encode()).hexdigest(), 16) % BLOCKS
    for step in range(BLOCKS):
        begin = FIRST_PORT + (first + step) % BLOCKS * BLOCK_SIZE
        yield range(begin, begin + BLOCK_SIZE)


def free_block(state_dir: Path) -> range:
    """The first block with every port free, for the checkout that keeps its data in `state_dir`.

    While this process runs, no other process chooses the same block: until a server listens, its ports look free.
    """
    for block in blocks(state_dir):
        if all(map(free, block)) and _choose(block, state_dir):
            return block
    raise OSError(f"no {BLOCK_SIZE} free ports in a row between {FIRST_PORT} and 32000")


def _choose(block: range, state_dir: Path) -> bool:
    """Whether nobody has chosen the block for another folder."""
    if block.start in _chosen:
        return _chosen[block.start][0] == state_dir
    path = cache.root() / "ports" / str(block.start)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return False
    _chosen[block.start] = state_dir, lock
    return True
