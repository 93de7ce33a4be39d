"""(7) Revocation of each certificate of a chain, except the root: a root is pinned, and removed by hand."""

import itertools
from datetime import datetime

from cryptography import x509

from validator.fault import Fault, library_errors_as
from validator.pki.certificates import Chain, fingerprint, issuer_key
from validator.pki.crl import Crl, RevokedEntry
from validator.pki.evidence import Evidence
from validator.policy import Policy
from validator.report.model import StatusUsed


def check_revocation(chain: Chain, evidence: Evidence, at: datetime, field: str) -> tuple[StatusUsed, ...]:
    """The statements that said "not revoked" for the time ``at``, nearest to the leaf first. Raises ``Fault``.

    ``at``: the time of verification, or an earlier time at which the signature is proved to have existed. A certificate
    that is revoked outranks one about which nothing is known.
    """
    with library_errors_as("7.4", field, "revocation not readable"):
        pairs = list(itertools.pairwise(chain))
        statements = [
            _statements_about(certificate, issuer, evidence, authority=depth > 0)
            for depth, (certificate, issuer) in enumerate(pairs)
        ]
        for (certificate, _), known in zip(pairs, statements, strict=True):
            _check_not_revoked(certificate, known, at, evidence.now, field)
        return tuple(
            _status_used(certificate, known, at, evidence.policy, field)
            for (certificate, _), known in zip(pairs, statements, strict=True)
        )


def _statements_about(
    certificate: x509.Certificate, issuer: x509.Certificate, evidence: Evidence, *, authority: bool
) -> list[Crl]:
    """What the issuer has said so far, newest first, without evidence that may have been made up since."""
    latest, now = evidence.now + evidence.policy.clock_grace, evidence.now
    statements = [
        each
        for each in evidence.about(issuer_key(issuer))
        if each.this_update <= latest
        and each.speaks_of(certificate, authority=authority)
        # (7.6) An issuer's key proves nothing after its end, unless a time stamp shows that the statement is older.
        and (not each.embedded or (each.known_at or now) <= issuer.not_valid_after_utc)
    ]
    return sorted(statements, key=lambda each: (each.this_update, each.number or 0), reverse=True)


def _check_not_revoked(
    certificate: x509.Certificate, statements: list[Crl], at: datetime, now: datetime, field: str
) -> None:
    # (7.3) On a list, whatever its age: revoked. A hold counts as long as the newest statement names it.
    timely = [each for each in statements if each.this_update <= certificate.not_valid_after_utc] or statements
    for place, each in enumerate(timely):
        entry = each.find(certificate.serial_number)
        if entry is None or (entry.on_hold and place > 0) or not _counts(entry, at, now):
            continue
        name = each.number or each.sha256
        raise Fault("7.3", field, f"certificate {certificate.serial_number:x} revoked, {each.kind} {name}")


def _counts(entry: RevokedEntry, at: datetime, now: datetime) -> bool:
    """Without proof of an earlier time every revocation counts, even one that is dated ahead."""
    return at >= now or entry.since <= at


def _status_used(
    certificate: x509.Certificate, statements: list[Crl], at: datetime, policy: Policy, field: str
) -> StatusUsed:
    # (7.4) Not revoked: only a statement that was in force at that time, or one that was made later, can say so.
    for each in statements:
        if _says_good(each, certificate, at, policy):
            return StatusUsed(
                certificate_sha256=fingerprint(certificate),
                kind=each.kind,
                sha256=each.sha256,
                number=each.number,
                this_update=each.this_update,
                next_update=each.next_update,
                embedded=each.embedded,
            )
    newest = statements[0] if statements else None
    state = f"{newest.kind} {newest.number or ''} out of date".replace("  ", " ") if newest else "no CRL"
    raise Fault("7.4", field, f"{state} of {certificate.issuer.rfc4514_string()}")


def _says_good(statement: Crl, certificate: x509.Certificate, at: datetime, policy: Policy) -> bool:
    entry = statement.find(certificate.serial_number)
    if entry is not None and entry.since <= at:
        return False
    if statement.this_update <= at + policy.clock_grace:
        return at < (statement.next_update or statement.this_update + policy.revocation.ocsp_answer_age)
    return statement.this_update <= certificate.not_valid_after_utc or entry is not None
