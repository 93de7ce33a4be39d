"""The decision of intake, whether a package may enter. Pure: everything it needs to know is an argument.

0. Nothing in its header or in the names of its files marks it secret (R9, R19). A secret package is not even stored.
1. The sender named in the package is the unit whose user submitted it (R7, R14).
2. That unit is open today (R16).
3. Its dates are not in the future.
4. The document that it is about was accepted earlier from the right issuer. If not, the package waits for it.
5. If it brings a document of its own, no other package holds that DocumentId (R32).

The same bytes of the same sender are answered before, with the saved decision, and never come here.
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
"""Refusals that rest on the unit directory, so that a newer version of it may decide otherwise."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """The package may enter, and is recorded under this document."""

    subject: str
    """Document key."""
    place: Place | None = None
    """Its place in the order of submission, if that was taken together with the claim on the DocumentId, or from the
    claims that were read; otherwise None, and the place is taken later."""


@dataclass(frozen=True, slots=True)
class Awaits:
    """The package may enter once a document that it is about has come."""

    documents: tuple[str, ...]
    """Keys of the documents that have not come."""
    needs_all: bool
    """Whether all of them must come; otherwise one suffices."""
    detail: str


@dataclass(frozen=True, slots=True)
class Contested:
    """Another package holds the DocumentId. If the trunk refuses that package, this one may enter."""

    holder: str
    """Its package id."""
    refused: Refused
    """The answer to this package if the holder is not refused."""


def secret(mark: Mark | None) -> Refused | None:
    """Step 0: the refusal of a package in which a mark of secrecy stands."""
    return Refused(Reason.E_SECRET, str(mark), SecurityKind.SECRET_CONTENT) if mark else None


def admit(
    message: Message, unit: Unit, today: date, known: Sequence[str], units: Container[UnitCode] = ()
) -> Admitted | Awaits | Refused:
    """Steps 1 to 4.

    ``unit``: the unit whose user submitted the package; ``known``: keys of those documents, among the ones that the
    package is about, that were accepted earlier; ``units``: codes of all units, to recognise a package that reports
    about another unit's document.
    """
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
    """Step 5. ``holder``: the package that holds the DocumentId now; ``is_decided``: it can no longer be refused.

    The refusal names that package and its receipt, because a sender that missed the answer often builds the same
    package again, with other bytes.
    """
    if holder == package_id:
        return None
    refused = Refused(Reason.E_DUP, f"gói tin {holder}, biên nhận {ids.event_id(holder, 'receipt')}")
    return refused if is_decided else Contested(holder, refused)
