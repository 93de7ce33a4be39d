"""Finds units in the directory in force, or in a file that the settings name."""

import asyncio
from datetime import date
from pathlib import Path

from common.directory import CURRENT, read_directory
from common.domain.directory import Directory, Unit
from common.domain.names import UnitCode
from common.objects import DIRECTORY, ObjectMissing, Objects
from trunkctl.command_error import CommandError
from trunkctl.settings import ControlSettings

NONE_YET = "There is no unit directory yet: `trunkctl units import FILE` brings one in."


def current(objects: Objects) -> Directory:
    """The directory in force; empty before the first import."""
    try:
        return read_directory(asyncio.run(objects.get_key(DIRECTORY, CURRENT)))
    except ObjectMissing:
        return Directory([])


def in_force(settings: ControlSettings) -> Directory:
    """The directory in the settings' file, else the one in force. Raises ``CommandError`` if neither exists."""
    if settings.directory_file and settings.directory_file.exists():
        return from_file(settings.directory_file)
    directory = current(Objects(settings))
    if not directory.units:
        raise CommandError(NONE_YET)
    return directory


def known_to(settings: ControlSettings) -> Directory:
    """The directory, or an empty one for a unit's own session, which has a broker address and nothing else."""
    return in_force(settings) if settings.directory_file or settings.s3_access_key.get_secret_value() else Directory([])


def speaker(settings: ControlSettings, directory: Directory, code: UnitCode) -> Unit:
    """The unit of a session; without a directory, the unit named like the session's broker user."""
    if directory.units:
        return named(directory, code)
    return unlisted(code, broker_user=settings.own_user)


def unlisted(code: UnitCode, broker_user: str = "") -> Unit:
    """A unit of which only the code is known here; the trunk decides whether it exists."""
    return Unit(code=code, name="", valid_from=date.min, broker_user=broker_user)


def named(directory: Directory, code: UnitCode) -> Unit:
    """The unit of that code, open or closed. Raises ``CommandError``."""
    unit = directory.unit(code)
    if unit is None:
        raise CommandError(f"{code} is not in the unit directory.")
    return unit


def from_file(path: Path) -> Directory:
    """The directory of a file. Raises ``CommandError`` when there is none in it."""
    try:
        return read_directory(path.read_bytes())
    except (OSError, ValueError) as error:
        raise CommandError(f"{path} is no unit directory: {error}") from error
