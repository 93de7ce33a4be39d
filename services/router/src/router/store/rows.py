"""Rows of documents and deliveries, as values."""

from dataclasses import dataclass
from datetime import datetime

from common.domain.names import DocumentId, Lane, PackageId, PackageKind, UnitCode
from common.domain.reason import Reason
from router.delivery_state import Position, Step
from router.order import SubmissionOrder
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
    """The package that holds the DocumentId; empty: one that was discarded, and restored since."""
    kind: PackageKind
    submitted_at: datetime
    versions: tuple[Version, ...] = ()
    """The one that it was claimed with, and those of an earlier release; further ones are rows of their own."""
    reason: Reason | None = None
    """Why it was refused."""
    alias_of: str | None = None
    revision: int = 1
    """Counts changes of this record, for compare-and-set."""
    place: datetime | None = None
    """Of the package in the order of submission; None in rows of earlier releases, where ``submitted_at`` is it."""

    @property
    def order(self) -> SubmissionOrder:
        """The place of the package."""
        return SubmissionOrder(submitted_at=self.place or self.submitted_at, package_id=self.package_id)

    def is_corrected(self, holder: PackageId | None, order: SubmissionOrder) -> bool:
        """Whether the document was refused, and a corrected package, which has not come here yet, held its DocumentId
        when a package with this place was let in. ``holder``: who held it; None = not known."""
        is_other = holder not in (None, self.package_id)
        return self.state is DocumentState.REFUSED and is_other and self.order < order

    def gives_way_to(self, record: "DocumentRecord") -> bool:
        """Whether what a package says of its DocumentId, refused or alias, is replaced by what a later one says.

        Packages may come here in any order, and again: the later submission counts.
        """
        return self.state in (DocumentState.REFUSED, DocumentState.ALIAS) and self.order < record.order


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
