"""(5) Cryptography: the CMS of one signature, RFC 5652 §5.4-5.6, RFC 5035, EN 319 122-1; of a time stamp, RFC 3161.

The signed attributes are hashed as they stand in the file. What is *wrong* ends here; what is right but *old* (SHA-1,
short keys) is told apart by ``check_strength``, so that integrity can be named even where a document does not count.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from cryptography import x509

from common.domain.reason import Reason
from validator.checks.structure import Signature
from validator.cms import ber, raw_rsa
from validator.cms import signed_data as cms
from validator.fault import Fault, Step, faults
from validator.pdf.digests import Covered
from validator.pki import certificates
from validator.pki.algorithms import weakness_of_key
from validator.pki.evidence import stored_certificates
from validator.policy import Policy
from validator.report.model import SubIndication

TIME_STAMP, SHA1_INSIDE = "/ETSI.RFC3161", "/adbe.pkcs7.sha1"
KNOWN = frozenset(cms.HASHES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What the CMS says once its cryptography holds."""

    der: bytes
    """The signer's certificate."""
    sha256: str
    signing_time: datetime | None
    """The signed attribute, as claimed; of a time stamp, its time."""
    digest_algorithm: str
    signature_algorithm: str
    names_certificate: bool
    """A signing-certificate attribute binds the certificate (RFC 5035)."""
    weakness: str
    """Why the algorithms do not count; empty = they do."""
    irregular: str
    """Why the form does not count although the value is right; empty = it does."""
    value: bytes
    """The signature value, which a signature time stamp covers."""
    tokens: tuple[bytes, ...]
    """Signature time stamps, not looked at yet."""
    extended: "Stamped | None" = None
    """What a time stamp says."""

    @property
    def certificate(self) -> x509.Certificate:
        """Raises ``ValueError`` for a certificate that cannot be read whole."""
        return certificates.parsed(self.der)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamped:
    """The content of a time stamp (TSTInfo, RFC 3161 §2.4.2)."""

    at: datetime
    digest: str
    imprint: bytes
    serial: int
    policy: str


def check_cryptography(document: bytes, signature: Signature, policy: Policy) -> Signed:
    """Verify the CMS of one signature over the bytes it covers. A document time stamp is a signature of its kind."""
    with faults(Step.CRYPTOGRAPHY, Reason.E_SIG_FORMAT, f"{signature.field}: CMS not readable"):
        covered = signature.signed_bytes(document)
        try:
            if signature.subfilter == TIME_STAMP:
                return read_token(signature.cms, covered, policy, stored_certificates(signature.embedded.reader))
            if signature.certificate is not None:
                return _raw(signature.cms, signature.certificate, covered)
            return _signature(signature, covered, policy)
        except _Wrong as wrong:
            text = f"{signature.field}: {wrong}"
            raise Fault(Step.CRYPTOGRAPHY, wrong.reason, wrong.sub_indication, text) from wrong
        except cms.Malformed as error:
            raise _format(signature, str(error)) from error


def check_strength(signed: Signed, field: str) -> None:
    """Algorithms by allow list (5.4, 5.5) and the form that the policy asks for."""
    if signed.weakness:
        text = f"{field}: {signed.weakness}"
        raise Fault(Step.CRYPTOGRAPHY, Reason.E_SIG_WEAK_ALG, SubIndication.CRYPTO_CONSTRAINTS_FAILURE, text)
    if signed.irregular:
        text = f"{field}: {signed.irregular}"
        raise Fault(Step.CRYPTOGRAPHY, Reason.E_SIG_FORMAT, SubIndication.SIG_CONSTRAINTS_FAILURE, text)


