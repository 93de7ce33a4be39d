"""(5) Cryptography: the CMS of a signature (RFC 5652 §5.4-5.6, RFC 5035, EN 319 122-1), or of a time stamp (RFC 3161).

The signed attributes are hashed as they stand in the file. What is *wrong* ends here; what is right but *old* (SHA-1,
short keys) is a shortcoming, so that integrity can be named even where a document does not count.
"""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from itertools import chain

from common.containment import Unusable, contained
from validator.checks.signature import SHA1_INSIDE, Signature
from validator.checks.verified_signature import Shortcoming, VerifiedSignature, WrongSignature
from validator.cms import ber, signed_data
from validator.cms.certificate import read_certificate, sha256
from validator.cms.malformed import AmbiguousAttribute, Malformed
from validator.cms.raw_rsa import matching_digest
from validator.cms.signature_scheme import HASHES, RSA, Scheme, UnknownAlgorithm, read_scheme
from validator.cms.signed_data import SignedData, is_signature_right, named_certificate, read_signed_data
from validator.cms.time_stamp import TimeStampInfo, read_time_stamp_info
from validator.fault import Fault, library_errors_as
from validator.pdf.security_store import stored_certificates
from validator.pki.algorithms import weakness_of_key, weakness_of_scheme
from validator.policy import Policy
from validator.report.vocabulary import StatusKind

KNOWN = frozenset(HASHES)
UNVERIFIABLE = frozenset({"5.3", "5.4", "5.5b", "5.9"})
"""Rules without which a value cannot be verified here, right or wrong."""

Digest = Callable[[str], bytes]
"""Digest of some bytes, by the name of the algorithm."""


def check_cryptography(signature: Signature, policy: Policy, known: Iterable[bytes] = ()) -> VerifiedSignature:
    """Verify the CMS of one signature over the bytes it covers, be it a signature or a document time stamp.

    ``known``: DER of certificates of authorities for time, for a time stamp that holds none. Raises ``Fault``.
    """
    with library_errors_as("5.1", signature.field):
        try:
            if signature.is_time_stamp:
                stored = chain(stored_certificates(signature.embedded.reader), known)
                return read_token(signature.cms, signature.covered.digest, policy, stored)
            if signature.certificate is not None:
                return _verify_raw(signature.cms, signature.certificate, signature.covered.digest, policy)
            return _verify_signature(signature, policy)
        except (WrongSignature, Malformed) as error:
            raise Fault(rule_of(error), signature.field, str(error)) from error


def check_strength(verified: VerifiedSignature, field: str) -> None:
    """Algorithms by allow list (5.4, 5.5), and signed attributes (5.2). Raises ``Fault``."""
    shortcoming = verified.weakness or verified.irregularity
    if shortcoming:
        raise Fault(shortcoming.rule, field, shortcoming.text)


def read_token(token: bytes, covered: Digest, policy: Policy, stored: Iterable[bytes] = ()) -> VerifiedSignature:
    """A time stamp over the covered bytes; nothing is said about who made it. Raises ``ValueError``.

    ``stored``: DER of certificates among which its authority's may be, where the token does not hold it (RFC 3161
    §2.4.1, certReq); looked at only then.
    """
    data = read_signed_data(token, policy.cms)
    if data.content_type != signed_data.TST_INFO or data.content is None:
        raise Malformed("not a time stamp")
    info = read_time_stamp_info(data.content, policy.cms)
    if info.digest not in KNOWN:
        raise WrongSignature("5.4", f"time stamp over digest {info.digest}")
    # (5.7) The stamped digest is that of the covered bytes.
    if covered(info.digest) != info.imprint:
        raise WrongSignature("5.7")
    return _verified(data, _digest_of(data.content), policy, info, stored)


def evidence_in_token(token: bytes, policy: Policy) -> tuple[tuple[StatusKind, bytes], ...]:
    """Revocation lists and OCSP responses that a time stamp brings along, not verified yet."""
    found: list[tuple[StatusKind, bytes]] = []
    with contained(lambda _: None, passing=(MemoryError,)):
        found += read_signed_data(token, policy.cms).revocation_evidence()
    return tuple(found)


def _verify_signature(signature: Signature, policy: Policy) -> VerifiedSignature:
    # (5.1) Detached signed data with one signer; the older form encloses the SHA-1 digest of the document.
    data, covered = read_signed_data(signature.cms, policy.cms), signature.covered.digest
    if data.content_type != signed_data.DATA:
        raise Malformed("encloses content of its own")
    if signature.subfilter != SHA1_INSIDE:
        if data.content is not None:
            raise Malformed("encloses content of its own")
        return _verified(data, covered, policy, None)
    if data.content is None or data.content != covered("sha1"):
        raise WrongSignature("5.7")
    # What binds the document is SHA-1, whatever the attributes around it are hashed with.
    verified = _verified(data, _digest_of(data.content), policy, None)
    return replace(verified, weakness=verified.weakness or Shortcoming("5.4", "digest sha1"))


def _verify_raw(contents: bytes, certificate: bytes, covered: Digest, policy: Policy) -> VerifiedSignature:
    """A value without a message (5.8): it says whether the document was changed, and counts for nothing more."""
    digest = matching_digest(contents, certificate, covered, policy.cms)
    if digest is None:
        raise WrongSignature("5.8")
    return VerifiedSignature(
        der=certificate,
        sha256=sha256(certificate),
        signing_time=None,
        digest_algorithm=digest,
        signature_algorithm=RSA,
        names_certificate=False,
        weakness=Shortcoming("5.5a", "raw RSA signature"),
        irregularity=Shortcoming("5.2b", "no signed attributes"),
        value=contents,
        tokens=(),
    )


