"""From a message to bytes, exactly as the profile orders and prefixes them; what is built here is read back equal."""

import base64
import hashlib
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
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
from common.edxml.dates import write_date, write_time
from common.edxml.wire import Field

Value = str | int | bool | date | datetime | None
ENCODE_BYTES = 3 * 16 * 1024
"""Read at a time; a multiple of three leaves no padding in between."""

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord("\r"): "&#13;"}


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
            inside = _block(wire.HEADER, _status(message))
        case Envelope():
            trace = _block(wire.TRACE_LIST, _business(message.business), *map(_hop, message.hops))
            inside = _block(wire.HEADER, _document(message), trace) + _body(message.attachments)
    attributes = f' xmlns:{wire.PREFIX}="{wire.NAMESPACE}"'
    return _element(wire.ENVELOPE, inside, attributes)


def _document(envelope: Envelope) -> str:
    """In the order of the national axis' software development kit."""
    return _block(
        wire.MESSAGE_HEADER,
        _organization(wire.FROM, envelope.sender),
        *(_organization(wire.TO, receiver) for receiver in envelope.receivers),
        _leaf(wire.DOCUMENT_ID, envelope.document_id),
        _block(wire.CODE, _leaf(wire.CODE_NUMBER, envelope.number), _leaf(wire.CODE_NOTATION, envelope.notation)),
        _promulgation(envelope),
        _document_type(envelope),
        _leaf(wire.SUBJECT, envelope.subject),
        _leaf(wire.CONTENT, envelope.content),
        _signer(envelope),
        _leaf(wire.DUE_DATE, envelope.due_date),
        _other(envelope.other),
        *map(_response_for, envelope.response_for),
        _leaf(wire.STEERING_TYPE, envelope.steering_type),
        _list(wire.RESPONSE_FOR_TASK, wire.TASK_CODE, envelope.task_codes),
        _leaf(wire.APPLICATION_TYPE, envelope.application_type),
        _list(wire.TO_PLACES, wire.FILING_PLACE, envelope.to_places),
    )


def _organization(field: Field, unit: Organization) -> str:
    return _block(
        field,
        _leaf(wire.ORGAN_ID, unit.code),
        _leaf(wire.IN_CHARGE, unit.in_charge),
        _leaf(wire.ORGAN_NAME, unit.name),
        _leaf(wire.ADDRESS, unit.address),
        _leaf(wire.EMAIL, unit.email),
        _leaf(wire.TELEPHONE, unit.telephone),
        _leaf(wire.FAX, unit.fax),
        _leaf(wire.WEBSITE, unit.website),
    )


def _promulgation(envelope: Envelope) -> str:
    day = None if envelope.promulgation_date == UNKNOWN_DATE else envelope.promulgation_date
    return _block(wire.PROMULGATION_INFO, _leaf(wire.PLACE, envelope.place), _leaf(wire.PROMULGATION_DATE, day))


def _document_type(envelope: Envelope) -> str:
    return _block(
        wire.DOCUMENT_TYPE,
        _leaf(wire.TYPE, envelope.type.type),
        _leaf(wire.TYPE_DETAIL, envelope.type.detail),
        _leaf(wire.TYPE_NAME, envelope.type.name),
    )


def _signer(envelope: Envelope) -> str:
    return _block(
        wire.SIGNER_INFO,
        _leaf(wire.COMPETENCE, envelope.signer.competence),
        _leaf(wire.POSITION, envelope.signer.position),
        _leaf(wire.FULL_NAME, envelope.signer.full_name),
    )


def _other(other: OtherInfo) -> str:
    return _block(
        wire.OTHER_INFO,
        _leaf(wire.PRIORITY, int(other.priority)),
        _leaf(wire.SPHERE, other.sphere),
        _leaf(wire.TYPIST, other.typist),
        _leaf(wire.COPIES, other.copies),
        _leaf(wire.PAGES, other.pages),
        _leaf(wire.DIRECTION, "true" if other.direction else "false"),
        _leaf(wire.REPLY_FORS, other.reply_fors),
        _leaf(wire.REFERENCE_CODES, other.reference_codes),
        _list(wire.APPENDIXES, wire.APPENDIX, other.appendixes),
    )


def _response_for(answered: ResponseFor, *, in_status: bool = False) -> str:
    """Documents name the id before the date, statuses after it."""
    last = [
        _leaf(wire.DOCUMENT_ID, answered.document_id),
        _leaf(wire.PROMULGATION_DATE, answered.promulgation_date),
    ]
    return _block(
        wire.RESPONSE_FOR,
        _leaf(wire.ORGAN_ID, answered.unit),
        _leaf(wire.RESPONSE_CODE, answered.code),
        *(reversed(last) if in_status else last),
    )


