"""(7) Revocation of each certificate of a chain; the root is pinned, not revoked."""

import itertools
from datetime import datetime
from typing import Protocol

from cryptography import x509

from common.domain.reason import Reason
from validator.fault import Fault, Step, faults
from validator.pki.certificates import fingerprint, issuer_key
from validator.pki.crl import Crl, Entry
from validator.pki.path import Chain
from validator.policy import Policy
from validator.report.model import StatusUsed, SubIndication


class Statements(Protocol):
    """Where statements on revocation are looked up."""

    def about(self, issuer: str) -> tuple[Crl, ...]:
        """Those of that CA."""
        ...


def check_revocation(
    chain: Chain,
    statements: Statements,
    at: datetime,
    now: datetime,
    policy: Policy,
    field: str,
) -> tuple[StatusUsed, ...]:
    """The statements that answered for ``at``, nearest to the signer first.

    ``at`` is ``now``, or an earlier time at which the signature is proved to have existed. A certificate that is
    revoked outranks one about which nothing is known.
    """
    with faults(Step.REVOCATION, Reason.E_SIG_REVOCATION_UNKNOWN, f"{field}: revocation not readable"):
        pairs = list(itertools.pairwise(chain))
        found = [
            _spoken(certificate, issuer, depth > 0, statements, now, policy)
            for depth, (certificate, issuer) in enumerate(pairs)
        ]
        for (certificate, _), spoken in zip(pairs, found, strict=True):
            _check_revoked(certificate, spoken, at, now, field)
        return tuple(
            _good(certificate, spoken, at, policy, field) for (certificate, _), spoken in zip(pairs, found, strict=True)
        )


def _spoken(
    certificate: x509.Certificate,
    issuer: x509.Certificate,
    authority: bool,
    statements: Statements,
    now: datetime,
    policy: Policy,
) -> list[Crl]:
    """What the issuer has said so far, newest first; of a document's evidence, what cannot have been made up since."""
    spoken = [
        each
        for each in statements.about(issuer_key(issuer))
        if each.this_update <= now + policy.clock_grace
        and each.speaks_of(certificate, authority=authority)
        # (7.6) An issuer's key proves nothing after its end, unless a time stamp shows that the statement is older.
        and (not each.embedded or (each.known_at or now) <= issuer.not_valid_after_utc)
    ]
    return sorted(spoken, key=lambda each: (each.this_update, each.number or 0), reverse=True)


def _check_revoked(certificate: x509.Certificate, spoken: list[Crl], at: datetime, now: datetime, field: str) -> None:
    # (7.3) On a list, whatever its age: revoked. A hold counts as long as the newest statement names it.
    timely = [each for each in spoken if each.this_update <= certificate.not_valid_after_utc] or spoken
    for place, each in enumerate(timely):
        entry = each.find(certificate.serial_number)
        if entry is None or (entry.on_hold and place > 0) or not _counts(entry, at, now):
            continue
        raise Fault(
            Step.REVOCATION, Reason.E_SIG_REVOKED, SubIndication.REVOKED_NO_POE,
            f"{field}: certificate {certificate.serial_number:x} revoked, {each.kind} {each.number or each.sha256}",
        )  # fmt: skip


def _counts(entry: Entry, at: datetime, now: datetime) -> bool:
    """Without proof of an earlier time every revocation counts, even one that is dated ahead."""
    return at >= now or entry.since <= at


def _good(certificate: x509.Certificate, spoken: list[Crl], at: datetime, policy: Policy, field: str) -> StatusUsed:
    # (7.4) Not revoked: only a statement that was in force at that time, or one that was made later, can say so.
    for each in spoken:
        if _speaks_for(each, certificate, at, policy):
            return StatusUsed(
                certificate_sha256=fingerprint(certificate),
                kind=each.kind,
                sha256=each.sha256,
                number=each.number,
                this_update=each.this_update,
                next_update=each.next_update,
                embedded=each.embedded,
            )
    state = f"{spoken[0].kind} {spoken[0].number or ''} out of date".replace("  ", " ") if spoken else "no CRL"
    raise Fault(
        Step.REVOCATION, Reason.E_SIG_REVOCATION_UNKNOWN, SubIndication.TRY_LATER,
        f"{field}: {state} of {certificate.issuer.rfc4514_string()}",
    )  # fmt: skip


def _speaks_for(each: Crl, certificate: x509.Certificate, at: datetime, policy: Policy) -> bool:
    entry = each.find(certificate.serial_number)
    if entry is not None and entry.since <= at:
        return False
    if each.this_update <= at + policy.clock_grace:
        return at < (each.next_update or each.this_update + policy.answer_age)
    return each.this_update <= certificate.not_valid_after_utc or entry is not None
