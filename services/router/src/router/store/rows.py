"""Rows of documents and deliveries, as values."""

from dataclasses import dataclass
from datetime import datetime

from common.domain.names import DocumentId, Lane, PackageId, PackageKind, UnitCode
from common.domain.reason import Reason
from router.delivery_state import Position, Step
from router.route import DocumentState
from router.versions import Version


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRecord:
    """One DocumentId of one issuer."""

    key: str
    sender: UnitCode
    document_id: DocumentId
    state: DocumentState
    package_id: PackageId
    """The package that holds the DocumentId."""
    kind: PackageKind
    submitted_at: datetime
    versions: tuple[Version, ...] = ()
    """The one that it was claimed with, and those of an earlier release; further ones are rows of their own."""
    reason: Reason | None = None
    """Why it was refused."""
    alias_of: str | None = None
    revision: int = 1
    """Counts changes of this record, for compare-and-set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """What an event did to a delivery, and to which."""

    step: Step
    is_first: bool
    """False: an earlier run let the same event happen; only the step is told again."""
    before: Position
    lane: Lane
    """Of the document."""
    placed_at: datetime
