"""Who receives for a unit that is closed: its successor, where the directory names one. Pure."""

from datetime import date

from common.domain.directory import Directory
from common.domain.names import UnitCode
from common.domain.reason import Reason
from router.actions import RefuseReceiver

BY_DIRECTORY = (Reason.E_TO_UNKNOWN, Reason.E_TO_CLOSED, Reason.E_TO_SUCCEEDED)
"""Reasons that another version of the directory may take away."""


def successor_of(code: UnitCode, directory: Directory, day: date) -> UnitCode | None:
    """The open unit that has taken the place of a closed one, directly or through others; None if there is none."""
    passed: set[UnitCode] = set()
    unit = directory.unit(code)
    while unit is not None and not unit.is_open(day) and unit.successor and unit.code not in passed:
        passed.add(unit.code)
        unit = directory.unit(unit.successor)
    return unit.code if unit is not None and unit.is_open(day) and unit.code != code else None


def refusal_of(code: UnitCode, directory: Directory, day: date) -> RefuseReceiver | None:
    """Why nothing is placed at a unit; None = it is open."""
    unit = directory.unit(code)
    if unit is None:
        return RefuseReceiver(receiver=code, reason=Reason.E_TO_UNKNOWN, detail=f"đơn vị nhận {code}")
    if unit.is_open(day):
        return None
    successor = f", đơn vị kế thừa {unit.successor}" if unit.successor else ""
    return RefuseReceiver(receiver=code, reason=Reason.E_TO_CLOSED, detail=f"đơn vị nhận {code}{successor}")


def succeeded(code: UnitCode, successor: UnitCode) -> RefuseReceiver:
    """Tells the sender that another unit gets what it has addressed to a closed one."""
    detail = f"đơn vị nhận {code}, đã giao cho đơn vị kế thừa {successor}"
    return RefuseReceiver(receiver=code, reason=Reason.E_TO_SUCCEEDED, detail=detail)
