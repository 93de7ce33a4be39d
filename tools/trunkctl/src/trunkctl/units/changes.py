"""What differs between two versions of the directory, and whether it needs a second person: pure.

A change that decides who may do or learn something takes effect only after a second person has confirmed it (R38).
That is all but names, which are there for people only.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from common.domain.directory import Certificate, Contact, Directory, Unit
from common.domain.names import Sha256, UnitCode


class Effect(StrEnum):
    """What a change does to a unit."""

    ADDED = "added"
    REMOVED = "removed"
    CLOSED = "closed"
    """It ends, or ends earlier."""
    RIGHTS = "rights"
    """Who speaks for it, by which user, with which certificates, on which days, and who succeeds it."""
    CONTACT = "contact"
    """Where word of its documents goes, and the key by which its system knows the trunk."""
    NAME = "name"
    """What it is called."""


CONFIRMED = frozenset(Effect) - {Effect.NAME}
"""Effects that wait for a second person."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference, as it is shown to people. No secret stands in it."""

    unit: UnitCode
    effect: Effect
    text: str

    def __str__(self) -> str:
        return f"{self.unit}  ({self.effect})  {self.text}"


def compare(before: Directory, after: Directory) -> tuple[Change, ...]:
    """Every difference, by unit."""
    changes: list[Change] = []
    for code in sorted(before.units.keys() | after.units.keys()):
        old, new = before.unit(code), after.unit(code)
        if old and new:
            changes += _changed(old, new)
        elif new:
            changes += _added(new)
        elif old:
            changes.append(Change(code, Effect.REMOVED, f"{old.name}, with {_certificates(len(old.certificates))}"))
    return tuple(changes)


def needs_second_person(changes: Iterable[Change]) -> bool:
    """Whether any of these changes takes effect only after a second person has confirmed it."""
    return any(change.effect in CONFIRMED for change in changes)


def newly_shared(before: Directory, after: Directory) -> dict[Sha256, tuple[UnitCode, ...]]:
    """Certificates that come to be registered for more than one unit, and for which (R18)."""
    shared, known = _shared(after), _shared(before)
    return {sha256: codes for sha256, codes in shared.items() if codes != known.get(sha256)}


def _shared(directory: Directory) -> dict[Sha256, tuple[UnitCode, ...]]:
    holders: dict[Sha256, set[UnitCode]] = defaultdict(set)
    for unit in directory.units.values():
        for certificate in unit.certificates:
            holders[certificate.sha256].add(unit.code)
    return {sha256: tuple(sorted(codes)) for sha256, codes in sorted(holders.items()) if len(codes) > 1}


def _added(unit: Unit) -> Iterator[Change]:
    text = f"{unit.name}, user {unit.user} by {unit.broker_login}, {_period(unit.valid_from, unit.valid_to)}"
    yield Change(unit.code, Effect.ADDED, text)
    yield from (Change(unit.code, Effect.RIGHTS, f"certificate added: {_described(c)}") for c in unit.certificates)
    for name, value in _contact(unit.contact).items():
        if value:
            yield Change(unit.code, Effect.CONTACT, f"{name} {_value(name, value)}")


def _changed(old: Unit, new: Unit) -> Iterator[Change]:
    yield from _validity(old, new)
    for field, effect in FIELDS.items():
        was, now = getattr(old, field), getattr(new, field)
        if was != now:
            yield Change(new.code, effect, f"{field} {_value(field, was)} becomes {_value(field, now)}")
    for name, value in _contact(new.contact).items():
        before = _contact(old.contact)[name]
        if before != value:
            yield Change(new.code, Effect.CONTACT, f"{name} {_value(name, before)} becomes {_value(name, value)}")
    yield from _certificate_changes(old, new)


FIELDS = {
    "name": Effect.NAME,
    "parent": Effect.NAME,
    "valid_from": Effect.RIGHTS,
    "successor": Effect.RIGHTS,
    "user": Effect.RIGHTS,
    "broker_login": Effect.RIGHTS,
}
"""Attributes of a unit that are compared as they are. ``tests/trunkctl/units`` holds this against the class."""


def _validity(old: Unit, new: Unit) -> Iterator[Change]:
    if old.valid_to == new.valid_to:
        return
    closes = new.valid_to is not None and (old.valid_to is None or new.valid_to < old.valid_to)
    effect = Effect.CLOSED if closes else Effect.RIGHTS
    was = f"was open until {old.valid_to}" if old.valid_to else "had no end"
    now = f"last day {new.valid_to}" if new.valid_to else "has no end any more"
    yield Change(new.code, effect, f"{now}; it {was}")


def _certificate_changes(old: Unit, new: Unit) -> Iterator[Change]:
    """By what counts, so that another holder's name alone is a matter of names."""
    was, now = _by_meaning(old.certificates), _by_meaning(new.certificates)
    for meaning in sorted(was.keys() - now.keys()):
        yield Change(new.code, Effect.RIGHTS, f"certificate withdrawn: {_described(was[meaning])}")
    for meaning in sorted(now.keys() - was.keys()):
        yield Change(new.code, Effect.RIGHTS, f"certificate added: {_described(now[meaning])}")
    for meaning in sorted(now.keys() & was.keys()):
        if was[meaning].holder != now[meaning].holder:
            text = f"holder of certificate {now[meaning].sha256} becomes {now[meaning].holder!r}"
            yield Change(new.code, Effect.NAME, text)


def _by_meaning(certificates: Iterable[Certificate]) -> dict[tuple[str, str, date, date], Certificate]:
    return {(c.sha256, c.role.value, c.valid_from, c.valid_to or date.max): c for c in certificates}


def _contact(contact: Contact) -> dict[str, str | None]:
    return {name: getattr(contact, name) for name in ("email", "webhook_url", "webhook_secret")}


def _described(certificate: Certificate) -> str:
    period = _period(certificate.valid_from, certificate.valid_to)
    return f"{certificate.sha256} as {certificate.role}, {period}, {certificate.holder or 'no holder named'}"


def _period(first: date, last: date | None) -> str:
    return f"{first} to {last}" if last else f"from {first}"


def _value(field: str, value: object) -> str:
    if value in (None, ""):
        return "(none)"
    return "(secret)" if field == "webhook_secret" else str(value)


def _certificates(count: int) -> str:
    return f"{count} certificate{'' if count == 1 else 's'}"
