"""Answers of OCSP responders that a document brings along (RFC 6960). No responder is ever asked.

An answer counts like a list with one certificate on it. It must be signed by the CA that issued the certificate, or by
a responder that this CA certified for it.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import Hash, HashAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from validator.cms import ber
from validator.pki.algorithms import weakness_of_hash, weakness_of_key
from validator.pki.certificates import issuer_key
from validator.pki.crl import Crl
from validator.policy import Policy
from validator.report.vocabulary import StatusKind


@dataclass(frozen=True, slots=True, kw_only=True)
class OcspAnswer(Crl):
    """What a responder says about one certificate."""

    serial: int

    def speaks_of(self, certificate: x509.Certificate, *, authority: bool) -> bool:  # noqa: ARG002
        """Whether it is about this certificate."""
        return certificate.serial_number == self.serial


def read_answers(
    authorities: Iterable[x509.Certificate], data: bytes, policy: Policy, known_at: datetime | None = None
) -> list[OcspAnswer]:
    """The authentic answers of one response. Raises ``ValueError``.

    ``known_at``: when the response is proved to have existed; None = now.
    """
    response = ocsp.load_der_ocsp_response(data)
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise ValueError("responder gave no answer")
    if weakness := weakness_of_hash(response.signature_hash_algorithm, policy):
        raise ValueError(f"signed with {weakness}")
    known, answers = tuple(authorities), []
    for number, single in enumerate(response.responses):
        if number >= policy.revocation.max_ocsp_answers:
            raise ValueError("too many answers")
        if single.certificate_status is ocsp.OCSPCertStatus.UNKNOWN:
            continue
        for authority in known:
            if _is_about(single, authority, policy) and _is_authentic(response, authority, policy):
                answers.append(_answer(single, authority, data, known_at))
                break
    return answers


def _is_about(single: ocsp.OCSPSingleResponse, authority: x509.Certificate, policy: Policy) -> bool:
    algorithm = single.hash_algorithm
    return (
        _digest(algorithm, authority.subject.public_bytes()) == single.issuer_name_hash
        and _digest(algorithm, _key_bits(authority, policy)) == single.issuer_key_hash
    )


def _digest(algorithm: HashAlgorithm, data: bytes) -> bytes:
    state = Hash(algorithm)
    state.update(data)
    return state.finalize()


def _key_bits(certificate: x509.Certificate, policy: Policy) -> bytes:
    info = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return list(ber.read_whole(info, policy.cms))[1].expect(ber.BIT_STRING).content[1:]


def _is_authentic(response: ocsp.OCSPResponse, authority: x509.Certificate, policy: Policy) -> bool:
    # (7.5) Signed by the CA itself, or by a responder that it certified for this and nothing else.
    return any(
        not weakness_of_key(signer.public_key(), policy) and _is_signed_by(response, signer)
        for signer in (authority, *_responders(response, authority, policy))
    )


def _responders(response: ocsp.OCSPResponse, authority: x509.Certificate, policy: Policy) -> Iterator[x509.Certificate]:
    for certificate in response.certificates[: policy.revocation.max_ocsp_answers]:
        try:
            certificate.verify_directly_issued_by(authority)
            usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
            certificate.extensions.get_extension_for_class(x509.OCSPNoCheck)
        except (InvalidSignature, ValueError, TypeError, x509.ExtensionNotFound):
            continue
        at = response.produced_at_utc
        if (
            ExtendedKeyUsageOID.OCSP_SIGNING in usages
            and certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc
            and not weakness_of_hash(certificate.signature_hash_algorithm, policy)
        ):
            yield certificate


def _is_signed_by(response: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    key, algorithm = signer.public_key(), response.signature_hash_algorithm
    if algorithm is None:
        return False
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(response.signature, response.tbs_response_bytes, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(algorithm))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _answer(
    single: ocsp.OCSPSingleResponse, authority: x509.Certificate, data: bytes, known_at: datetime | None
) -> OcspAnswer:
    entries: dict[int, tuple[int, bool]] = {}
    if (since := single.revocation_time_utc) is not None:
        on_hold = single.revocation_reason is x509.ReasonFlags.certificate_hold
        entries[single.serial_number] = (int(since.timestamp()), on_hold)
    return OcspAnswer(
        issuer=issuer_key(authority),
        sha256=hashlib.sha256(data).hexdigest(),
        number=None,
        this_update=single.this_update_utc,
        next_update=single.next_update_utc,
        entries=entries,
        kind=StatusKind.OCSP,
        embedded=True,
        known_at=known_at,
        serial=single.serial_number,
    )
