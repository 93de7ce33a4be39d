"""Answers of OCSP responders that a document brings along (RFC 6960). No responder is ever asked.

An answer counts like a list with one certificate on it. It must be signed by the CA that issued the certificate, or by
a responder that this CA certified for it.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from common.containment import Unusable
from validator.cms.certificate import Certificate
from validator.cms.extensions import OCSP_NO_CHECK, OCSP_SIGNING, extended_key_usages
from validator.cms.public_key import key_bits
from validator.cms.signature_scheme import DIGESTS
from validator.cms.signed_object import is_issued_by, is_signed_by
from validator.pki.algorithms import weakness_of_key, weakness_of_signature
from validator.pki.ocsp_response import OcspResponse, SingleAnswer, read_response
from validator.pki.statement import RevokedEntry, Statement
from validator.policy import Policy
from validator.report.vocabulary import StatusKind

KNOWN_DIGESTS = frozenset(DIGESTS.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class OcspAnswer(Statement):
    """What a responder says about one certificate."""

    kind: StatusKind = StatusKind.OCSP
    answer: SingleAnswer
    responder: Certificate | None
    """Whom the CA certified to answer; None = the CA itself."""

    @property
    def needs_good_responder(self) -> bool:
        """Whether a statement "not revoked" about the responder is needed: it does not say that none is."""
        return self.responder is not None and OCSP_NO_CHECK not in self.responder.extensions

    def is_about(self, certificate: Certificate, issuer: Certificate) -> bool:
        """Whether it is about this certificate of this issuer, who is named by key and by the hash of its name."""
        numbers = certificate.listed_numbers if self.answer.revoked_at else (certificate.serial_number,)
        named = (_digest(self.answer.digest, raw) for raw in (issuer.subject_raw, certificate.issuer_raw))
        return (
            self.answer.serial in numbers
            and self.signers[0].key_info == issuer.key_info
            and self.answer.name_hash in named
        )

    def entry(self, certificate: Certificate) -> RevokedEntry | None:
        """The revocation it speaks of; None = not revoked."""
        since = self.answer.revoked_at
        about = self.answer.serial in certificate.listed_numbers
        return RevokedEntry(since, self.answer.on_hold) if since and about else None


def read_answers(authorities: Iterable[Certificate], data: bytes, policy: Policy) -> list[OcspAnswer]:
    """The authentic answers of one response, one for each certificate whose key signed it. Raises ``Unusable``.

    An answer that speaks of a time after the response was made contradicts itself, and is left out.
    """
    response = read_response(data, policy)
    if weakness := weakness_of_signature(response.signed, policy):
        raise Unusable(f"signed with {weakness}")
    sha256, named = hashlib.sha256(data).hexdigest(), authorities_named(response.answers, authorities, policy)
    signers: dict[Certificate, list[Certificate]] = {}
    answers: list[OcspAnswer] = []
    for single in response.answers:
        if single.this_update - response.produced_at > policy.clock_grace:
            continue
        for authority in named.get((single.digest, single.key_hash), ()):
            if authority not in signers:
                signers[authority] = _signers(response, authority, policy)
            if signers[authority]:
                answers += [_answer(single, authority, signer, sha256) for signer in signers[authority]]
                break
    return answers


def authorities_named(
    answers: Sequence[SingleAnswer], authorities: Iterable[Certificate], policy: Policy
) -> dict[tuple[str, bytes], list[Certificate]]:
    """The CAs by digest algorithm and digest of their keys, as answers name them, for the algorithms used there."""
    algorithms = {single.digest for single in answers} & KNOWN_DIGESTS
    named: dict[tuple[str, bytes], list[Certificate]] = {}
    for authority in authorities if algorithms else ():
        bits = key_bits(authority.key_info, policy.cms)
        for algorithm in algorithms:
            named.setdefault((algorithm, _digest(algorithm, bits)), []).append(authority)
    return named


def _digest(algorithm: str, data: bytes) -> bytes:
    return hashlib.new(algorithm, data).digest()


def _signers(response: OcspResponse, authority: Certificate, policy: Policy) -> list[Certificate]:
    # (7.5) Signed by the CA itself, or by a responder that it certified for this: by each certificate of that key.
    if _has_signed(response, authority, policy):
        return [authority]
    responders = dict.fromkeys(_responders(response, authority, policy))
    return [each for each in responders if _has_signed(response, each, policy)]


def _has_signed(response: OcspResponse, signer: Certificate, policy: Policy) -> bool:
    return not weakness_of_key(signer.public_key, policy) and is_signed_by(response.signed, signer)


def _responders(response: OcspResponse, authority: Certificate, policy: Policy) -> Iterator[Certificate]:
    at = response.produced_at
    for certificate in response.certificates:
        try:
            usages = extended_key_usages(certificate) or ()
        except Unusable:
            continue
        if (
            OCSP_SIGNING in usages
            and certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc
            and not weakness_of_signature(certificate.signed, policy)
            and is_issued_by(certificate, authority)
        ):
            yield certificate


def _answer(single: SingleAnswer, authority: Certificate, signer: Certificate, sha256: str) -> OcspAnswer:
    since = single.revoked_at
    return OcspAnswer(
        issuer=authority.subject,
        signers=(authority,),
        sha256=sha256,
        number=None,
        this_update=single.this_update,
        next_update=single.next_update,
        entries={single.serial: (int(since.timestamp()), single.on_hold)} if since else {},
        embedded=True,
        answer=single,
        responder=signer if signer != authority else None,
    )
