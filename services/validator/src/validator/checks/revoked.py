"""(7) Revocation of each certificate of a chain; the root is pinned, not revoked."""

import itertools
from datetime import datetime

from cryptography import x509

from common.domain.reason import Reason
from validator.checks.chain import Chain, fingerprint
from validator.checks.fault import Fault, Step, faults
from validator.policy import Policy
from validator.report import CrlUsed, SubIndication
from validator.revocation import Crl, Revocation


def check_revocation(
    chain: Chain, revocation: Revocation, now: datetime, policy: Policy, field: str
) -> tuple[CrlUsed, ...]:
    """The CRLs that answered, nearest to the signer first. A revoked certificate outranks a missing CRL."""
    with faults(Step.REVOCATION, Reason.E_SIG_REVOCATION_UNKNOWN, f"{field}: revocation not readable"):
        pairs = list(itertools.pairwise(chain))
        lists = [
            revocation.newest(issuer, authority=depth > 0, at=now + policy.clock_grace)
            for depth, (_, issuer) in enumerate(pairs)
        ]
        # (7.3) On a list, whatever its age: revoked, on hold included.
        for (certificate, _), crl in zip(pairs, lists, strict=True):
            if crl is not None and certificate.serial_number in crl.serials:
                raise Fault(
                    Step.REVOCATION, Reason.E_SIG_REVOKED, SubIndication.REVOKED_NO_POE,
                    f"{field}: certificate {certificate.serial_number:x} revoked, CRL {crl.number}",
                )  # fmt: skip
        # (7.4) On no list: only a list that is still current can say so.
        return tuple(_current(certificate, crl, now, field) for (certificate, _), crl in zip(pairs, lists, strict=True))


def _current(certificate: x509.Certificate, crl: Crl | None, now: datetime, field: str) -> CrlUsed:
    if crl is None or now >= crl.next_update:
        state = "no CRL" if crl is None else f"CRL {crl.number} out of date"
        raise Fault(
            Step.REVOCATION, Reason.E_SIG_REVOCATION_UNKNOWN, SubIndication.TRY_LATER,
            f"{field}: {state} of {certificate.issuer.rfc4514_string()}",
        )  # fmt: skip
    return CrlUsed(
        certificate_sha256=fingerprint(certificate),
        crl_sha256=crl.sha256,
        number=crl.number,
        this_update=crl.this_update,
        next_update=crl.next_update,
    )