def read_token(
    token: bytes, covered: Iterable[bytes | memoryview], policy: Policy, stored: Iterable[bytes] = ()
) -> Signed:
    """A time stamp over the covered bytes. Raises ``ValueError``; nothing is said about who made it.

    ``stored``: DER of certificates among which its authority's may be, where the token holds none (RFC 3161 §2.4.1).
    """
    data = cms.read(token)
    if not data.certificates:
        data = replace(data, certificates=tuple(stored))
    if data.content_type != cms.TST_INFO or data.content is None:
        raise cms.Malformed("not a time stamp")
    stamped = _stamped(data.content)
    if stamped.digest not in KNOWN:
        raise _weak(f"time stamp over digest {stamped.digest}")
    # (5.7) The stamped digest is that of the covered bytes.
    if _digest(covered, stamped.digest) != stamped.imprint:
        raise _Wrong(Reason.E_SIG_DIGEST, SubIndication.HASH_FAILURE, "the document was changed")
    return _verified(data, data.content, policy, stamped)


def _stamped(content: bytes) -> Stamped:
    version, policy, imprint, serial, at, *_ = ber.whole(content)
    if version.integer() != 1:
        raise cms.Malformed("version of the time stamp not known")
    algorithm, digest = imprint.expect(ber.SEQUENCE)
    return Stamped(
        at=at.expect(ber.GENERALIZED_TIME).time(),
        digest=cms.digest_of(algorithm),
        imprint=digest.expect(ber.OCTET_STRING).content,
        serial=serial.integer(),
        policy=policy.oid(),
    )


def _signature(signature: Signature, covered: tuple[memoryview, memoryview], policy: Policy) -> Signed:
    # (5.1) Detached signed data with one signer; the older form encloses the SHA-1 digest of the document.
    data = cms.read(signature.cms)
    if data.content_type != cms.DATA:
        raise cms.Malformed("encloses content of its own")
    if signature.subfilter != SHA1_INSIDE:
        if data.content is not None:
            raise cms.Malformed("encloses content of its own")
        return _verified(data, covered, policy, None)
    if data.content is None or data.content != _digest(covered, "sha1"):
        raise _Wrong(Reason.E_SIG_DIGEST, SubIndication.HASH_FAILURE, "the document was changed")
    # What binds the document is SHA-1, whatever the attributes around it are hashed with.
    read = _verified(data, data.content, policy, None)
    return replace(read, weakness=read.weakness or "digest sha1")


def _raw(contents: bytes, certificate: bytes, covered: Covered) -> Signed:
    """A value without a message (5.8): it says whether the document was changed, and counts for nothing more."""
    digest = raw_rsa.digest_of(contents, certificate, covered.digest)
    if digest is None:
        raise _Wrong(Reason.E_SIG_VALUE, SubIndication.SIG_CRYPTO_FAILURE, "signature value is wrong")
    return Signed(
        der=certificate,
        sha256=certificates.sha256(certificate),
        signing_time=None,
        digest_algorithm=digest,
        signature_algorithm=cms.RSA,
        names_certificate=False,
        weakness="raw RSA signature",
        irregular="no signed attributes",
        value=contents,
        tokens=(),
    )


def _verified(
    data: cms.SignedData, content: bytes | tuple[memoryview, memoryview], policy: Policy, stamped: Stamped | None
) -> Signed:
    parts = (content,) if isinstance(content, bytes) else content
    der = _signer_certificate(data)
    key = certificates.public_key(der)
    scheme = cms.scheme_of(data.algorithm, data.digest)
    if data.digest not in KNOWN or scheme.digest not in KNOWN:
        raise _weak(f"digest {data.digest}")
    binds = _check_named_certificate(data, der)
    irregular = _check_attributes(data, parts)
    # (5.8) The signature value, over the signed attributes as they stand.
    over = _digest(parts, scheme.digest) if data.signed is None else None
    if not cms.verify_value(data, key, scheme, over):
        raise _Wrong(Reason.E_SIG_VALUE, SubIndication.SIG_CRYPTO_FAILURE, "signature value is wrong")
    claimed = data.one(cms.SIGNING_TIME)
    return Signed(
        der=der,
        sha256=certificates.sha256(der),
        signing_time=stamped.at if stamped else claimed.time() if claimed else None,
        digest_algorithm=data.digest,
        signature_algorithm=scheme.name,
        names_certificate=binds,
        weakness=_weakness(data, key, scheme, policy, stamped),
        irregular=irregular,
        value=data.value,
        tokens=data.tokens,
        extended=stamped,
    )


