"""The unit directory as services read it: one immutable file in the object store, asked for again by timer.

``trunkctl units import`` writes the file; its SHA-256 is the directory's version and stands in every verdict.
"""

import asyncio
import contextlib
import hashlib
import logging
from datetime import UTC, datetime

from pydantic import BaseModel, TypeAdapter, ValidationError

from common.domain.directory import Directory, Unit
from common.domain.reason import Reason
from common.failure import Transient
from common.objects import DIRECTORY, ObjectMissing, Objects

CURRENT = "current"

log = logging.getLogger(__name__)


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
        self._refresh_seconds = refresh_seconds
        self._current: Directory | None = None
        self._task: asyncio.Task[None] | None = None
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
        self._task = asyncio.create_task(self._keep_fresh())

    async def stop(self) -> None:
        """End the refreshing."""
        if self._task:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _keep_fresh(self) -> None:
        while True:
            try:
                await self.refresh()
            except (Transient, ValidationError) as error:
                log.warning("unit directory not refreshed: %s", error)
            await asyncio.sleep(self._refresh_seconds if self._current else 1.0)
