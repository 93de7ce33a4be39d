"""The header of a document package as an Envelope without attachments."""

from datetime import date

from common.domain.envelope import (
    UNKNOWN_DATE,
    Business,
    DocumentType,
    Envelope,
    Organization,
    OtherInfo,
    ResponseFor,
    Signer,
)
from common.domain.names import DocumentId, PackageKind, Priority
from common.domain.reason import Reason
from common.edxml import wire
from common.edxml.business import read_business, read_hops
from common.edxml.fields import Fields
from common.edxml.limits import Limits
from common.edxml.tolerance import Tolerance
from common.edxml.units import read_code, read_organization

GREATEST_STEERING_TYPE = 3
GREATEST_AMOUNT = 999
"""Copies and pages have three digits (ND 30/2020 annex VI part II)."""


def read_envelope(header: Fields, trace: Fields, limits: Limits) -> Envelope:
    """The envelope of a header.

    Raises ``Unreadable``: E_FROM, E_TO, E_REQ, E_LEN, E_DATE or E_ENUM for the first field at fault, in the order of
    the profile.
    """
    sender = read_organization(header.child(wire.FROM), Reason.E_FROM)
    receivers = _receivers(header, limits)
    business = read_business(trace)
    lax = business.kind is PackageKind.RECALL
    code = header.child(wire.CODE)
    promulgation = header.child(wire.PROMULGATION_INFO)
    return Envelope(
        sender=sender,
        receivers=receivers,
        document_id=_document_id(header, business),
        number=_needed(code, wire.CODE_NUMBER, lax),
        notation=_needed(code, wire.CODE_NOTATION, lax),
        place=promulgation.text(wire.PLACE),
        promulgation_date=_promulgation_date(promulgation, lax),
        type=_document_type(header.child(wire.DOCUMENT_TYPE), lax),
        subject=_needed(header, wire.SUBJECT, lax),
        content=header.text(wire.CONTENT),
        signer=_signer(header.child(wire.SIGNER_INFO), lax),
        due_date=header.date(wire.DUE_DATE),
        other=_other(header.child(wire.OTHER_INFO)),
        response_for=tuple(_response_for(item) for item in header.children(wire.RESPONSE_FOR)),
        steering_type=_steering_type(header),
        task_codes=header.child(wire.RESPONSE_FOR_TASK).texts(wire.TASK_CODE),
        application_type=header.number(wire.APPLICATION_TYPE, None),
        to_places=header.child(wire.TO_PLACES).texts(wire.FILING_PLACE),
        business=business,
        hops=read_hops(trace),
    )


def _receivers(header: Fields, limits: Limits) -> tuple[Organization, ...]:
    receivers = tuple(read_organization(item, Reason.E_TO) for item in header.children(wire.TO))
    if not receivers:
        header.refuse(Reason.E_TO, wire.TO, "is missing")
    if len(receivers) > limits.max_receivers:
        header.refuse(Reason.E_LEN, wire.TO, f"stands more than {limits.max_receivers} times")
    if len({receiver.code for receiver in receivers}) < len(receivers):
        header.refuse(Reason.E_TO, wire.TO, "names a unit twice")
    return receivers


def _document_id(header: Fields, business: Business) -> DocumentId:
    """Its own id; a recall without one bears the id of what it takes back."""
    own = header.identifier(wire.DOCUMENT_ID)
    if own is None and business.kind is PackageKind.RECALL and business.target:
        header.notes.add(Tolerance.T9)
        return business.target
    return own or header.required_identifier(wire.DOCUMENT_ID)


def _needed(fields: Fields, field: wire.Field, lax: bool) -> str:
    """A text that every kind but a recall must have; a recall's is then empty (T9)."""
    text = fields.text(field) if lax else fields.required(field)
    if text is None:
        fields.notes.add(Tolerance.T9)
    return text or ""


def _promulgation_date(fields: Fields, lax: bool) -> date:
    day = fields.date(wire.PROMULGATION_DATE)
    if day is None and not lax:
        fields.refuse(Reason.E_REQ, wire.PROMULGATION_DATE, "is missing")
    if day is None:
        fields.notes.add(Tolerance.T9)
    return day or UNKNOWN_DATE


def _document_type(fields: Fields, lax: bool) -> DocumentType:
    name = _needed(fields, wire.TYPE_NAME, lax)
    number = fields.number(wire.TYPE, wire.ADMINISTRATIVE_TYPE)
    if number not in wire.TYPES or (number == wire.LEGAL_TYPE and name.casefold() in wire.ADMINISTRATIVE_ONLY):
        fields.notes.add(Tolerance.T20)
    type_ = number if number in wire.TYPES else wire.ADMINISTRATIVE_TYPE
    return DocumentType(name=name, type=type_, detail=fields.number(wire.TYPE_DETAIL, None))


def _signer(fields: Fields, lax: bool) -> Signer:
    return Signer(
        full_name=_needed(fields, wire.FULL_NAME, lax),
        competence=fields.text(wire.COMPETENCE),
        position=fields.text(wire.POSITION),
    )


def _other(fields: Fields) -> OtherInfo:
    return OtherInfo(
        priority=_priority(fields),
        sphere=fields.text(wire.SPHERE),
        typist=fields.text(wire.TYPIST),
        copies=fields.number(wire.COPIES, 1, GREATEST_AMOUNT),
        pages=fields.number(wire.PAGES, 1, GREATEST_AMOUNT),
        direction=fields.flag(wire.DIRECTION),
        reply_fors=fields.text(wire.REPLY_FORS),
        reference_codes=fields.text(wire.REFERENCE_CODES),
        appendixes=fields.child(wire.APPENDIXES).texts(wire.APPENDIX),
    )


def _priority(fields: Fields) -> Priority:
    """Urgency; a number outside 0 to 4 is refused rather than guessed, a word counts as normal (T19)."""
    number = fields.number(wire.PRIORITY, int(Priority.NORMAL))
    if number not in set(Priority):
        fields.refuse(Reason.E_ENUM, wire.PRIORITY, "has a value outside its set")
    return Priority(number)


def _steering_type(header: Fields) -> int | None:
    number = header.number(wire.STEERING_TYPE, None)
    if number is not None and number > GREATEST_STEERING_TYPE:
        header.notes.add(Tolerance.T19)
        return None
    return number


def _response_for(fields: Fields) -> ResponseFor:
    """A document answered; what is missing in it is empty, because nothing is decided by it here (T9)."""
    unit, document_id = read_code(fields), fields.identifier(wire.DOCUMENT_ID)
    if unit is None or document_id is None:
        fields.notes.add(Tolerance.T9)
    return ResponseFor(
        unit=unit or "",
        document_id=document_id or "",
        code=fields.text(wire.RESPONSE_CODE),
        promulgation_date=fields.date(wire.PROMULGATION_DATE),
    )
