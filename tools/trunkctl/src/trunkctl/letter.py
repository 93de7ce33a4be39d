"""An edXML package around PDF files, as a unit's document management system would make it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from common.domain.directory import Unit
from common.domain.envelope import DocumentType, Envelope, Organization, OtherInfo, Signer
from common.domain.names import DocumentId, Priority
from common.edxml import attachment_of, build


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What the header says."""

    sender: Unit
    receivers: tuple[Unit, ...]
    subject: str
    document_id: DocumentId
    number: str
    notation: str
    type_name: str
    signer: str
    on: date
    priority: Priority = Priority.NORMAL


def package(letter: Letter, files: Sequence[tuple[str, bytes]]) -> bytes:
    """The bytes to submit. ``files``: name and content, the main document first."""
    attachments = tuple(attachment_of(f"{n}-{name}", name, data) for n, (name, data) in enumerate(files, start=1))
    envelope = Envelope(
        sender=_organization(letter.sender),
        receivers=tuple(map(_organization, letter.receivers)),
        document_id=letter.document_id,
        number=letter.number,
        notation=letter.notation,
        promulgation_date=letter.on,
        type=DocumentType(name=letter.type_name),
        subject=letter.subject,
        signer=Signer(full_name=letter.signer),
        other=OtherInfo(priority=letter.priority),
        attachments=attachments,
    )
    return build(envelope, [data for _, data in files])


def document_id(unit: Unit, number: str, notation: str, on: date) -> DocumentId:
    """The usual triple: unit, day, number/notation."""
    return f"{unit.code},{on:%Y/%m/%d},{number}/{notation}"


def _organization(unit: Unit) -> Organization:
    return Organization(code=unit.code, name=unit.name or None)
