"""``trunkctl units``: brings a unit directory file into the trunk."""

import asyncio
import re
from datetime import date
from pathlib import Path

from common.directory import CURRENT, read_directory
from common.domain.directory import Directory, Unit
from common.domain.names import UnitCode
from common.objects import DIRECTORY, ObjectMissing, Objects
from common.topology import SERVICES
from trunkctl.settings import ControlSettings
from trunkctl.trouble import Trouble

UNIT_CODE = re.compile(r"^[0-9A-Za-z][0-9A-Za-z.]{1,33}[0-9A-Za-z]$")
FINGERPRINT = re.compile(r"^[0-9a-f]{64}$")
RESERVED = {*SERVICES, "operator", "guest", "admin"}
NONE_YET = "There is no unit directory yet: `trunkctl units import FILE` brings one in."


def problems(directory: Directory) -> list[str]:
    """Why this directory must not be used; empty = fine."""
    return [
        *(f"{code}: not a unit code" for code in directory.units if not UNIT_CODE.match(code)),
        *(f"{u.code}: ends like an urgent key" for u in directory.units.values() if u.code.endswith(".urgent")),
        *(f"{u.code}: user {u.user} is reserved" for u in directory.units.values() if u.user in RESERVED),
        *_shared_users(directory),
        *(
            f"{u.code}: certificate {certificate.sha256} is no SHA-256 in 64 small hex digits"
            for u in directory.units.values()
            for certificate in u.certificates
            if not FINGERPRINT.match(certificate.sha256)
        ),
        *(
            f"{u.code}: {field} {code} is not in the directory"
            for u in directory.units.values()
            for field, code in (("parent", u.parent), ("successor", u.successor))
            if code and code not in directory.units
        ),
    ]


def _shared_users(directory: Directory) -> list[str]:
    users = [unit.user for unit in directory.units.values()]
    return [f"user {user} speaks for several units" for user in sorted(set(users)) if users.count(user) > 1]


def import_file(objects: Objects, path: Path) -> Directory:
    """Store the file as a version and as the current directory. Raises ``ValueError`` naming every problem."""
    data = path.read_bytes()
    directory = read_directory(data)
    if found := problems(directory):
        raise ValueError("\n".join(found))
    asyncio.run(objects.put(DIRECTORY, f"versions/{directory.version}.json", data, "application/json"))
    asyncio.run(objects.put(DIRECTORY, CURRENT, data, "application/json"))
    return directory


def current_file(objects: Objects) -> bytes:
    """The file in force. Raises ``Trouble`` before the first import."""
    try:
        return asyncio.run(objects.get_key(DIRECTORY, CURRENT))
    except ObjectMissing as error:
        raise Trouble(NONE_YET) from error


def current(objects: Objects) -> Directory:
    """The directory in force; empty before the first import."""
    try:
        return read_directory(asyncio.run(objects.get_key(DIRECTORY, CURRENT)))
    except ObjectMissing:
        return Directory([])


def in_force(settings: ControlSettings) -> Directory:
    """The directory of a file that the settings name, else the one in force. Raises ``Trouble`` when there is none."""
    if settings.directory_file and settings.directory_file.exists():
        return from_file(settings.directory_file)
    directory = current(Objects(settings))
    if not directory.units:
        raise Trouble(NONE_YET)
    return directory


def known_to(settings: ControlSettings) -> Directory:
    """The directory, or an empty one for a unit's own session, which has a broker address and nothing else."""
    return in_force(settings) if settings.directory_file or settings.s3_access_key.get_secret_value() else Directory([])


def speaker(settings: ControlSettings, directory: Directory, code: UnitCode) -> Unit:
    """The unit for which a session speaks; without a directory, the one of the session's own broker user."""
    if directory.units:
        return named(directory, code)
    return unlisted(code, broker_user=settings.own_user)


def unlisted(code: UnitCode, broker_user: str = "") -> Unit:
    """A unit of which nothing but the code is known here; the trunk decides whether it exists."""
    return Unit(code=code, name="", valid_from=date.min, broker_user=broker_user)


def named(directory: Directory, code: UnitCode) -> Unit:
    """The unit of that code, open or closed. Raises ``Trouble``."""
    unit = directory.unit(code)
    if unit is None:
        raise Trouble(f"{code} is not in the unit directory.")
    return unit


def from_file(path: Path) -> Directory:
    """The directory of a file. Raises ``Trouble`` when there is none in it."""
    try:
        return read_directory(path.read_bytes())
    except (OSError, ValueError) as error:
        raise Trouble(f"{path} is no unit directory: {error}") from error
