"""Free ports on loopback: a block for each checkout, so that two of them do not meet."""

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

LOOPBACK = "127.0.0.1"
# Below the range from which the kernel gives ports to clients (32768 and up on Linux).
FIRST_PORT = 20_000
BLOCK_SIZE = 20
BLOCKS = 600


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
    """The first block with every port free, for the checkout that keeps its data in `state_dir`."""
    for block in blocks(state_dir):
        if all(map(free, block)):
            return block
    raise OSError(f"no {BLOCK_SIZE} free ports in a row between {FIRST_PORT} and 32000")
