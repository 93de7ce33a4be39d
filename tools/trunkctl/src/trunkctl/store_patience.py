"""How commands ask an object store: an object is asked for more than once, and one that the store does not give is a
fault of that object. Only a store that is away, or refuses the keys, ends a command."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from common.objects import STORE_ERRORS

T = TypeVar("T")

TRIES_AFTER_SECONDS = (0.0, 0.5, 2.0)
PATIENCE_SECONDS = 60.0
"""So long one run waits in vain, for all objects together; from then on each is asked for once."""
NOT_OURS_TO_ASK = {"AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch"}
"""Wrong keys are no fault of an object."""


class NoAnswer(Exception):
    """The store is away, or refuses these keys: nothing can be said about any object."""


class Unreadable(Exception):
    """The store answers, and does not give this object."""


@dataclass(slots=True)
class Patience:
    """What is left of it, for everything that a run asks of its stores. Safe for several threads."""

    seconds: float = PATIENCE_SECONDS

    def ask(self, place: str, ask: Callable[[], T], is_answering: Callable[[], object]) -> T:
        """The result of ``ask``, which is called again if the store's client fails.

        ``is_answering``: asks the store for something that it always gives, and fails as the client does. Raises
        ``Unreadable`` if the store answers that, otherwise ``NoAnswer``, which names ``place``.
        """
        waited_seconds = 0.0
        for pause in TRIES_AFTER_SECONDS:
            if pause and pause > self.seconds:
                break
            time.sleep(pause)
            waited_seconds += pause
            try:
                return ask()
            except STORE_ERRORS as error:
                last = named(error)
                if last in NOT_OURS_TO_ASK:
                    break
        self.seconds -= waited_seconds
        if last in NOT_OURS_TO_ASK:
            raise NoAnswer(f"{place}: {last}")
        try:
            is_answering()
        except STORE_ERRORS:
            raise NoAnswer(f"{place}: {last}") from None
        raise Unreadable(last)


def named(error: Exception) -> str:
    """What the store's client raised, in a word."""
    return str(getattr(error, "code", None) or type(error).__name__)
