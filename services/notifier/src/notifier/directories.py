"""The unit directory, confirmed before a notification is ended or left out because of it."""

from collections.abc import Callable
from typing import Protocol

from common.clock import loop_time
from common.domain.directory import Directory

CONFIRMED_FOR_SECONDS = 1.0
"""After a confirmation, the directory is not confirmed again for this long: most units have no contact, and each fact
about such a unit needs a confirmation."""


class Directories(Protocol):
    """Gives the unit directory in force (``common.directory.DirectoryReader``)."""

    @property
    def current(self) -> Directory:
        """The version that was loaded last."""

    async def confirm(self) -> None:
        """Make sure that ``current`` is the newest version. Raises ``Outage`` if it is not, or if that cannot be found
        out."""


class SparingDirectories:
    """``Directories`` that are confirmed at most once in ``CONFIRMED_FOR_SECONDS``."""

    def __init__(self, directories: Directories, seconds: Callable[[], float] = loop_time) -> None:
        self._directories = directories
        self._seconds = seconds
        self._confirmed_until = float("-inf")

    @property
    def current(self) -> Directory:
        """The version that was loaded last."""
        return self._directories.current

    async def confirm(self) -> None:
        """Make sure that ``current`` is the newest version, or was a moment ago."""
        began = self._seconds()
        if began >= self._confirmed_until:
            await self._directories.confirm()
            self._confirmed_until = began + CONFIRMED_FOR_SECONDS
