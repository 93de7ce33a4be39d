"""The unit directory as services read it: one immutable file in the object store, asked for again by timer.

``trunkctl units import`` writes the file; its SHA-256 is the directory's version and stands in every verdict.
"""

import hashlib
from datetime import UTC, datetime

from pydantic import BaseModel, TypeAdapter

from common.domain.directory import Directory, Unit
from common.domain.reason import Reason
from common.failure import Transient
from common.objects import DIRECTORY, ObjectMissing, Objects
from common.timer import Timer

CURRENT = "current"


class DirectoryFile(BaseModel):
    """The file format: ``{"version": 1, "units": [...]}``."""

    version: int = 1
    units: list[Unit]


_FILE = TypeAdapter(DirectoryFile)


def read_directory(data: bytes) -> Directory:
    """Directory of a file's bytes. Raises ``pydantic.ValidationError`` with every wrong field."""
    return Directory(_FILE.validate_json(data).units, version=hashlib.sha256(data).hexdigest())


class DirectoryReader:
    """The newest directory, kept in memory."""

    def __init__(self, objects: Objects, refresh_seconds: float) -> None:
        self._objects = objects
        self._current: Directory | None = None
        self._timer = Timer("refresh of the unit directory", self.refresh, lambda: self._pause(refresh_seconds))
        self.read_at: datetime | None = None
        """When the newest file was last read with success, changed or not."""

    @property
    def current(self) -> Directory:
        """The directory as of the last refresh. Raises ``Transient`` before the first."""
        if self._current is None:
            raise Transient(Reason.E_UNAVAILABLE, "unit directory not loaded", top_rung="1m")
        return self._current

    async def refresh(self) -> None:
        """Read the newest file. Raises ``Transient`` when there is none or the store is away."""
        try:
            data = await self._objects.get_key(DIRECTORY, CURRENT)
        except ObjectMissing as error:
            raise Transient(Reason.E_UNAVAILABLE, "no unit directory was imported", top_rung="1m") from error
        if self._current is None or hashlib.sha256(data).hexdigest() != self._current.version:
            self._current = read_directory(data)
        self.read_at = datetime.now(UTC)

    async def check(self) -> None:
        """Readiness: a directory is loaded."""
        _ = self.current

    async def start(self) -> None:
        """Load now if possible, then keep refreshing in the background."""
        await self._timer.start()

    async def stop(self) -> None:
        """End the refreshing."""
        await self._timer.stop()

    def _pause(self, refresh_seconds: float) -> float:
        return refresh_seconds if self._current else 1.0