def _signer_certificate(data: cms.SignedData) -> bytes:
    # (5.3) The signer's certificate is in the CMS, once.
    try:
        return data.certificate()
    except cms.Malformed as error:
        text = "signer's certificate not found"
        raise _Wrong(Reason.E_SIG_FORMAT, SubIndication.NO_SIGNING_CERTIFICATE_FOUND, text) from error


def _check_attributes(data: cms.SignedData, parts: Iterable[bytes | memoryview]) -> str:
    # (5.2) Signed attributes: content type and digest there, none of those we read twice or with two values.
    if data.signed is None:
        return "no signed attributes"
    kind, digest = data.one(cms.CONTENT_TYPE), data.one(cms.MESSAGE_DIGEST)
    if kind is None or digest is None:
        raise cms.Malformed("signed attributes missing")
    if kind.oid() != data.content_type:
        raise cms.Malformed("content type is another one")
    # (5.7) The digest of the covered bytes is the signed one.
    if _digest(parts, data.digest) != digest.expect(ber.OCTET_STRING).content:
        raise _Wrong(Reason.E_SIG_DIGEST, SubIndication.HASH_FAILURE, "the document was changed")
    return ""


def _weakness(data: cms.SignedData, key: object, scheme: cms.Scheme, policy: Policy, stamped: Stamped | None) -> str:
    # (5.4) Digest algorithm by allow list.
    for digest in (data.digest, scheme.digest, stamped.digest if stamped else data.digest):
        if digest not in policy.digests:
            return f"digest {digest}"
    # (5.5) Signature algorithm and key by allow list; its hash is that of the digest.
    if weakness := weakness_of_key(key, policy):
        return weakness
    if scheme.name not in policy.schemes:
        return f"signature algorithm {scheme.name}"
    if not scheme.is_named_alike:
        return f"{scheme.name} with {scheme.digest} and digest {data.digest}"
    if scheme.pss and (scheme.pss[0] != data.digest or scheme.pss[1] < policy.min_pss_salt):
        return "PSS parameters"
    return ""


def _check_named_certificate(data: cms.SignedData, der: bytes) -> bool:
    """(5.6) A signing-certificate attribute, where there is one, names this certificate."""
    found = cms.named_certificate(data)
    if found is None:
        return False
    digest, value = found
    if digest not in KNOWN:
        raise _weak(f"signing-certificate attribute with {digest}")
    if hashlib.new(digest, der).digest() != value:
        raise cms.Malformed("the signing-certificate attribute names another certificate")
    return True


def _digest(parts: Iterable[bytes | memoryview], algorithm: str) -> bytes:
    if isinstance(parts, Covered):
        return parts.digest(algorithm)
    state = hashlib.new(algorithm)
    for part in parts:
        state.update(part)
    return state.digest()


class _Wrong(ValueError):
    def __init__(self, reason: Reason, sub_indication: SubIndication, text: str) -> None:
        super().__init__(text)
        self.reason = reason
        self.sub_indication = sub_indication


def _weak(text: str) -> _Wrong:
    return _Wrong(Reason.E_SIG_WEAK_ALG, SubIndication.CRYPTO_CONSTRAINTS_FAILURE, text)


def _format(signature: Signature, detail: str) -> Fault:
    text = f"{signature.field}: {detail}"
    return Fault(Step.CRYPTOGRAPHY, Reason.E_SIG_FORMAT, SubIndication.FORMAT_FAILURE, text)
