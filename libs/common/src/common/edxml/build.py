"""From a message to bytes, exactly as the profile orders and prefixes them; what is built here is read back equal."""

import base64
import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

from common.domain.envelope import (
    UNKNOWN_DATE,
    Attachment,
    Business,
    Envelope,
    Hop,
    Message,
    Organization,
    OtherInfo,
    ResponseFor,
    Staff,
    StatusReport,
)
from common.edxml import wire
from common.edxml.markup import bare, block, element, leaf, listed
from common.edxml.wire import Field

ENCODE_BYTES = 3 * 16 * 1024
"""Read at a time; a multiple of three leaves no padding in between."""


def build(message: Message, files: Sequence[bytes | BinaryIO] = (), out: BinaryIO | None = None) -> bytes:
    """The package of a message; into ``out`` if given, and then nothing is returned.

    ``files`` are the attachments' bytes, in the order of ``message.attachments``; they go out as they are, never
    zipped. ValueError if they are not as many as, or not those, that the message describes, for a text with
    characters that XML cannot hold, and for a time without offset. Times are written to the second.
    """
    target = out if out is not None else io.BytesIO()
    for piece in _package(message, files):
        target.write(piece)
    return b"" if out is not None else target.getvalue()  # type: ignore[attr-defined]


def _package(message: Message, files: Sequence[bytes | BinaryIO]) -> Iterator[bytes]:
    attachments = message.attachments if isinstance(message, Envelope) else ()
    if len(attachments) != len(files):
        raise ValueError(f"{len(attachments)} attachments are described, {len(files)} files are given")
    declared = f' xmlns="{wire.NAMESPACE}"'
    yield f'<?xml version="1.0" encoding="UTF-8"?>\n<{wire.ROOT}{declared}>'.encode()
    yield _envelope(message).encode()
    if attachments:
        yield f"<{wire.ATTACHMENTS}>".encode()
        for attachment, file in zip(attachments, files, strict=True):
            yield from _attachment(attachment, file)
        yield f"</{wire.ATTACHMENTS}>".encode()
    yield f"</{wire.ROOT}>\n".encode()


def _envelope(message: Message) -> str:
    match message:
        case StatusReport():
            inside = block(wire.HEADER, _status(message))
        case Envelope():
            trace = block(wire.TRACE_LIST, _business(message.business), *map(_hop, message.hops))
            inside = block(wire.HEADER, _document(message), trace) + _body(message.attachments)
    attributes = f' xmlns:{wire.PREFIX}="{wire.NAMESPACE}"'
    return element(wire.ENVELOPE, inside, attributes)


def _document(envelope: Envelope) -> str:
    """In the order of the national axis' software development kit."""
    return block(
        wire.MESSAGE_HEADER,
        _organization(wire.FROM, envelope.sender),
        *(_organization(wire.TO, receiver) for receiver in envelope.receivers),
        leaf(wire.DOCUMENT_ID, envelope.document_id),
        block(wire.CODE, leaf(wire.CODE_NUMBER, envelope.number), leaf(wire.CODE_NOTATION, envelope.notation)),
        _promulgation(envelope),
        _document_type(envelope),
        leaf(wire.SUBJECT, envelope.subject),
        leaf(wire.CONTENT, envelope.content),
        _signer(envelope),
        leaf(wire.DUE_DATE, envelope.due_date),
        _other(envelope.other),
        *map(_response_for, envelope.response_for),
        leaf(wire.STEERING_TYPE, envelope.steering_type),
        listed(wire.RESPONSE_FOR_TASK, wire.TASK_CODE, envelope.task_codes),
        leaf(wire.APPLICATION_TYPE, envelope.application_type),
        listed(wire.TO_PLACES, wire.FILING_PLACE, envelope.to_places),
    )


def _organization(field: Field, unit: Organization) -> str:
    return block(
        field,
        leaf(wire.ORGAN_ID, unit.code),
        leaf(wire.IN_CHARGE, unit.in_charge),
        leaf(wire.ORGAN_NAME, unit.name),
        leaf(wire.ADDRESS, unit.address),
        leaf(wire.EMAIL, unit.email),
        leaf(wire.TELEPHONE, unit.telephone),
        leaf(wire.FAX, unit.fax),
        leaf(wire.WEBSITE, unit.website),
    )


def _promulgation(envelope: Envelope) -> str:
    day = None if envelope.promulgation_date == UNKNOWN_DATE else envelope.promulgation_date
    return block(wire.PROMULGATION_INFO, leaf(wire.PLACE, envelope.place), leaf(wire.PROMULGATION_DATE, day))


def _document_type(envelope: Envelope) -> str:
    return block(
        wire.DOCUMENT_TYPE,
        leaf(wire.TYPE, envelope.type.type),
        leaf(wire.TYPE_DETAIL, envelope.type.detail),
        leaf(wire.TYPE_NAME, envelope.type.name),
    )


def _signer(envelope: Envelope) -> str:
    return block(
        wire.SIGNER_INFO,
        leaf(wire.COMPETENCE, envelope.signer.competence),
        leaf(wire.POSITION, envelope.signer.position),
        leaf(wire.FULL_NAME, envelope.signer.full_name),
    )


