"""What goes wrong in a way that the person at the keyboard can put right."""

from collections.abc import Iterator
from contextlib import contextmanager


class Trouble(Exception):
    """One sentence that says what is wrong and what to do about it; the command ends with exit code 1."""


@contextmanager
def workers_needed() -> Iterator[None]:
    """Raises ``Trouble`` where the worker processes that look at documents do not start, or end."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        raise Trouble(f"The worker processes did not start or ended: {error}. Is there memory left?") from error
