"""One thing to be sent, before it is made, and what must come of it."""

from collections.abc import Callable
from dataclasses import dataclass

from common.domain.names import DocumentId, StatusCode, UnitCode
from common.domain.reason import Reason
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


def delivered(
    name: str,
    title: str,
    sender: UnitCode,
    to: tuple[UnitCode, ...],
    document_id: DocumentId,
    make: Callable[[], bytes],
    answers: tuple[StatusCode, ...],
) -> Act:
    """A document that every receiver must get, and reports about."""
    return Act(
        name=name,
        title=title,
        sender=sender,
        receivers=to,
        document_id=document_id,
        make=make,
        expected=Expected(placed=frozenset(to)),
        answers=answers,
    )


def refused(
    title: str,
    sender: UnitCode,
    to: tuple[UnitCode, ...],
    document_id: DocumentId,
    make: Callable[[], bytes],
    reason: Reason,
) -> Act:
    """A package that must be refused as a whole, for this reason."""
    return Act(
        name=title,
        title=title,
        sender=sender,
        receivers=to,
        document_id=document_id,
        make=make,
        expected=Expected(reason=reason),
    )
