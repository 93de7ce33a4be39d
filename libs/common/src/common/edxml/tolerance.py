"""The departures from the profile that a reader puts up with, and the note of which were met."""

from enum import StrEnum


class Tolerance(StrEnum):
    """One known departure each; the table with its handling is in docs/edxml.md.

    Those that say nothing about the sender's software (T2, T5, T6, T9 mostly, T10, T13) are never reported;
    T21 is the one that is refused.
    """

    T1 = "T1"
    """Elements without a namespace."""
    T2 = "T2"
    """AttachmentEncoded with or without prefix."""
    T3 = "T3"
    """A byte order mark, or an encoding declared otherwise than written."""
    T4 = "T4"
    """Junk before the XML declaration."""
    T5 = "T5"
    """Line ends, comments, indentation."""
    T6 = "T6"
    """Children in another order."""
    T7 = "T7"
    """``Business`` for ``Bussiness``."""
    T8 = "T8"
    """No Bussiness, or none that tells its type."""
    T9 = "T9"
    """A field that the kind of package may lack is empty; reported where a value had to be assumed."""
    T10 = "T10"
    """Units without name and address."""
    T11 = "T11"
    """A hop without unit or time."""
    T12 = "T12"
    """A date in another notation than ``yyyy/MM/dd``."""
    T13 = "T13"
    """DocumentId of any form."""
    T14 = "T14"
    """Declared media types disagree with each other, with the name or with the bytes."""
    T15 = "T15"
    """``cid:`` absent or doubled."""
    T16 = "T16"
    """``Manifest`` for ``edXMLManifest``."""
    T17 = "T17"
    """Another root or another case in the frame's names."""
    T18 = "T18"
    """Unknown elements."""
    T19 = "T19"
    """A number or flag that is none; the default is assumed."""
    T20 = "T20"
    """Type does not fit TypeName."""
    T21 = "T21"
    """A legacy dialect; refused as E_NS."""
    T22 = "T22"
    """A prefix that is declared nowhere."""
    T23 = "T23"
    """A unit code of no current scheme."""
    T24 = "T24"
    """Blanks around a unit's name."""
    T25 = "T25"
    """An identifier that is not in Unicode's composed form, or holds characters that nobody sees."""
    T26 = "T26"
    """A code with more or fewer zeros before it: ``1`` for ``01``."""
    T27 = "T27"
    """What a desktop leaves behind stands before the file in a ZIP wrapper."""


class Notes:
    """The tolerances one message needed, each once."""

    def __init__(self) -> None:
        self._seen: set[Tolerance] = set()

    def add(self, tolerance: Tolerance) -> None:
        """Note that it was needed."""
        self._seen.add(tolerance)

    def in_order(self) -> tuple[Tolerance, ...]:
        """All of them, by number."""
        return tuple(tolerance for tolerance in Tolerance if tolerance in self._seen)
