"""What one statement says about one certificate."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from validator.cms.certificate import Certificate
from validator.pki.certificates import Chain
from validator.pki.evidence import Evidence
from validator.pki.ocsp import OcspAnswer
from validator.pki.statement import Crl, RevokedEntry


@dataclass(frozen=True, slots=True)
class View:
    """What one statement says about one certificate."""

    statement: Crl | OcspAnswer
    covers: frozenset[str]
    """Reasons for which it would name the certificate; empty = it only counts for what it lists."""
    entry: RevokedEntry | None
    maker: Chain
    """Who made it, and the chain above."""
    is_only_for_the_past: bool = False
    """The certificate of the responder has ended, and nothing proves that the answer is older: it can say "not revoked"
    for the time before, and nothing else."""

    rests_on: tuple[tuple[Certificate, "View"], ...] = ()
    """What said that the maker is good, by certificate, where that is not asked of the chain anyway."""

    @property
    def is_delta(self) -> bool:
        """Whether it only lists changes."""
        return isinstance(self.statement, Crl) and self.statement.base is not None

    def lifts(self, certificate: Certificate) -> bool:
        """Whether it says that a hold has ended; a list that cannot be relied on does not."""
        named, crl = (certificate.issuer.key, certificate.serial_number), self.statement
        return isinstance(crl, Crl) and named in crl.lifted and crl.is_relied_on


def said_so_far(views: Iterable[View], evidence: Evidence) -> list[View]:
    """The newest first, without those that are dated ahead."""
    latest = evidence.now + evidence.policy.clock_grace
    return newest_first(view for view in views if view.statement.this_update <= latest)


def newest_first(views: Iterable[View]) -> list[View]:
    """Of two that are equally new, the one that names the certificate goes first; the digest only fixes the order."""
    return sorted(views, key=_age, reverse=True)


def _age(view: View) -> tuple[datetime, int, bool, str]:
    statement = view.statement
    return statement.this_update, statement.number or 0, view.entry is not None, statement.sha256
