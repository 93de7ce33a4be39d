"""Rows of documents, and results about deliveries, as values."""

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
    """The package that holds the DocumentId; empty = it was discarded and has been restored since."""
    kind: PackageKind
    submitted_at: datetime
    versions: tuple[Version, ...] = ()
    """The version that it was claimed with, and those of earlier releases. Further versions are rows of their own."""
    reason: Reason | None = None
    """Why it was refused; None = it was not."""
    alias_of: str | None = None
    revision: int = 1
    """Counts changes of this record, for compare-and-set."""
    place: datetime | None = None
    """The place of the package in the order of submission; None in rows of earlier releases, where ``submitted_at`` is
    the place."""

    @property
    def order(self) -> SubmissionOrder:
        """The place of the package."""
        return SubmissionOrder(submitted_at=self.place or self.submitted_at, package_id=self.package_id)

    def is_corrected(self, holder: PackageId | None, order: SubmissionOrder) -> bool:
        """Whether the document was refused, and a corrected package held its DocumentId when a package with place
        ``order`` was let in; the corrected one has not come here yet. ``holder``: who held it then; None = unknown."""
        is_other = holder not in (None, self.package_id)
        return self.state is DocumentState.REFUSED and is_other and self.order < order

    def gives_way_to(self, record: "DocumentRecord") -> bool:
        """Whether another record about the same DocumentId replaces this one: only a refused document or an alias is
        replaced, and only by a package that was submitted later. Packages may come here in any order, and repeatedly.
        """
        return self.state in (DocumentState.REFUSED, DocumentState.ALIAS) and self.order < record.order


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """The result of an event that was recorded for a delivery."""

    step: Step
    is_first: bool
    """Whether this run recorded the event. False = an earlier run did; ``step`` is its result."""
    before: Position
    """The position of the delivery before the event."""
    lane: Lane
    """Of the document."""
    placed_at: datetime
    """When the document was placed; if that is not noted, when the delivery was opened."""