def _business(business: Business) -> str:
    return _block(
        wire.BUSINESS,
        _leaf(wire.BUSINESS_TYPE, wire.TYPE_OF_KIND[business.kind]),
        _leaf(wire.REASON, business.reason),
        _leaf(wire.DOCUMENT_ID, business.target),
        _leaf(wire.PAPER, business.paper),
        _changes(business),
        _replacements(business),
        _staff(business.staff),
    )


def _changes(business: Business) -> str:
    if not (business.document_changed or business.receivers_changed or business.receiver_changes):
        return ""
    receivers = (
        _block(wire.RECEIVER, _leaf(wire.ORGAN_ID, change.unit), _leaf(wire.RECEIVER_TYPE, change.added))
        for change in business.receiver_changes
    )
    return _block(
        wire.DOCUMENT_INFO_BLOCK,
        _leaf(wire.DOCUMENT_INFO, business.document_changed),
        _leaf(wire.DOCUMENT_RECEIVER, business.receivers_changed),
        _block(wire.RECEIVER_LIST, *receivers),
    )


def _replacements(business: Business) -> str:
    return _block(
        wire.REPLACEMENT_LIST,
        *(
            _block(
                wire.REPLACEMENT,
                _leaf(wire.DOCUMENT_ID, replaced.document_id),
                _list(wire.ORGAN_ID_LIST, wire.ORGAN_ID, replaced.units),
            )
            for replaced in business.replacements
        ),
    )


def _staff(staff: Staff | None) -> str:
    if staff is None:
        return ""
    return _block(
        wire.STAFF_INFO,
        _leaf(wire.DEPARTMENT, staff.department),
        _leaf(wire.DEPARTMENT_ID, staff.department_id),
        _leaf(wire.STAFF, staff.name),
        _leaf(wire.STAFF_ID, staff.id),
        _leaf(wire.EMAIL, staff.email),
        _leaf(wire.MOBILE, staff.mobile),
    )


def _hop(hop: Hop) -> str:
    return _block(wire.TRACE, _leaf(wire.ORGAN_ID, hop.unit), _leaf(wire.TIMESTAMP, hop.at))


def _status(report: StatusReport) -> str:
    return _block(
        wire.MESSAGE_HEADER,
        _organization(wire.FROM, report.sender),
        _response_for(report.response_for, in_status=True),
        _staff(report.staff),
        _leaf(wire.STATUS_CODE, report.code),
        _leaf(wire.DESCRIPTION, report.description),
        _leaf(wire.TIMESTAMP, report.at),
    )


def _body(attachments: Iterable[Attachment]) -> str:
    references = "".join(_reference(attachment) for attachment in attachments)
    manifest = _element(wire.MANIFEST, references, f' version="{wire.MANIFEST_VERSION}"') if references else ""
    return _block(wire.BODY, manifest)


def _reference(attachment: Attachment) -> str:
    return _block(
        wire.REFERENCE,
        _leaf(wire.CONTENT_ID, wire.CID + attachment.content_id),
        _leaf(wire.CONTENT_TYPE, attachment.content_type),
        _leaf(wire.DESCRIPTION, attachment.description),
        _leaf(wire.ATTACHMENT_NAME, attachment.name),
    )


def _attachment(attachment: Attachment, file: bytes | BinaryIO) -> Iterator[bytes]:
    """Without prefixes but for the content, which declares its own: so the samples of the axis do."""
    described = (
        _bare(wire.CONTENT_ID, wire.CID + attachment.content_id)
        + _bare(wire.ATTACHMENT_NAME, attachment.name)
        + _bare(wire.DESCRIPTION, attachment.description)
        + _bare(wire.CONTENT_TYPE, attachment.content_type)
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


def _block(field: Field, *inside: str) -> str:
    """An element of elements, left out when it is empty."""
    content = "".join(inside)
    return _element(field, content) if content else ""


def _list(field: Field, item: Field, texts: Iterable[str]) -> str:
    return _block(field, *(_leaf(item, text) for text in texts))


def _element(field: Field, content: str, attributes: str = "") -> str:
    tag = f"{wire.PREFIX}:{field}"
    return f"<{tag}{attributes}>{content}</{tag}>"


def _leaf(field: Field, value: Value) -> str:
    """An element of text, left out when it is empty."""
    text = _text(value)
    return _element(field, _escaped(field, text)) if text else ""


def _bare(field: Field, text: str | None) -> str:
    return f"<{field}>{_escaped(field, text)}</{field}>" if text else ""


def _text(value: Value) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(int(value))
        case datetime():
            return write_time(value)
        case date():
            return write_date(value)
        case _:
            return str(value)


def _escaped(field: Field, text: str) -> str:
    if _ILLEGAL.search(text):
        raise ValueError(f"{field} holds a character that XML cannot")
    return text.translate(_ESCAPES)


def _read_fully(source: BinaryIO, count: int) -> bytes:
    data = source.read(count)
    while data and len(data) < count and (more := source.read(count - len(data))):
        data += more
    return data
