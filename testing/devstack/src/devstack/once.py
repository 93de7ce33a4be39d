"""A computation whose result several threads need, done by one of them."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Once(Generic[Result]):
    """Calls `work` at the first call; gives everybody its result, or raises its error again."""

    def __init__(self, work: Callable[[], Result]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._results: list[Result] = []
        self._error: Exception | None = None

    def __call__(self) -> Result:
        """The result; waits while another thread is at it."""
        with self._lock:
            if self._error is not None:
                raise self._error
            if not self._results:
                self._results.append(self._try())
            return self._results[0]

    def _try(self) -> Result:
        try:
            return self._work()
        except Exception as error:
            self._error = error
            raise
