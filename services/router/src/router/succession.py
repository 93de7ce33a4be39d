"""Receivers that are closed: their successors, where the directory names one, and refusals. Pure."""

from datetime import date

from common.domain.directory import Directory
from common.domain.names import UnitCode
from common.domain.reason import Reason
from router.actions import RefuseReceiver

BY_DIRECTORY = (Reason.E_TO_UNKNOWN, Reason.E_TO_CLOSED, Reason.E_TO_SUCCEEDED)
"""Reasons that rest on the unit directory, so that a newer version of it may decide otherwise."""


def successor_of(code: UnitCode, directory: Directory, day: date) -> UnitCode | None:
    """The open unit that succeeds a closed one, directly or through other closed units; None = there is none."""
    visited: set[UnitCode] = set()
    unit = directory.unit(code)
    while unit is not None and not unit.is_open(day) and unit.successor and unit.code not in visited:
        visited.add(unit.code)
        unit = directory.unit(unit.successor)
    return unit.code if unit is not None and unit.is_open(day) and unit.code != code else None


def refusal_of(code: UnitCode, directory: Directory, day: date) -> RefuseReceiver | None:
    """The refusal of a receiver that is unknown or closed; None = it is open."""
    unit = directory.unit(code)
    if unit is None:
        return RefuseReceiver(receiver=code, reason=Reason.E_TO_UNKNOWN, detail=f"đơn vị nhận {code}")
    if unit.is_open(day):
        return None
    successor = f", đơn vị kế thừa {unit.successor}" if unit.successor else ""
    return RefuseReceiver(receiver=code, reason=Reason.E_TO_CLOSED, detail=f"đơn vị nhận {code}{successor}")


def succeeded(code: UnitCode, successor: UnitCode, *others: UnitCode) -> RefuseReceiver:
    """Notifies the sender that the successor gets what was addressed to a closed unit. ``others``: units that were its
    successors earlier. It is one action for all of them, because a package is refused once for each receiver."""
    detail = f"đơn vị nhận {code}, đã giao cho đơn vị kế thừa {', '.join((successor, *others))}"
    return RefuseReceiver(receiver=code, reason=Reason.E_TO_SUCCEEDED, detail=detail, successor=successor)
