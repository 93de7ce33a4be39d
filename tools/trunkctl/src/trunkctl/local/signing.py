"""Signs as a unit of the demo city."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from common.domain.names import UnitCode
from mint import keep
from trunkctl.command_error import CommandError

AGO = timedelta(minutes=10)
"""Signer and unit sign minutes apart; both times must have passed."""


def sign_as(city_dir: Path, code: UnitCode, pdf: bytes) -> bytes:
    """Signer's and unit's signatures, in this order."""
    city = keep.load(city_dir)
    if code not in city.members:
        raise CommandError(f"{code} is no unit of the demo city.")
    return city.signed(code, pdf, datetime.now(UTC) - AGO)
