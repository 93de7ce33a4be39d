"""The entries of a revocation list (RFC 5280 §5.1.2.6, §5.3), in one pass: there may be a hundred thousand."""

from dataclasses import dataclass, field
from datetime import datetime

from common.containment import Unusable, raising_unusable
from validator.cms import ber
from validator.cms.ber import Element
from validator.cms.certificate import read_extensions
from validator.cms.general_names import read_general_name
from validator.cms.names import Name
from validator.policy import CmsLimits

REASON_CODE, INVALIDITY_DATE, CERTIFICATE_ISSUER = "2.5.29.21", "2.5.29.24", "2.5.29.29"
UNDERSTOOD = frozenset({REASON_CODE, INVALIDITY_DATE, CERTIFICATE_ISSUER})
HOLD, REMOVED = 6, 8
"""Reason codes (§5.3.1)."""


@dataclass(frozen=True, slots=True)
class EntryNote:
    """What the extensions of an entry say."""

    reason: int = 0
    invalid_since: datetime | None = None
    issuer: Name | None = None
    """The entry and those that follow are about certificates of this issuer."""
    obstacle: str = ""


PLAIN = EntryNote()
OF_UNKNOWN_ISSUER = EntryNote(obstacle="an entry whose issuer is not readable")
"""This entry and those that follow may be about anybody's certificates: they name none, and the list cannot be relied
on."""
CERTIFICATE_ISSUER_DER = b"\x06\x03\x55\x1d\x1d"


@dataclass(slots=True)
class ReadEntries:
    """The entries by issuer."""

    own: dict[int, tuple[int, bool]] = field(default_factory=dict)
    others: dict[str, dict[int, tuple[int, bool]]] = field(default_factory=dict)
    lifted: set[tuple[str, int]] = field(default_factory=set)
    """Entries that are taken back: key of the issuer's name, and serial number."""
    obstacle: str = ""
    are_all_read: bool = True
    """There is no entry whose serial number cannot be read."""
    have_owners: bool = True
    """There is no entry of which nobody knows whose certificate it is about."""


def read_entries(revoked: Element, issuer: Name) -> ReadEntries:
    """All entries, as far as they can be read: none of them takes another one along.

    An entry whose date cannot be read is revoked since ever. One whose extensions cannot be read counts as revoked,
    unless they may name the issuer: then it is nobody's.
    """
    read = ReadEntries()
    seconds: dict[bytes, int] = {}
    notes: dict[bytes, EntryNote] = {b"": PLAIN}
    data, limits = revoked.data, revoked.limits
    at, until = revoked.inside, revoked.until
    target: dict[int, tuple[int, bool]] = read.own
    owner: Name | None = issuer
    while at < until:
        try:
            inside, at = _span(data, at, until)
        except ValueError:
            read.are_all_read = False  # where the next one begins is not known
            break
        try:
            number_at, number_end = _span(data, inside, at, ber.INTEGER)
        except ValueError:
            read.are_all_read = False
            continue
        serial = int.from_bytes(data[number_at:number_end], "big", signed=True)
        time_end = _end(data, number_end, at)
        raw_time = data[number_end:time_end]
        if (since := seconds.get(raw_time)) is None:
            since = seconds[raw_time] = _seconds(raw_time, limits)
        raw_note = data[time_end:at]
        if (note := notes.get(raw_note)) is None:
            note = notes[raw_note] = _note(raw_note, limits)
        read.obstacle = read.obstacle or note.obstacle
        if note is OF_UNKNOWN_ISSUER:
            owner = None
        elif note.issuer is not None:
            owner = note.issuer
            target = read.own if owner == issuer else read.others.setdefault(owner.key, {})
        if owner is None:
            read.have_owners = False
            continue
        if note.reason == REMOVED:
            read.lifted.add((owner.key, serial))
            continue
        if note.invalid_since is not None:
            since = min(since, int(note.invalid_since.timestamp()))
        on_hold = note.reason == HOLD
        if (before := target.get(serial)) is not None:  # listed twice: what is for good counts, from the earlier date
            since, on_hold = min(since, before[0]), on_hold and before[1]
        target[serial] = (since, on_hold)
    return read


def _seconds(raw_time: bytes, limits: CmsLimits) -> int:
    """Seconds since 1970; 0 where the date cannot be read: revoked since ever."""
    try:
        return int(ber.read_element(raw_time, limits).time().timestamp())
    except ValueError:
        return 0


def _end(data: bytes, at: int, until: int) -> int:
    """The end of the element at ``at``, or of what holds it where there is none."""
    try:
        return _span(data, at, until, None)[1]
    except ValueError:
        return until


def _span(data: bytes, at: int, until: int, tag: int | None = ber.SEQUENCE) -> tuple[int, int]:
    """Begin and end of the content of the element at ``at``. Raises ``ValueError``."""
    if at + 2 > until or (tag is not None and data[at] != tag):
        raise ValueError("entry of a list not readable")
    length, inside = data[at + 1], at + 2
    if length >= ber.INDEFINITE:
        digits = length & ~ber.INDEFINITE
        length = int.from_bytes(data[inside : inside + digits], "big")
        inside += digits
        if not 0 < digits <= ber.LENGTH_DIGITS:
            raise ValueError("entry of a list not readable")
    if inside + length > until:
        raise ValueError("entry of a list not readable")
    return inside, inside + length


def _note(raw: bytes, limits: CmsLimits) -> EntryNote:
    try:
        with raising_unusable():
            return _read_note(raw, limits)
    except Unusable:
        return OF_UNKNOWN_ISSUER if CERTIFICATE_ISSUER_DER in raw else PLAIN


def _read_note(raw: bytes, limits: CmsLimits) -> EntryNote:
    extensions = read_extensions(ber.read_whole(raw, limits))
    values = {kind: ber.read_element(each.value, limits) for kind, each in extensions.items() if kind in UNDERSTOOD}
    unknown = [kind for kind, each in extensions.items() if each.critical and kind not in UNDERSTOOD]
    issuer = None
    if CERTIFICATE_ISSUER in values:
        names = (read_general_name(each).value for each in values[CERTIFICATE_ISSUER])
        issuer = next(name for name in names if isinstance(name, Name))
    return EntryNote(
        reason=values[REASON_CODE].expect(ber.ENUMERATED).integer() if REASON_CODE in values else 0,
        invalid_since=values[INVALIDITY_DATE].time() if INVALIDITY_DATE in values else None,
        issuer=issuer,
        obstacle=f"critical extension {unknown[0]} in an entry" if unknown else "",
    )
