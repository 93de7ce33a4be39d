"""Names of the files of a log, besides its tiles."""

CHECKPOINT = "checkpoint"
"""The newest checkpoint, with the name that C2SP tlog-tiles gives it. Each is a version of this object."""
BATCH_CHECKPOINTS = "checkpoints/"
"""Beginning of the names of all checkpoints. Each is named by the size of the log before its batch, so that no two can
continue the log at the same place."""


def batch_checkpoint(start: int) -> str:
    """Name of the checkpoint of the batch that begins at ``start``. It has sixteen digits, so that names sort like
    numbers."""
    return f"{BATCH_CHECKPOINTS}{start:016d}"


def start_of(path: str) -> int | None:
    """Where the batch begins whose checkpoint has this name; None = it is not such a name."""
    folder, number = path[: len(BATCH_CHECKPOINTS)], path[len(BATCH_CHECKPOINTS) :]
    is_one = folder == BATCH_CHECKPOINTS and len(number) == 16 and number.isascii() and number.isdigit()
    return int(number) if is_one else None
