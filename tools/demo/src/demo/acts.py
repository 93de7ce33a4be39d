"""One thing to be sent, before it is made."""

from collections.abc import Callable
from dataclasses import dataclass

from common.domain.names import DocumentId, StatusCode, UnitCode
from demo.cases import Expected, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A package that one unit will submit."""

    name: str
    """By which other acts refer to it."""
    title: str
    """For people."""
    sender: UnitCode
    receivers: tuple[UnitCode, ...]
    document_id: DocumentId
    """The one that answers name; of a recall, that of the document taken back."""
    make: Callable[[], bytes]
    """The package's bytes; called once, in a thread."""
    expected: Expected
    kind: Kind = Kind.DOCUMENT
    urgent: bool = False
    burst: bool = False
    """Made ahead, and submitted with others at one moment, so that queues form."""
    answers: tuple[StatusCode, ...] = ()
    """What each receiver reports, one after the other."""
    after: str | None = None
    """Name of the act that must be through, with all its answers, before this one is sent."""
    repeats: str | None = None
    """Name of the act whose very bytes are sent again."""
    foreign_upload: bool = False
    """Submit a reference to an upload of another unit, which must be refused."""
