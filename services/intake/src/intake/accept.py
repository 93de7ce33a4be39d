"""May this package enter? The decision of intake, pure: everything it needs to know comes in as arguments.

0. Nothing in its header or in its files' names marks it secret (R9, R19): such a package is not even stored.
1. The sender named in the package is the unit whose user submitted it (R7, R14).
2. That unit is open on the day (R16).
3. Dates are not in the future.
4. What the package is about was accepted earlier from the right issuer; if not, it waits for that.
5. A document of its own bears a DocumentId that no other package holds (R32); same bytes never come here.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass
from datetime import date

from common.domain import ids
from common.domain.directory import Unit
from common.domain.envelope import Message
from common.domain.names import PackageKind, UnitCode
from common.domain.outcome import Refused
from common.domain.reason import Reason
from common.domain.security import SecurityKind
from common.edxml import check_dates
from common.secrecy import Mark
from intake.order import Place
from intake.record import document_id_of

BY_DIRECTORY = (SecurityKind.FROM_MISMATCH, SecurityKind.CLOSED_UNIT)
"""Kinds of the refusals that another version of the directory may take away."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """The package may enter, and is recorded under this document."""

    subject: str
    """Document key."""
    place: Place | None = None
    """Taken already: with the claim on a DocumentId that nobody had claimed, or with the claims that were read."""


@dataclass(frozen=True, slots=True)
class Awaits:
    """The package may enter once a document has come which it is about."""

    documents: tuple[str, ...]
    """Document keys that are not known."""
    needs_all: bool
    """All of them must come, not one."""
    detail: str


@dataclass(frozen=True, slots=True)
class Contested:
    """Another package holds the DocumentId. The trunk may still refuse that one, and then this one may enter."""

    holder: str
    """Its package id."""
    refused: Refused
    """The answer if it is not refused."""


def secret(mark: Mark | None) -> Refused | None:
    """Step 0."""
    return Refused(Reason.E_SECRET, str(mark), SecurityKind.SECRET_CONTENT) if mark else None


def admit(
    message: Message, unit: Unit, today: date, known: Sequence[str], units: Container[UnitCode] = ()
) -> Admitted | Awaits | Refused:
    """Steps 1 to 4. ``known``: document keys, of those the package is about, that were accepted earlier; ``units``:
    codes of all units, by which an attempt upon another unit's document is recognised."""
    if message.sender.code != unit.code:
        detail = f"From is {message.sender.code}, submitted by the user of {unit.code}"
        return Refused(Reason.E_FROM, detail, SecurityKind.FROM_MISMATCH)
    if not unit.is_open(today):
        return Refused(Reason.E_FROM, f"{unit.code} is closed since {unit.valid_to}", SecurityKind.CLOSED_UNIT)
    if refused := check_dates(message, today):
        return refused
    return _subject(message, known, units)


def _subject(message: Message, known: Sequence[str], units: Container[UnitCode]) -> Admitted | Awaits | Refused:
    about = {ids.document_key(*document): document for document in ids.concerned_documents(message)}
    missing = {key: document for key, document in about.items() if key not in known}
    needs_all = message.kind is PackageKind.REPLACE
    if missing and (needs_all or len(missing) == len(about)):
        issuer, document_id = next(iter(missing.values()))
        named = document_id.partition(",")[0]
        detail = f"no document {document_id} of {issuer} was accepted"
        if issuer == message.sender.code != named and named in units:
            return Refused(Reason.E_REFDOC, detail, SecurityKind.FOREIGN_STATUS)
        return Awaits(tuple(missing), needs_all, detail)
    if ids.claims_document_id(message) or not about:
        return Admitted(ids.document_key(message.sender.code, document_id_of(message)))
    return Admitted(next(key for key in about if key in known))


def settle_claim(package_id: str, holder: str, *, is_decided: bool = True) -> Refused | Contested | None:
    """Step 5: ``holder`` is the package that holds the DocumentId now; ``is_decided``: nobody refuses it any more.

    The refusal names that package and its receipt: often the bytes are a rebuild by a sender that missed the answer.
    """
    if holder == package_id:
        return None
    refused = Refused(Reason.E_DUP, f"gói tin {holder}, biên nhận {ids.event_id(holder, 'receipt')}")
    return refused if is_decided else Contested(holder, refused)
