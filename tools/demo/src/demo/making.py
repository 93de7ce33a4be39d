"""The packages of the demo as bytes: letters and scans signed with the demo city's keys, and all that is wrong."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from common.domain.envelope import Business, DocumentType, Envelope, Organization, Signer
from common.domain.names import DocumentId, PackageKind, Priority, UnitCode
from common.edxml import build
from common.edxml.dates import VIETNAM
from mint import packages, paper
from mint.city import City
from mint.tamper import TAMPERS
from mint.wrong import WRONGS

SIGNED_AGO = timedelta(minutes=10)
"""Signer and unit sign five minutes apart, and both times must have passed."""
MIB = 1024 * 1024
LARGE_PDF_BYTES = 10 * MIB
"""In base64 more than what may be submitted inside a message."""

Spoiling = Callable[[bytes], bytes]
Making = Callable[[UnitCode, Sequence[UnitCode], DocumentId], bytes]
"""Sender, receivers and DocumentId to a package."""


@dataclass(frozen=True, slots=True)
class Workshop:
    """Makes packages of one city. Not for several threads at once: the authority numbers its keys."""

    city: City
    _in_stock: dict[UnitCode, bytes] = field(default_factory=dict)

    def letter(self, sender: UnitCode, to: Sequence[UnitCode], document_id: DocumentId, **options: Any) -> bytes:
        """A valid letter; ``options`` as in ``mint.packages.letter``."""
        return self._package(sender, to, document_id, self.signed(sender, document_id), **options)

    def quick_letter(self, sender: UnitCode, to: Sequence[UnitCode], document_id: DocumentId, **options: Any) -> bytes:
        """A valid letter around the one PDF that this sender signed first: for many at once."""
        if sender not in self._in_stock:
            self._in_stock[sender] = self.signed(sender, document_id)
        return self._package(sender, to, document_id, self._in_stock[sender], **options)

    def large_letter(self, sender: UnitCode, to: Sequence[UnitCode], document_id: DocumentId) -> bytes:
        """A valid letter with a large picture in it."""
        pdf = self.city.signed(sender, self.plain(document_id, LARGE_PDF_BYTES), _signing_time())
        return self._package(sender, to, document_id, pdf)

    def scan(self, sender: UnitCode, to: Sequence[UnitCode], document_id: DocumentId) -> bytes:
        """A scanned paper letter that the unit alone signed, declared a copy."""
        pdf = self.city.certified_copy(sender, paper.scan(text=f"SAO Y {document_id}"), _signing_time())
        return self._package(sender, to, document_id, pdf, type_name="Bản sao y")

    def tampered(self, how: str, sender: UnitCode, to: Sequence[UnitCode], document_id: DocumentId) -> bytes:
        """A letter changed after it was signed."""
        return self._package(sender, to, document_id, TAMPERS[how].apply(self.signed(sender, document_id)))

    def wrongly_signed(self, how: str, sender: UnitCode, to: Sequence[UnitCode], document_id: DocumentId) -> bytes:
        """A letter signed by the wrong hands."""
        pdf = WRONGS[how].make(self.city, sender, self.plain(document_id), _signing_time())
        return self._package(sender, to, document_id, pdf)

    def spoilt(self, how: Spoiling, sender: UnitCode, to: Sequence[UnitCode], document_id: DocumentId) -> bytes:
        """A valid letter whose package is then spoilt."""
        return how(self.letter(sender, to, document_id))

    def recall(self, sender: UnitCode, to: Sequence[UnitCode], document_id: DocumentId, target: DocumentId) -> bytes:
        """Takes ``target`` back from ``to``."""
        business = Business(kind=PackageKind.RECALL, reason="Ban hành nhầm", target=target)
        return self._without_files(sender, to, document_id, business)

    def nothing_attached(self, sender: UnitCode, to: Sequence[UnitCode], document_id: DocumentId) -> bytes:
        """A letter whose file was forgotten."""
        return self._without_files(sender, to, document_id, Business())

    def plain(self, document_id: DocumentId, size_bytes: int = 0) -> bytes:
        """A letter that nobody signed yet."""
        return paper.letter(f"V/v van ban {document_id}", number=document_id[-20:], size_bytes=size_bytes)

    def signed(self, sender: UnitCode, document_id: DocumentId) -> bytes:
        """A letter that its signer and its unit signed."""
        return self.city.signed(sender, self.plain(document_id), _signing_time())

    def _package(
        self, sender: UnitCode, to: Sequence[UnitCode], document_id: DocumentId, pdf: bytes, **options: Any
    ) -> bytes:
        fields: dict[str, Any] = {"promulgation_date": today(), "names": self.city.names} | options
        return packages.letter(sender, to, document_id, pdf, **fields)

    def _without_files(
        self, sender: UnitCode, to: Sequence[UnitCode], document_id: DocumentId, business: Business
    ) -> bytes:
        envelope = Envelope(
            sender=Organization(code=sender),
            receivers=tuple(Organization(code=code) for code in to),
            document_id=document_id,
            number="7",
            notation="TB-VP",
            promulgation_date=today(),
            type=DocumentType(name="Thông báo"),
            subject="V/v thu hồi văn bản",
            signer=Signer(full_name="Nguyễn Văn A"),
            business=business,
        )
        return build(envelope)


def today() -> date:
    """The local day in Ho Chi Minh City."""
    return datetime.now(VIETNAM).date()


URGENT: dict[str, Any] = {"priority": Priority.URGENT}
"""Options of an urgent letter."""
ANNEX: dict[str, Any] = {"appendices": [("phu-luc.csv", b"stt,noi dung\n1,so lieu\n")]}
"""Options of a letter with a second file."""
PROGRAM: dict[str, Any] = {"appendices": [("cai-dat.exe", b"MZ\x90\x00" + bytes(200))]}
"""Options of a letter with a program in it."""


def cut_short(package: bytes) -> bytes:
    """The transfer broke off."""
    return package[: len(package) // 2]


def other_dialect(package: bytes) -> bytes:
    """The namespace of an older edXML."""
    return package.replace(b"http://www.mic.gov.vn/TBT/QCVN_102_2016", b"http://www.e-doc.vn/Schema/")


def no_subject(package: bytes) -> bytes:
    """Without its abstract."""
    return re.sub(rb"<([\w:]*)Subject>.*?</[\w:]*Subject>", b"", package, flags=re.DOTALL)


def unknown_priority(package: bytes) -> bytes:
    """An urgency that does not exist."""
    return re.sub(rb"(Priority>)\d", rb"\g<1>9", package, count=1)


def broken_base64(package: bytes) -> bytes:
    """A character that base64 does not have."""
    return re.sub(rb"(ContentTransferEncoded[^>]*>)....", rb"\g<1>*!*!", package, count=1)


def _signing_time() -> datetime:
    return datetime.now(UTC) - SIGNED_AGO
