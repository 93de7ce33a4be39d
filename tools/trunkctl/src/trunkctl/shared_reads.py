"""Reads of objects that many records share: each once, however many records rest on it."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import Future
from typing import TypeVar, cast

from archive.kept import EVIDENCE
from trunkctl.archive_check import Stores, Version, VersionContent
from trunkctl.store_patience import Unreadable

REMEMBERED = 50_000
"""Answers, of about 1 KB each: those about the lists of some years. The one that was not asked for longest goes."""

T = TypeVar("T")


class SharedReads:
    """``archive_check.Stores``, which asks another one. Safe for several threads."""

    def __init__(self, store: Stores, remembered: int = REMEMBERED) -> None:
        self._store = store
        self._limit = remembered
        self._answers: OrderedDict[Hashable, Future[object]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, bucket: str) -> Stores:
        """Another bucket, which holds nothing that records share."""
        return self._store.of(bucket)

    def versions_of(self, key: str) -> Sequence[Version]:
        """See ``archive_check.Stores``."""
        return self._once(key, ("versions of", key), lambda: self._store.versions_of(key))

    def versions(self, folder: str) -> Mapping[str, Sequence[Version]]:
        """See ``archive_check.Store``."""
        return self._once(folder, ("versions", folder), lambda: self._store.versions(folder))

    def held(self, key: str, version_id: str, *, with_data: bool = False) -> VersionContent | None:
        """See ``archive_check.Store``."""
        question = ("held", key, version_id, with_data)
        return self._once(key, question, lambda: self._store.held(key, version_id, with_data=with_data))

    def _once(self, place: str, question: Hashable, ask: Callable[[], T]) -> T:
        """Ask, or wait for whoever asks the same. What was raised is raised again."""
        if not place.startswith(f"{EVIDENCE}/"):
            return ask()
        with self._lock:
            answer = self._answers.get(question)
            is_first = answer is None
            answer = self._answers.setdefault(question, Future()) if answer is None else answer
            self._answers.move_to_end(question)
            if len(self._answers) > self._limit:
                self._answers.popitem(last=False)
        if is_first:
            try:
                answer.set_result(ask())
            except Unreadable as error:
                answer.set_result(str(error))
                raise
            except BaseException as error:  # whoever waits must not wait for ever
                answer.set_exception(error)
        result = answer.result()
        if isinstance(result, str):  # an exception that is raised again and again grows with every frame that it passes
            raise Unreadable(result)
        return cast("T", result)
