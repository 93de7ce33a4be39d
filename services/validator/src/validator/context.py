"""What is asked about a document, and what it is judged by."""

from dataclasses import dataclass
from datetime import date, datetime

from common.domain.directory import Directory
from common.domain.names import UnitCode
from validator.pki.revocation_lists import RevocationLists
from validator.pki.trust_store import TrustStore
from validator.policy import DEFAULT, Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class VerificationRequest:
    """What is asked about a document, besides its bytes."""

    sender: UnitCode = ""
    """Unit of the header's ``From``: its registered certificate must have signed as organisation."""
    declared_copy: bool = False
    """The sender declares a scan of a paper original (sao y)."""
    promulgation_date: date | None = None


@dataclass(frozen=True, slots=True)
class Material:
    """Trust, revocation lists and unit directory; loaded from files and replaced as a whole.

    Without trust or without directory, what needs them is not asked.
    """

    trust: TrustStore | None
    revocation: RevocationLists
    directory: Directory | None

    @property
    def trust_version(self) -> str:
        """Equal for equal content; empty without trust."""
        return self.trust.version if self.trust else ""

    @property
    def directory_version(self) -> str:
        """Equal for equal content; empty without directory."""
        return self.directory.version if self.directory else ""

    @property
    def version(self) -> str:
        """Equal for equal content."""
        return f"{self.trust_version}:{self.revocation.version}:{self.directory_version}"


@dataclass(frozen=True, slots=True)
class ValidationContext:
    """Everything that a document is judged by."""

    material: Material
    now: datetime
    """Time of verification, timezone-aware."""
    policy: Policy = DEFAULT