def _verified(
    data: SignedData, content: Digest, policy: Policy, info: TimeStampInfo | None, stored: Iterable[bytes] = ()
) -> VerifiedSignature:
    """``content``: digest of the content, enclosed or covered. ``info``: of a time stamp."""
    try:
        return _verified_value(data, content, policy, info, stored)
    except (WrongSignature, Malformed) as error:
        if rule_of(error) in UNVERIFIABLE and data.signed is not None and data.digest in KNOWN:
            _check_attributes(data, content)  # a change shows without the value
        raise


def _verified_value(
    data: SignedData, content: Digest, policy: Policy, info: TimeStampInfo | None, stored: Iterable[bytes]
) -> VerifiedSignature:
    der = _signer_certificate(data, stored)
    key = _signer_key(der, policy)
    scheme = read_scheme(data.algorithm, data.digest)
    if data.digest not in KNOWN or scheme.digest not in KNOWN:
        raise WrongSignature("5.4", f"digest {data.digest}")
    names_certificate = _check_named_certificate(data, der)
    if data.signed is not None:
        _check_attributes(data, content)
    # (5.8) The signature value, over the signed attributes as they stand.
    if not is_signature_right(data, key, scheme, content(scheme.digest) if data.signed is None else None):
        raise WrongSignature("5.8")
    return VerifiedSignature(
        der=der,
        sha256=sha256(der),
        signing_time=info.at if info else _claimed_time(data),
        digest_algorithm=data.digest,
        signature_algorithm=scheme.name,
        names_certificate=names_certificate,
        weakness=_weak_digest(data, scheme, policy, info) or _weak_scheme(key, scheme, policy),
        irregularity=Shortcoming("5.2b", "no signed attributes") if data.signed is None else None,
        value=data.value,
        tokens=data.time_stamp_tokens,
        time_stamp=info,
        certificates=data.certificates,
        evidence=tuple(data.revocation_evidence()),
    )


def _signer_certificate(data: SignedData, stored: Iterable[bytes]) -> bytes:
    # (5.3) The signer's certificate is in the CMS; of several with one key, the signing-certificate attribute names one
    fitting = data.signer_certificates() or replace(data, certificates=tuple(stored)).signer_certificates()
    if len(fitting) > 1:
        fitting = [der for der in fitting if _is_named(data, der)]
    if len(fitting) != 1:
        raise WrongSignature("5.3")
    return fitting[0]


def _is_named(data: SignedData, der: bytes) -> bool:
    named = named_certificate(data)
    return named is not None and named[0] in KNOWN and hashlib.new(named[0], der).digest() == named[1]


def _signer_key(der: bytes, policy: Policy) -> object:
    # (5.9) The signer's key can be read.
    try:
        return read_certificate(der, policy.cms).public_key
    except Unusable as error:
        raise WrongSignature("5.9", str(error)) from error


def _claimed_time(data: SignedData) -> datetime | None:
    """The signed attribute signing-time; None where it is absent, ambiguous or not readable: it proves nothing."""
    try:
        claimed = data.one(signed_data.SIGNING_TIME)
        return claimed.time() if claimed else None
    except ValueError:
        return None


def _check_attributes(data: SignedData, content: Digest) -> None:
    # (5.2) Signed attributes: content type and digest there, none of those we read twice or with two values.
    kind, digest = data.one(signed_data.CONTENT_TYPE), data.one(signed_data.MESSAGE_DIGEST)
    if kind is None or digest is None:
        raise WrongSignature("5.2a")
    if kind.oid() != data.content_type:
        raise WrongSignature("5.2a", "content type is another one")
    # (5.7) The digest of the covered bytes is the signed one.
    if content(data.digest) != digest.expect(ber.OCTET_STRING).content:
        raise WrongSignature("5.7")


def _weak_digest(data: SignedData, scheme: Scheme, policy: Policy, info: TimeStampInfo | None) -> Shortcoming | None:
    # (5.4) Digest algorithms by allow list.
    for digest in (data.digest, scheme.digest, info.digest if info else data.digest):
        if digest not in policy.digests:
            return Shortcoming("5.4", f"digest {digest}")
    return None


def _weak_scheme(key: object, scheme: Scheme, policy: Policy) -> Shortcoming | None:
    # (5.5) Signature algorithm and key by allow list; its hash is that of the digest.
    if weakness := weakness_of_key(key, policy):
        return Shortcoming("5.5a", weakness)
    if weakness := weakness_of_scheme(scheme, policy):
        return Shortcoming("5.5a", weakness)
    return None


def _check_named_certificate(data: SignedData, der: bytes) -> bool:
    """(5.6) A signing-certificate attribute, where there is one, names this certificate. Returns whether there is."""
    named = named_certificate(data)
    if named is None:
        return False
    digest, value = named
    if digest not in KNOWN:
        raise WrongSignature("5.4", f"signing-certificate attribute with {digest}")
    if hashlib.new(digest, der).digest() != value:
        raise WrongSignature("5.6")
    return True


def _digest_of(content: bytes) -> Digest:
    return lambda algorithm: hashlib.new(algorithm, content).digest()


def rule_of(error: WrongSignature | Malformed) -> str:
    """Number of the rule of (5) that does not hold."""
    if isinstance(error, WrongSignature):
        return error.rule
    if isinstance(error, UnknownAlgorithm):
        return "5.5b"
    return "5.2a" if isinstance(error, AmbiguousAttribute) else "5.1"
