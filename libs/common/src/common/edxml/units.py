"""Units as headers describe them, and the clerks who act for them."""

import re

from common.domain.envelope import Organization, Staff
from common.domain.ids import comparable
from common.domain.names import UnitCode
from common.domain.reason import Reason
from common.edxml import wire
from common.edxml.fields import Fields
from common.edxml.tolerance import Tolerance

CURRENT_CODE = re.compile(r"[0-9]{3}(\.[0-9]{2}){2}\.[A-Z][0-9]{2}|(?=.{3,35}$)[A-Y][0-9]{2}(\.[0-9A-Z]+)*")
"""The schemes of QCVN 102:2016 and of QĐ 20/2020/QĐ-TTg. Others are only noted: the directory decides."""


def read_code(fields: Fields) -> UnitCode | None:
    """OrganId as the directory spells it (T25), None where it is missing or the word ``null`` that some write."""
    code = comparable(fields.identifier(wire.ORGAN_ID) or "")
    if not code or code.lower() == "null":
        return None
    if not CURRENT_CODE.fullmatch(code):
        fields.notes.add(Tolerance.T23)
    return code


def require_code(fields: Fields, reason: Reason) -> UnitCode:
    """OrganId where it must be there."""
    code = read_code(fields)
    if code is None:
        fields.refuse(reason, wire.ORGAN_ID, "is missing")
    return code


def read_organization(fields: Fields, reason: Reason) -> Organization:
    """A From or To; ``reason`` if it has no code."""
    return Organization(
        code=require_code(fields, reason),
        in_charge=_name(fields, wire.IN_CHARGE),
        name=_name(fields, wire.ORGAN_NAME),
        address=fields.text(wire.ADDRESS),
        email=fields.text(wire.EMAIL),
        telephone=fields.text(wire.TELEPHONE),
        fax=fields.text(wire.FAX),
        website=fields.text(wire.WEBSITE),
    )


def read_staff(fields: Fields) -> Staff | None:
    """StaffInfo, None if it says nothing."""
    staff = Staff(
        department=fields.text(wire.DEPARTMENT),
        department_id=fields.text(wire.DEPARTMENT_ID),
        name=fields.text(wire.STAFF),
        id=fields.text(wire.STAFF_ID),
        email=fields.text(wire.EMAIL),
        mobile=fields.text(wire.MOBILE),
    )
    return None if staff == Staff() else staff


def _name(fields: Fields, field: wire.Field) -> str | None:
    """A unit's name; blanks around it are taken off and noted (T24)."""
    if fields.has_blanks(field):
        fields.notes.add(Tolerance.T24)
    return fields.text(field)
