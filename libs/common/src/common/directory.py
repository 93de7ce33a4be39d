"""The unit directory as services read it, and which units are disabled: two objects, asked for again by timer.

``trunkctl units`` writes both. The SHA-256 of the directory file is its version, which stands in every verdict.
"""

import hashlib
from datetime import UTC, datetime

from pydantic import BaseModel, TypeAdapter, ValidationError

from common.domain.directory import Directory, Unit
from common.domain.names import UnitCode
from common.domain.reason import Reason
from common.failure import Outage, Transient
from common.objects import DIRECTORY, ObjectMissing, Objects

CURRENT = "current"
"""Key of the directory file in force."""
ACCESS = "access"
"""Key of the list of disabled units. Absent = none is."""
FIRST_PAUSE_SECONDS = 1.0
"""Between attempts until a directory is loaded."""


class DirectoryFile(BaseModel):
    """The file format: ``{"version": 1, "units": [...]}``."""

    version: int = 1
    units: list[Unit]


class AccessFile(BaseModel):
    """Units that may not use the trunk for now, whatever the directory says: ``{"version": 1, "disabled": [...]}``."""

    version: int = 1
    disabled: frozenset[UnitCode] = frozenset()


_FILE = TypeAdapter(DirectoryFile)


def read_directory(data: bytes) -> Directory:
    """Directory of a file's bytes. Raises ``pydantic.ValidationError`` with every wrong field."""
    return Directory(_FILE.validate_json(data).units, version=hashlib.sha256(data).hexdigest())


async def read_disabled(objects: Objects) -> frozenset[UnitCode]:
    """The units disabled now. Raises ``Outage`` when the store is away, ``pydantic.ValidationError`` for a bad list."""
    try:
        return AccessFile.model_validate_json(await objects.get_key(DIRECTORY, ACCESS)).disabled
    except ObjectMissing:
        return frozenset()


class DirectoryReader:
    """The newest directory and the units disabled now, kept in memory."""

    def __init__(self, objects: Objects, refresh_seconds: float) -> None:
        self._objects = objects
        self._current: Directory | None = None
        self._refresh_seconds = refresh_seconds
        self.disabled: frozenset[UnitCode] = frozenset()
        """Units from which nothing is taken for now. What others send them is delivered and waits."""
        self.read_at: datetime | None = None
        """When both objects were last read with success, changed or not."""

    @property
    def current(self) -> Directory:
        """The directory as of the last refresh. Raises ``Outage`` before the first."""
        if self._current is None:
            raise Outage("unit directory", "not loaded")
        return self._current

    @property
    def is_loaded(self) -> bool:
        """Whether there is a directory yet."""
        return self._current is not None

    async def refresh(self) -> None:
        """Read both objects. Raises ``Outage`` when there is no directory or the store is away.

        Who is disabled is read first: no directory counts before that is known.
        """
        self.disabled = await read_disabled(self._objects)
        try:
            data = await self._objects.get_key(DIRECTORY, CURRENT)
        except ObjectMissing as error:
            raise Outage("unit directory", "none was imported") from error
        if self._current is None or hashlib.sha256(data).hexdigest() != self._current.version:
            self._current = read_directory(data)
        self.read_at = datetime.now(UTC)

    async def confirm(self) -> None:
        """Before something is refused for good because of what the directory says: read it again.

        Raises ``Outage`` while the store is away, and also when the directory has changed, so that what was decided by
        the former one is decided again. A replica that could not read the store for a while refuses nothing by what it
        read before. Raises ``Transient`` while the newest cannot be understood: that is no fault of the message, and
        keeps nothing else from being handled.
        """
        before = (self.current.version, self.disabled)
        try:
            await self.refresh()
        except ValidationError as error:
            raise Transient(Reason.E_UNAVAILABLE, "the newest unit directory cannot be read") from error
        if (self.current.version, self.disabled) != before:
            raise Outage("unit directory", "has changed meanwhile")

    async def check(self) -> None:
        """Readiness: a directory is loaded."""
        _ = self.current

    def pause_seconds(self) -> float:
        """Seconds until the next refresh."""
        return self._refresh_seconds if self._current else FIRST_PAUSE_SECONDS
