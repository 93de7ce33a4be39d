"""edXML 102 packages around PDFs: letters, recalls, statuses."""

import hashlib
from collections.abc import Sequence
from datetime import date, datetime

from common.domain.envelope import (
    Attachment,
    Business,
    DocumentType,
    Envelope,
    Organization,
    OtherInfo,
    ResponseFor,
    Signer,
    Staff,
    StatusReport,
)
from common.domain.names import DocumentId, PackageKind, Priority, StatusCode, UnitCode
from common.edxml import build

PDF = "application/pdf"


def letter(
    sender: UnitCode,
    receivers: Sequence[UnitCode],
    document_id: DocumentId,
    pdf: bytes,
    *,
    number: str = "123",
    notation: str = "UBND-VP",
    subject: str = "V/v triển khai trục liên thông văn bản",
    promulgation_date: date = date(2026, 7, 1),
    type_name: str = "Công văn",
    priority: Priority = Priority.NORMAL,
    kind: PackageKind = PackageKind.NEW,
    business: Business | None = None,
    signer: str = "Nguyễn Văn A",
    names: dict[UnitCode, str] | None = None,
    appendices: Sequence[tuple[str, bytes]] = (),
    file_name: str = "van-ban.pdf",
) -> bytes:
    """A document package. ``names``: unit names for the header; ``appendices``: further files after the PDF."""
    files = [(file_name, pdf), *appendices]
    envelope = Envelope(
        sender=_organization(sender, names),
        receivers=tuple(_organization(code, names) for code in receivers),
        document_id=document_id,
        number=number,
        notation=notation,
        promulgation_date=promulgation_date,
        type=DocumentType(name=type_name),
        subject=subject,
        signer=Signer(full_name=signer, competence="TM.", position="CHỦ TỊCH"),
        place="Thành phố Hồ Chí Minh",
        other=OtherInfo(priority=priority),
        business=business or Business(kind=kind),
        attachments=tuple(_attachment(i, name, data) for i, (name, data) in enumerate(files)),
    )
    return build(envelope, [data for _, data in files])


def status(
    sender: UnitCode,
    to: UnitCode,
    document_id: DocumentId,
    code: StatusCode,
    at: datetime,
    *,
    description: str | None = None,
    staff: str = "Văn thư",
    document_code: str | None = None,
    promulgation_date: date | None = None,
    names: dict[UnitCode, str] | None = None,
) -> bytes:
    """A status package of ``sender`` about a document that ``to`` issued."""
    report = StatusReport(
        sender=_organization(sender, names),
        response_for=ResponseFor(
            unit=to, document_id=document_id, code=document_code, promulgation_date=promulgation_date
        ),
        code=code,
        at=at,
        description=description,
        staff=Staff(name=staff),
    )
    return build(report, [])


def _organization(code: UnitCode, names: dict[UnitCode, str] | None) -> Organization:
    return Organization(code=code, name=(names or {}).get(code))


def _attachment(position: int, name: str, data: bytes) -> Attachment:
    return Attachment(
        content_id=f"{position + 1}-{name}",
        name=name,
        content_type=PDF if data[:5] == b"%PDF-" else "application/octet-stream",
        declared_type=PDF if name.endswith(".pdf") else "application/octet-stream",
        size_bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
    )