def _other(other: OtherInfo) -> str:
    return block(
        wire.OTHER_INFO,
        leaf(wire.PRIORITY, int(other.priority)),
        leaf(wire.SPHERE, other.sphere),
        leaf(wire.TYPIST, other.typist),
        leaf(wire.COPIES, other.copies),
        leaf(wire.PAGES, other.pages),
        leaf(wire.DIRECTION, "true" if other.direction else "false"),
        leaf(wire.REPLY_FORS, other.reply_fors),
        leaf(wire.REFERENCE_CODES, other.reference_codes),
        listed(wire.APPENDIXES, wire.APPENDIX, other.appendixes),
    )


def _response_for(answered: ResponseFor, *, in_status: bool = False) -> str:
    """Documents name the id before the date, statuses after it."""
    last = [
        leaf(wire.DOCUMENT_ID, answered.document_id),
        leaf(wire.PROMULGATION_DATE, answered.promulgation_date),
    ]
    return block(
        wire.RESPONSE_FOR,
        leaf(wire.ORGAN_ID, answered.unit),
        leaf(wire.RESPONSE_CODE, answered.code),
        *(reversed(last) if in_status else last),
    )


def _business(business: Business) -> str:
    return block(
        wire.BUSINESS,
        leaf(wire.BUSINESS_TYPE, wire.TYPE_OF_KIND[business.kind]),
        leaf(wire.REASON, business.reason),
        leaf(wire.DOCUMENT_ID, business.target),
        leaf(wire.PAPER, business.paper),
        _changes(business),
        _replacements(business),
        _staff(business.staff),
    )


def _changes(business: Business) -> str:
    if not (business.document_changed or business.receivers_changed or business.receiver_changes):
        return ""
    receivers = (
        block(wire.RECEIVER, leaf(wire.ORGAN_ID, change.unit), leaf(wire.RECEIVER_TYPE, change.added))
        for change in business.receiver_changes
    )
    return block(
        wire.DOCUMENT_INFO_BLOCK,
        leaf(wire.DOCUMENT_INFO, business.document_changed),
        leaf(wire.DOCUMENT_RECEIVER, business.receivers_changed),
        block(wire.RECEIVER_LIST, *receivers),
    )


def _replacements(business: Business) -> str:
    return block(
        wire.REPLACEMENT_LIST,
        *(
            block(
                wire.REPLACEMENT,
                leaf(wire.DOCUMENT_ID, replaced.document_id),
                listed(wire.ORGAN_ID_LIST, wire.ORGAN_ID, replaced.units),
            )
            for replaced in business.replacements
        ),
    )


def _staff(staff: Staff | None) -> str:
    if staff is None:
        return ""
    return block(
        wire.STAFF_INFO,
        leaf(wire.DEPARTMENT, staff.department),
        leaf(wire.DEPARTMENT_ID, staff.department_id),
        leaf(wire.STAFF, staff.name),
        leaf(wire.STAFF_ID, staff.id),
        leaf(wire.EMAIL, staff.email),
        leaf(wire.MOBILE, staff.mobile),
    )


def _hop(hop: Hop) -> str:
    return block(wire.TRACE, leaf(wire.ORGAN_ID, hop.unit), leaf(wire.TIMESTAMP, hop.at))


def _status(report: StatusReport) -> str:
    return block(
        wire.MESSAGE_HEADER,
        _organization(wire.FROM, report.sender),
        _response_for(report.response_for, in_status=True),
        _staff(report.staff),
        leaf(wire.STATUS_CODE, report.code),
        leaf(wire.DESCRIPTION, report.description),
        leaf(wire.TIMESTAMP, report.at),
    )


def _body(attachments: Iterable[Attachment]) -> str:
    references = "".join(_reference(attachment) for attachment in attachments)
    manifest = element(wire.MANIFEST, references, f' version="{wire.MANIFEST_VERSION}"') if references else ""
    return block(wire.BODY, manifest)


def _reference(attachment: Attachment) -> str:
    return block(
        wire.REFERENCE,
        leaf(wire.CONTENT_ID, wire.CID + attachment.content_id),
        leaf(wire.CONTENT_TYPE, attachment.content_type),
        leaf(wire.DESCRIPTION, attachment.description),
        leaf(wire.ATTACHMENT_NAME, attachment.name),
    )


def _attachment(attachment: Attachment, file: bytes | BinaryIO) -> Iterator[bytes]:
    """Without prefixes but for the content, which declares its own: so the samples of the axis do."""
    described = (
        bare(wire.CONTENT_ID, wire.CID + attachment.content_id)
        + bare(wire.ATTACHMENT_NAME, attachment.name)
        + bare(wire.DESCRIPTION, attachment.description)
        + bare(wire.CONTENT_TYPE, attachment.content_type)
    )
    tag = f"{wire.PREFIX}:{wire.CONTENT_ENCODED}"
    yield f'<{wire.ATTACHMENT}>{described}<{tag} xmlns:{wire.PREFIX}="{wire.NAMESPACE}">'.encode()
    yield from _encoded(attachment, file)
    yield f"</{tag}></{wire.ATTACHMENT}>".encode()


def _encoded(attachment: Attachment, file: bytes | BinaryIO) -> Iterator[bytes]:
    source = io.BytesIO(file) if isinstance(file, bytes) else file
    digest = hashlib.sha256()
    while chunk := _read_fully(source, ENCODE_BYTES):
        digest.update(chunk)
        yield base64.b64encode(chunk)
    if digest.hexdigest() != attachment.sha256:
        raise ValueError(f"the file given for {attachment.content_id} is not the one described")


def _read_fully(source: BinaryIO, count: int) -> bytes:
    data = source.read(count)
    while data and len(data) < count and (more := source.read(count - len(data))):
        data += more
    return data
