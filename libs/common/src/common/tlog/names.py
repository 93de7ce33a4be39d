"""Names of a log's files besides its tiles."""

CHECKPOINT = "checkpoint"
"""The newest checkpoint, as C2SP tlog-tiles has it; each one is a version of this object."""
BATCH_CHECKPOINTS = "checkpoints/"
"""Beginning of the names of all checkpoints. Each lies under the size that the log had before its batch, so that no two
can continue the log at the same place."""


def batch_checkpoint(start: int) -> str:
    """Name of the checkpoint of the batch that begins there: sixteen digits, so that names sort like numbers."""
    return f"{BATCH_CHECKPOINTS}{start:016d}"


def start_of(path: str) -> int | None:
    """Where the batch of such a checkpoint begins; None = it is no such name."""
    folder, number = path[: len(BATCH_CHECKPOINTS)], path[len(BATCH_CHECKPOINTS) :]
    is_one = folder == BATCH_CHECKPOINTS and len(number) == 16 and number.isascii() and number.isdigit()
    return int(number) if is_one else None
