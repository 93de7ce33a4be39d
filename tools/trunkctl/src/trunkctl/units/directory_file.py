"""Reads a directory file that somebody wants to put into force, and says everything that is wrong with it.

Services read the same file tolerantly, since they may be older than it. Here a field that nobody knows is a mistake: a
misspelt ``valid_to`` would give a delegation no end.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields
from typing import Any

from common.directory import DirectoryFile, read_directory
from common.domain.canary import is_canary
from common.domain.directory import Certificate, Contact, Directory, Unit
from common.facts.flows import OPERATOR, SERVICES
from common.topology import READER
from trunkctl.command_error import CommandError

UNIT_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z.]{1,33}[0-9A-Za-z]")
FINGERPRINT = re.compile(r"[0-9a-f]{64}")
MAX_USER_BYTES = 255
FORMAT = 1
CANARY_CODES = "CANARY."
RESERVED = frozenset({*SERVICES, OPERATOR, READER, "guest", "admin"})
"""Broker users that are no units; the administrator of an installation may have another name."""

Raw = Mapping[str, Any]


def read_strictly(data: bytes, reserved: Collection[str] = RESERVED) -> Directory:
    """The directory of a file that may be put into force. Raises ``CommandError`` with one line for each problem."""
    try:
        directory = read_directory(data)
        raw = json.loads(data, object_pairs_hook=_members)
    except (ValueError, RecursionError) as error:
        raise CommandError(str(error)) from error
    wrong = [*_format(raw), *_unknown_fields(raw), *_repeated_codes(raw), *_hidden(raw), *problems(directory, reserved)]
    if wrong:
        raise CommandError("\n".join(wrong))
    return directory


def problems(directory: Directory, reserved: Collection[str] = RESERVED) -> list[str]:
    """Why this directory must not be used; empty = fine."""
    units = directory.units.values()
    return [
        *(f"{u.code}: not a unit code" for u in units if not UNIT_CODE.fullmatch(u.code)),
        *(f"{u.code}: ends like an urgent key" for u in units if u.code.endswith(".urgent")),
        *(f"{u.code}: user {u.user} is reserved" for u in units if u.user in reserved),
        *(f"{u.code}: {u.user!r} cannot be the name of a broker user" for u in units if not _is_user_name(u.user)),
        *_shared_users(directory),
        *_canary_problems(directory),
        *(f"{u.code}: valid_to is before valid_from" for u in units if u.valid_to and u.valid_to < u.valid_from),
        *(problem for u in units for c in u.certificates for problem in _certificate_problems(u, c)),
        *(
            f"{u.code}: {field} {code} is not in the directory"
            for u in units
            for field, code in (("parent", u.parent), ("successor", u.successor))
            if code and code not in directory.units
        ),
    ]


def _is_user_name(user: str) -> bool:
    return user.isprintable() and user == user.strip() and len(user.encode()) <= MAX_USER_BYTES


def _shared_users(directory: Directory) -> list[str]:
    users = Counter(unit.user for unit in directory.units.values())
    return [f"user {user} speaks for several units" for user in sorted(users) if users[user] > 1]


def _canary_problems(directory: Directory) -> Iterator[str]:
    """The canary is two units that nobody is told of and that nobody's documents reach."""
    for unit in directory.units.values():
        if unit.code.upper().startswith(CANARY_CODES) and not is_canary(unit.code):
            yield f"{unit.code}: codes that begin with {CANARY_CODES} are the canary's"
        if is_canary(unit.code) and unit.contact != Contact():
            yield f"{unit.code}: the canary has no contact"
        for field, code in (("parent", unit.parent), ("successor", unit.successor)):
            if code and is_canary(code):
                yield f"{unit.code}: {field} {code} is the canary"


def _certificate_problems(unit: Unit, certificate: Certificate) -> Iterator[str]:
    if not FINGERPRINT.fullmatch(certificate.sha256):
        yield f"{unit.code}: certificate {certificate.sha256} is no SHA-256 in 64 small hex digits"
    if certificate.valid_to and certificate.valid_to < certificate.valid_from:
        yield f"{unit.code}: certificate {certificate.sha256}: valid_to is before valid_from"


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The members of one JSON object. Raises ``ValueError`` when two have one name: only one of them would count."""
    names = Counter(name for name, _ in pairs)
    if twice := [name for name, count in names.items() if count > 1]:
        about = dict(pairs).get("code") or dict(pairs).get("sha256") or "the file"
        raise ValueError(f"{about}: field {', '.join(twice)} is given more than once")
    return dict(pairs)


def _format(raw: Raw) -> list[str]:
    version = raw.get("version", FORMAT)
    return [] if version == FORMAT else [f"the file: format {version} is not {FORMAT}"]


def _hidden(value: Any, where: str = "the file") -> Iterator[str]:
    """Texts that a terminal would not show as they are, so that nobody could confirm what he sees."""
    match value:
        case str() if not value.isprintable():
            yield f"{where}: {value!r} contains a character that is not shown"
        case dict():
            where = str(value.get("code", where)).encode("ascii", "backslashreplace").decode()
            for each in value.values():
                yield from _hidden(each, where)
        case list():
            for each in value:
                yield from _hidden(each, where)


def _unknown_fields(raw: Raw) -> Iterator[str]:
    yield from _beyond(raw, DirectoryFile.model_fields, "the file")
    for unit in raw["units"]:
        yield from _beyond(unit, _names(Unit), unit["code"])
        yield from _beyond(unit.get("contact") or {}, _names(Contact), f"{unit['code']}: contact")
        for certificate in unit.get("certificates") or ():
            yield from _beyond(certificate, _names(Certificate), f"{unit['code']}: certificate")


def _beyond(raw: Raw, known: Collection[str], where: str) -> list[str]:
    return [f"{where}: there is no field {name!r}" for name in raw if name not in known]


def _names(described: type[Unit] | type[Certificate] | type[Contact]) -> set[str]:
    return {field.name for field in fields(described)}


def _repeated_codes(raw: Raw) -> list[str]:
    codes = Counter(unit["code"] for unit in raw["units"])
    return [f"{code}: {count} entries" for code, count in codes.items() if count > 1]
