"""The unit directory and the list of disabled units, as services read them: two objects, read again by a timer.

``trunkctl units`` writes both. The SHA-256 of the directory file is its version, which every verdict names.
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
"""Key of the list of disabled units. No object = no unit is disabled."""
FIRST_PAUSE_SECONDS = 1.0
"""Pause between two reads until a directory is loaded."""


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
    """The directory in the bytes of a file. Raises ``pydantic.ValidationError`` with every invalid field."""
    return Directory(_FILE.validate_json(data).units, version=hashlib.sha256(data).hexdigest())


async def read_disabled(objects: Objects) -> frozenset[UnitCode]:
    """The units that are disabled now. Raises ``Outage`` while the object store is unavailable, and
    ``pydantic.ValidationError`` for an invalid list."""
    try:
        return AccessFile.model_validate_json(await objects.get_key(DIRECTORY, ACCESS)).disabled
    except ObjectMissing:
        return frozenset()


class DirectoryReader:
    """Reads the newest directory and the disabled units, and keeps them in memory."""

    def __init__(self, objects: Objects, refresh_seconds: float) -> None:
        self._objects = objects
        self._current: Directory | None = None
        self._refresh_seconds = refresh_seconds
        self.disabled: frozenset[UnitCode] = frozenset()
        """Units whose submissions are not taken for now. What other units send them is delivered and waits."""
        self.read_at: datetime | None = None
        """When both objects were last read successfully, whether changed or not."""

    @property
    def current(self) -> Directory:
        """The directory as of the last refresh. Raises ``Outage`` before the first."""
        if self._current is None:
            raise Outage("unit directory", "not loaded")
        return self._current

    @property
    def is_loaded(self) -> bool:
        """Whether a directory has been loaded."""
        return self._current is not None

    async def refresh(self) -> None:
        """Read both objects. Raises ``Outage`` if there is no directory or the object store is unavailable, and
        ``pydantic.ValidationError`` for an invalid object.

        The disabled units are read first, so that no directory is used before they are known.
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
        """Read the directory again, before a refusal that rests on it becomes final.

        Raises ``Outage`` while the object store is unavailable, and also if the directory has changed, so that the
        message is decided again by the new version. So a replica that could not read the store for a while refuses
        nothing because of an old version. Raises ``Transient`` while the newest version is invalid: that is no fault of
        the message, and other messages are still handled.
        """
        before = (self.current.version, self.disabled)
        try:
            await self.refresh()
        except ValidationError as error:
            raise Transient(Reason.E_UNAVAILABLE, "the newest unit directory cannot be read") from error
        if (self.current.version, self.disabled) != before:
            raise Outage("unit directory", "has changed meanwhile")

    async def check(self) -> None:
        """Raises ``Outage`` until a directory is loaded."""
        _ = self.current

    def pause_seconds(self) -> float:
        """Pause until the next refresh."""
        return self._refresh_seconds if self._current else FIRST_PAUSE_SECONDS
