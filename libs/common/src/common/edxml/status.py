"""The header of a status package as a StatusReport."""

from common.domain.envelope import ResponseFor, StatusReport
from common.domain.names import StatusCode
from common.domain.reason import Reason
from common.edxml import wire
from common.edxml.fields import Fields
from common.edxml.units import read_organization, read_staff, require_code

STATUSES = {str(code): code for code in StatusCode}
NEEDS_DESCRIPTION = {StatusCode.REFUSED, StatusCode.TAKE_BACK, StatusCode.DECLINED}
"""A refusal, a request to take back and a refusal to give back must say why (QĐ 28/2018 art. 5.4, 8.2)."""


def is_status(header: Fields) -> bool:
    """Statuses have a code or a time of their own, and no DocumentId outside ResponseFor."""
    return (header.has(wire.STATUS_CODE) or header.has(wire.TIMESTAMP)) and not header.has(wire.DOCUMENT_ID)


def read_status(header: Fields) -> StatusReport:
    """The status report of a header.

    Raises ``Unreadable``: E_XML, E_FROM, E_REQ, E_LEN, E_DATE or E_ENUM for the first field at fault.
    """
    if len(header.children(wire.RESPONSE_FOR)) > 1:
        header.refuse(Reason.E_XML, wire.RESPONSE_FOR, "stands more than once")
    sender = read_organization(header.child(wire.FROM), Reason.E_FROM)
    code = header.one_of(STATUSES, wire.STATUS_CODE)
    if code is None:
        header.refuse(Reason.E_REQ, wire.STATUS_CODE, "is missing")
    moment = header.time(wire.TIMESTAMP)
    if moment is None:
        header.refuse(Reason.E_REQ, wire.TIMESTAMP, "is missing")
    return StatusReport(
        sender=sender,
        response_for=_response_for(header.child(wire.RESPONSE_FOR)),
        code=code,
        at=moment,
        description=_description(header, code),
        staff=read_staff(header.child(wire.STAFF_INFO)),
    )


def _response_for(fields: Fields) -> ResponseFor:
    return ResponseFor(
        unit=require_code(fields, Reason.E_REQ),
        document_id=fields.required_identifier(wire.DOCUMENT_ID),
        code=fields.text(wire.RESPONSE_CODE),
        promulgation_date=fields.date(wire.PROMULGATION_DATE),
    )


def _description(header: Fields, code: StatusCode) -> str | None:
    if code in NEEDS_DESCRIPTION:
        return header.required(wire.DESCRIPTION)
    return header.text(wire.DESCRIPTION)
