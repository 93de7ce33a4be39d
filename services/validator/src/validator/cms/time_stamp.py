"""The statement of a time stamp (TSTInfo, RFC 3161 §2.4.2)."""

from dataclasses import dataclass
from datetime import datetime

from validator.cms import ber
from validator.cms.ber import Element
from validator.cms.malformed import Malformed
from validator.cms.signature_scheme import digest_name
from validator.policy import CmsLimits

EXTENSIONS_TAG = 0xA1


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeStampInfo:
    """What a time stamp states."""

    at: datetime
    digest: str
    """Name of the digest algorithm of ``imprint``."""
    imprint: bytes
    """Digest of the stamped bytes."""
    serial: int
    policy: str
    obstacle: str = ""
    """An extension that is critical, or cannot be read: what is stated may mean something else (§2.4.2)."""


def read_time_stamp_info(content: bytes, limits: CmsLimits) -> TimeStampInfo:
    """The statement. Raises ``ValueError``."""
    version, policy, imprint, serial, at, *rest = ber.read_whole(content, limits)
    if version.integer() != 1:
        raise Malformed("version of the time stamp not known")
    algorithm, digest = imprint.expect(ber.SEQUENCE)
    return TimeStampInfo(
        at=at.expect(ber.GENERALIZED_TIME).time(),
        digest=digest_name(algorithm),
        imprint=digest.expect(ber.OCTET_STRING).content,
        serial=serial.integer(),
        policy=policy.oid(),
        obstacle=_obstacle([part for part in rest if part.tag == EXTENSIONS_TAG]),
    )


def _obstacle(extensions: list[Element]) -> str:
    try:
        is_critical = any(_is_critical(each) for part in extensions for each in part)
    except ValueError:
        return "extensions of the time stamp not readable"
    return "critical extension of the time stamp" if is_critical else ""


def _is_critical(extension: Element) -> bool:
    """No extension is understood here."""
    _, *rest = extension.expect(ber.SEQUENCE)
    return len(rest) > 1 and any(rest[0].expect(ber.BOOLEAN).content)
