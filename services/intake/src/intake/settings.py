"""What intake alone needs to know."""

from common.edxml import Limits
from common.headers import SUBMIT_INLINE_LIMIT_BYTES
from common.settings import ServiceSettings

MIB = 1024 * 1024


class IntakeSettings(ServiceSettings):
    """Limits of what may enter."""

    inline_limit_bytes: int = SUBMIT_INLINE_LIMIT_BYTES
    """Largest package inside a message; larger ones are uploaded and submitted by reference."""
    package_limit_bytes: int = 200 * MIB
    """Largest package at all."""

    @property
    def limits(self) -> Limits:
        """Limits of the parser."""
        return Limits(max_package_bytes=self.package_limit_bytes)
