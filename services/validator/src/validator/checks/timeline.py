"""(6)-(8) Signatures placed in time: document time stamps from the newest back, each proving what lies before it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from functools import cache, partial
from itertools import chain

from common.containment import contained
from common.domain.reason import Reason
from validator.checks.cryptography import evidence_in_token
from validator.checks.signing_time import SigningTime, signing_time
from validator.checks.state import DocumentState, SignatureState
from validator.checks.time_stamps import JudgedTimeStamp, check_stated_time, earliest_proof, judge_time_stamps
from validator.checks.verified_signature import VerifiedSignature
from validator.context import ValidationContext
from validator.fault import Fault, library_errors_as
from validator.pdf.reader import Reader
from validator.pdf.security_store import stored_certificates, stored_evidence
from validator.pki.evidence import EmbeddedStatement, Evidence, names_known_issuer
from validator.pki.evidence_budget import EvidenceBudget
from validator.pki.status import CertificateStatus, certificate_status
from validator.pki.trust_store import Purpose, TrustStore
from validator.policy import Policy

EXPIRED_OR_REVOKED = frozenset({Reason.E_SIG_EXPIRED, Reason.E_SIG_REVOKED})
"""What an earlier proof of existence could still cure."""
Stored = Callable[[], tuple[bytes, ...]]
"""Gives certificates of the document and of the trust folder among which that of an authority for time may be."""


def place_in_time(reader: Reader, state: DocumentState, context: ValidationContext, trust: TrustStore) -> None:
    """Judge chain, revocation and time of every verified signature; faults are kept with the signature."""

    @cache
    def statements() -> tuple[EmbeddedStatement, ...]:
        return tuple(_embedded_statements(reader, state, trust, context.policy))

    evidence = Evidence(trust, context.material.revocation, context.policy, context.now, statements)

    @cache
    def stored() -> tuple[bytes, ...]:
        return (*_stored_certificates(reader), *trust.time_authorities)

    supposed = evidence  # as if every time stamp that waits for something were good
    for each in reversed(state.signatures):
        if each.signature.is_time_stamp and each.verified is not None:
            _place_time_stamp(each, each.verified, evidence, supposed)
            if (at := each.verified.signing_time) and (each.fault is None or not each.fault.is_final):
                proof = (each.signature.revision, at)
                supposed = supposed.with_proofs((*supposed.proofs, proof))
                if each.fault is None:
                    evidence = evidence.with_proofs((*evidence.proofs, proof))
    for each in state.signer_signatures:
        if each.verified is not None:
            _place_signature(each, each.verified, evidence, supposed, stored)


def _stored_certificates(reader: Reader) -> list[bytes]:
    """The certificates of the DSS, as far as they can be read."""
    found: list[bytes] = []
    with contained(lambda _: None, passing=(MemoryError,)):
        for each in stored_certificates(reader):
            found.append(each)
    return found


def _embedded_statements(
    reader: Reader, state: DocumentState, trust: TrustStore, policy: Policy
) -> Iterator[EmbeddedStatement]:
    """What the document brings along on revocation: in its signatures, in their time stamps, and in its DSS.

    Each signature has limits of its own, so that none can crowd out what another one brings.
    """
    limits, store = policy.revocation, policy.pdf
    is_known = partial(names_known_issuer, trust=trust, policy=policy)
    in_signature = EvidenceBudget(limits.max_embedded, limits.max_embedded_bytes, is_known, limits)
    in_store = EvidenceBudget(store.max_security_store_items, store.max_security_store_bytes, is_known, limits)
    for each in reversed(state.signatures):
        if each.verified is not None:
            yield from in_signature.chosen(_evidence_in(each.verified, each.signature.revision, policy))
    yield from in_store.chosen(EmbeddedStatement(*stored) for stored in stored_evidence(reader))


def _evidence_in(verified: VerifiedSignature, revision: int, policy: Policy) -> Iterator[EmbeddedStatement]:
    """What stands in a signature, which fills the hole that its own revision does not cover."""
    in_tokens = (evidence_in_token(token, policy) for token in verified.tokens[: policy.max_time_stamps])
    for kind, data in chain(verified.evidence, *in_tokens):
        yield EmbeddedStatement(kind, data, revision + 1)


def _place_time_stamp(
    each: SignatureState, verified: VerifiedSignature, evidence: Evidence, supposed: Evidence
) -> None:
    name = each.signature.field
    each.proven_at = earliest_proof(evidence.proofs, each.signature.revision)
    each.ask(lambda: check_stated_time(verified, evidence.now, evidence.policy, name))
    _judge_certificate(each, verified, Purpose.TIME, evidence)
    if supposed.proofs != evidence.proofs:
        _wait_for_proof(each, verified, Purpose.TIME, supposed, ())


def _place_signature(
    each: SignatureState, verified: VerifiedSignature, evidence: Evidence, supposed: Evidence, stored: Stored
) -> None:
    signature = each.signature
    covered_at = earliest_proof(evidence.proofs, signature.revision)
    each.time_stamps = judge_time_stamps(verified, evidence, covered_at, signature.field, stored)
    each.proven_at = earliest_proof(evidence.proofs, signature.revision, each.time_stamps)
    _judge_certificate(each, verified, Purpose.DOCUMENTS, evidence)
    stamps = each.time_stamps
    if supposed.proofs != evidence.proofs:
        covered_at = earliest_proof(supposed.proofs, signature.revision)
        stamps = judge_time_stamps(verified, supposed, covered_at, signature.field, stored)
    _wait_for_proof(each, verified, Purpose.DOCUMENTS, supposed, stamps)
    stamped_at = min((stamp.at for stamp in each.time_stamps if stamp.at), default=None)
    each.time = each.ask(lambda: _signing_time(each, verified, stamped_at, evidence))


def _wait_for_proof(
    each: SignatureState,
    verified: VerifiedSignature,
    purpose: Purpose,
    supposed: Evidence,
    stamps: Sequence[JudgedTimeStamp],
) -> None:
    """(7.7) A time stamp that cannot be judged yet could still prove that the signature is older: it waits.

    One that states a time at which the signature would be refused as well holds nothing up. ``stamps``: the signature's
    own, judged by ``supposed``.
    """
    fault, name = each.fault, each.signature.field
    if fault is None or fault.reason not in EXPIRED_OR_REVOKED:
        return
    times = [at for later, at in supposed.proofs if later > each.signature.revision]
    times += [stamp.stated for stamp in stamps if stamp.stated and (stamp.fault is None or not stamp.fault.is_final)]
    with _certificate_errors(name):
        for at in times:
            then = certificate_status(verified.certificate, purpose, supposed, at, name).fault
            if then is None or not then.is_final:
                others = [kept for kept in each.faults if kept.reason not in EXPIRED_OR_REVOKED]
                each.faults = [*others, Fault("7.7", name)]
                return


def _signing_time(
    each: SignatureState, verified: VerifiedSignature, stamped_at: datetime | None, evidence: Evidence
) -> SigningTime:
    with _certificate_errors(each.signature.field):
        certificate = verified.certificate
        certificate.check()
        return signing_time(
            verified.signing_time, each.signature.claimed_date, certificate, evidence.now, evidence.policy,
            stamped_at=stamped_at, proven_at=each.proven_at,
        )  # fmt: skip


def _certificate_errors(field: str) -> AbstractContextManager[None]:
    """(6.12) What a library raises over a certificate that was not expected."""
    return library_errors_as("6.12", field)


def _judge_certificate(each: SignatureState, verified: VerifiedSignature, purpose: Purpose, evidence: Evidence) -> None:
    name = each.signature.field

    def ask() -> CertificateStatus:
        with _certificate_errors(name):
            return certificate_status(verified.certificate, purpose, evidence, each.proven_at, name)

    each.certificate_status = each.ask(ask)
    if each.certificate_status:
        each.faults += each.certificate_status.faults
