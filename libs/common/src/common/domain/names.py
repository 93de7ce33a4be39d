"""Small types of the domain that several modules share."""

from enum import IntEnum, StrEnum

UnitCode = str
"""OrganId of a unit as the directory spells it, e.g. ``000.00.14.H29``; at most 35 characters."""

DocumentId = str
"""Identifier that the issuing unit gave its document; opaque, at most 200 characters, unique per sender."""

Sha256 = str
"""64 lower-case hex digits of a SHA-256 digest."""

PackageId = str
"""The trunk's own id of a submitted package: 32 hex digits, see ``common.domain.ids``."""


class PackageKind(StrEnum):
    """The kind of a package: its effect (edXML 102 BussinessDocType 0..3), or ``STATUS`` for a report."""

    NEW = "new"
    RECALL = "recall"
    UPDATE = "update"
    REPLACE = "replace"
    STATUS = "status"


class Lane(StrEnum):
    """The lane of a message: each lane has queues of its own, so that urgent messages overtake (ND 30/2020, articles
    18.1 and 23.1)."""

    NORMAL = "normal"
    URGENT = "urgent"


class Priority(IntEnum):
    """Urgency on the wire (edXML 102 OtherInfo/Priority)."""

    NORMAL = 0
    URGENT = 1
    VERY_URGENT = 2
    EXPRESS = 3
    TIMED_EXPRESS = 4

    @property
    def lane(self) -> Lane:
        """Urgent from ``Priority`` 1 upward."""
        return Lane.NORMAL if self is Priority.NORMAL else Lane.URGENT


class StatusCode(StrEnum):
    """The status that a unit reports about a document which it received; with 13 the sender asks for it back (edXML
    102)."""

    ARRIVED = "01"
    REFUSED = "02"
    ACCEPTED = "03"
    ASSIGNED = "04"
    PROCESSING = "05"
    DONE = "06"
    TAKE_BACK = "13"
    AGREED = "15"
    DECLINED = "16"


class Label(StrEnum):
    """Legal form of a valid document (ND 30/2020): with both signatures an original (article 5.1), a scan with the
    unit's signature a certified copy (articles 25 and 26)."""

    ORIGINAL = "ORIGINAL"
    CERTIFIED_COPY = "CERTIFIED_COPY"
