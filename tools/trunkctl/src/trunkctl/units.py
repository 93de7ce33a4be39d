"""``trunkctl units``: brings a unit directory file into the trunk."""

import asyncio
import re
from pathlib import Path

from common.directory import CURRENT, read_directory
from common.domain.directory import Directory
from common.objects import DIRECTORY, ObjectMissing, Objects
from common.topology import SERVICES

UNIT_CODE = re.compile(r"^[0-9A-Za-z][0-9A-Za-z.]{1,33}[0-9A-Za-z]$")
RESERVED = {*SERVICES, "operator", "guest", "admin"}


def problems(directory: Directory) -> list[str]:
    """Why this directory must not be used; empty = fine."""
    return [
        *(f"{code}: not a unit code" for code in directory.units if not UNIT_CODE.match(code)),
        *(f"{u.code}: ends like an urgent key" for u in directory.units.values() if u.code.endswith(".urgent")),
        *(f"{u.code}: user {u.user} is reserved" for u in directory.units.values() if u.user in RESERVED),
        *_shared_users(directory),
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


def current(objects: Objects) -> Directory:
    """The directory in force; empty before the first import."""
    try:
        return read_directory(asyncio.run(objects.get_key(DIRECTORY, CURRENT)))
    except ObjectMissing:
        return Directory([])
