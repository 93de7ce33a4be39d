"""The error of a command: what is wrong, and what the person who typed it can do."""

from collections.abc import Iterator
from contextlib import contextmanager


class CommandError(Exception):
    """One sentence that says what is wrong and what to do about it; the command ends with exit code 1."""


@contextmanager
def workers_needed() -> Iterator[None]:
    """Raises ``CommandError`` if the worker processes that examine documents do not start, or end."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        raise CommandError(f"The worker processes did not start or ended: {error}. Is there memory left?") from error
