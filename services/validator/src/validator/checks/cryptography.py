"""(5) Cryptography: the CMS of one signature, RFC 5652 §5.4-5.6, RFC 5035, EN 319 122-1.

The signed attributes are hashed as they stand in the file. Only algorithms of the policy's allow list count.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from asn1crypto import cms, tsp  # noqa: F401  tsp teaches cms the signing-certificate attributes
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from common.domain.reason import Reason
from validator.checks.algorithms import weakness_of_key
from validator.checks.fault import Fault, Step, faults
from validator.checks.structure import Signature
from validator.policy import Policy
from validator.report import SubIndication

HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
SINGLE = ("content_type", "message_digest", "signing_time", "signing_certificate", "signing_certificate_v2")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """What the CMS says once its cryptography holds."""

    certificate: x509.Certificate
    sha256: str
    signing_time: datetime | None
    """The signed attribute, as claimed."""
    digest_algorithm: str
    signature_algorithm: str
    names_certificate: bool
    """A signing-certificate-v2 attribute binds the certificate (RFC 5035)."""
    has_timestamp: bool


def check_cryptography(document: bytes, signature: Signature, policy: Policy) -> Signed:
    """Verify the CMS of one signature over the bytes it covers."""
    with faults(Step.CRYPTOGRAPHY, Reason.E_SIG_FORMAT, f"{signature.field}: CMS not readable"):
        data = _signed_data(signature)
        info = data["signer_infos"][0]
        attributes = _signed_attributes(info, signature)
        der = _signer_certificate(data, info, signature)
        certificate = x509.load_der_x509_certificate(der)
        digest = _digest_algorithm(info, policy, signature)
        scheme = _scheme(info, digest, certificate, policy, signature)
        named = _check_named_certificate(attributes, der, signature)
        _check_digest(document, signature, attributes, digest)
        _check_value(info, certificate, digest, scheme, signature)
        return Signed(
            certificate=certificate,
            sha256=hashlib.sha256(der).hexdigest(),
            signing_time=_signing_time(attributes),
            digest_algorithm=digest,
            signature_algorithm=scheme,
            names_certificate=named,
            has_timestamp=_has_timestamp(info),
        )


def _signed_data(signature: Signature) -> Any:
    # (5.1) Detached signed data with one signer.
    content = cms.ContentInfo.load(signature.cms, strict=True)
    if content["content_type"].native != "signed_data":
        raise _format(signature, "not signed data")
    data = content["content"]
    enclosed = data["encap_content_info"]
    if enclosed["content_type"].native != "data" or enclosed["content"].native is not None:
        raise _format(signature, "encloses content of its own")
    if len(data["signer_infos"]) != 1:
        raise _format(signature, "not exactly one signer")
    return data


def _signed_attributes(info: Any, signature: Signature) -> dict[str, Any]:
    # (5.2) Signed attributes: content type and digest there, none of those we read twice or with two values.
    found: dict[str, Any] = {}
    for attribute in info["signed_attrs"] or ():
        name = attribute["type"].native
        if name in SINGLE and (name in found or len(attribute["values"]) != 1):
            raise _format(signature, f"attribute {name} is not single")
        found[name] = attribute["values"]
    if "message_digest" not in found or found.get("content_type", (None,))[0] is None:
        raise _format(signature, "signed attributes missing")
    if found["content_type"][0].native != "data":
        raise _format(signature, "content type is not data")
    return found


def _signer_certificate(data: Any, info: Any, signature: Signature) -> bytes:
    # (5.3) The signer's certificate is in the CMS, once.
    embedded = {item.chosen.dump(): item.chosen for item in data["certificates"] or () if item.name == "certificate"}
    wanted = [der for der, certificate in embedded.items() if _identifies(info["sid"], certificate)]
    if len(wanted) != 1:
        raise Fault(
            Step.CRYPTOGRAPHY, Reason.E_SIG_FORMAT, SubIndication.NO_SIGNING_CERTIFICATE_FOUND,
            f"{signature.field}: signer's certificate not found",
        )  # fmt: skip
    der: bytes = wanted[0]
    return der


def _identifies(sid: Any, certificate: Any) -> bool:
    if sid.name == "issuer_and_serial_number":
        same_serial = sid.chosen["serial_number"].native == certificate.serial_number
        return bool(same_serial and sid.chosen["issuer"].dump() == certificate.issuer.dump())
    return bool(sid.chosen.native == certificate.key_identifier)


def _digest_algorithm(info: Any, policy: Policy, signature: Signature) -> str:
    # (5.4) Digest algorithm by allow list.
    name = str(info["digest_algorithm"]["algorithm"].native)
    if name not in policy.digests:
        raise _weak(signature, f"digest {name}")
    return name


def _scheme(info: Any, digest: str, certificate: x509.Certificate, policy: Policy, signature: Signature) -> str:
    # (5.5) Signature algorithm and key by allow list; its hash is that of the digest.
    try:
        key = certificate.public_key()
    except Exception as error:
        raise _weak(signature, f"key not supported: {type(error).__name__}") from error
    if weakness := weakness_of_key(key, policy):
        raise _weak(signature, weakness)
    algorithm = info["signature_algorithm"]
    scheme = str(algorithm.signature_algo)
    fitting = {"rsassa_pkcs1v15": rsa.RSAPublicKey, "rsassa_pss": rsa.RSAPublicKey, "ecdsa": ec.EllipticCurvePublicKey}
    if scheme not in fitting or not isinstance(key, fitting[scheme]):
        raise _weak(signature, f"signature algorithm {scheme}")
    named = str(algorithm["algorithm"].native)
    if scheme == "rsassa_pss":
        _check_pss(algorithm, digest, signature)
    elif named not in ("rsassa_pkcs1v15", "ecdsa") and algorithm.hash_algo != digest:
        raise _weak(signature, f"{named} with digest {digest}")
    return scheme


def _check_pss(algorithm: Any, digest: str, signature: Signature) -> None:
    parameters = algorithm["parameters"]
    mask = parameters["mask_gen_algorithm"]
    same = parameters["hash_algorithm"]["algorithm"].native == digest
    same = same and mask["algorithm"].native == "mgf1" and mask["parameters"]["algorithm"].native == digest
    if not same or parameters["salt_length"].native < 20:
        raise _weak(signature, "PSS parameters")


def _check_named_certificate(attributes: dict[str, Any], der: bytes, signature: Signature) -> bool:
    """(5.6) The signing-certificate-v2 attribute, where there is one, names this certificate; PAdES requires it."""
    if "signing_certificate_v2" not in attributes:
        if signature.subfilter == "/ETSI.CAdES.detached":
            raise _format(signature, "signing-certificate-v2 attribute missing")
        return False
    named = attributes["signing_certificate_v2"][0]["certs"][0]
    algorithm = str(named["hash_algorithm"]["algorithm"].native)
    if algorithm not in HASHES:
        raise _weak(signature, f"signing-certificate-v2 with {algorithm}")
    if hashlib.new(algorithm, der).digest() != named["cert_hash"].native:
        raise _format(signature, "signing-certificate-v2 names another certificate")
    return True


def _check_digest(document: bytes, signature: Signature, attributes: dict[str, Any], digest: str) -> None:
    # (5.7) The digest of the covered bytes is the signed one.
    state = hashlib.new(digest)
    for part in signature.signed_bytes(document):
        state.update(part)
    if state.digest() != attributes["message_digest"][0].native:
        text = f"{signature.field}: the document was changed"
        raise Fault(Step.CRYPTOGRAPHY, Reason.E_SIG_DIGEST, SubIndication.HASH_FAILURE, text)


def _check_value(info: Any, certificate: x509.Certificate, digest: str, scheme: str, signature: Signature) -> None:
    # (5.8) The signature value over the signed attributes; RFC 5652 §5.4: as SET OF, tag 31h.
    attributes = info["signed_attrs"].dump()
    algorithm = HASHES[digest]
    message = hashlib.new(digest, b"\x31" + attributes[1:]).digest()
    value = info["signature"].native
    try:
        _verify(certificate.public_key(), value, message, algorithm, scheme, info)
    except InvalidSignature:
        text = f"{signature.field}: signature value is wrong"
        raise Fault(Step.CRYPTOGRAPHY, Reason.E_SIG_VALUE, SubIndication.SIG_CRYPTO_FAILURE, text) from None


def _verify(key: object, value: bytes, message: bytes, algorithm: hashes.HashAlgorithm, scheme: str, info: Any) -> None:
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(value, message, ec.ECDSA(Prehashed(algorithm)))
    elif isinstance(key, rsa.RSAPublicKey) and scheme == "rsassa_pss":
        salt = int(info["signature_algorithm"]["parameters"]["salt_length"].native)
        key.verify(value, message, padding.PSS(padding.MGF1(algorithm), salt), Prehashed(algorithm))
    elif isinstance(key, rsa.RSAPublicKey):
        key.verify(value, message, padding.PKCS1v15(), Prehashed(algorithm))
    else:
        raise InvalidSignature


def _signing_time(attributes: dict[str, Any]) -> datetime | None:
    if "signing_time" not in attributes:
        return None
    claimed = attributes["signing_time"][0].native
    return claimed.astimezone(UTC) if isinstance(claimed, datetime) else None


def _has_timestamp(info: Any) -> bool:
    return any(attribute["type"].native == "signature_time_stamp_token" for attribute in info["unsigned_attrs"] or ())


def _format(signature: Signature, detail: str) -> Fault:
    text = f"{signature.field}: {detail}"
    return Fault(Step.CRYPTOGRAPHY, Reason.E_SIG_FORMAT, SubIndication.FORMAT_FAILURE, text)


def _weak(signature: Signature, detail: str) -> Fault:
    text = f"{signature.field}: {detail}"
    return Fault(Step.CRYPTOGRAPHY, Reason.E_SIG_WEAK_ALG, SubIndication.CRYPTO_CONSTRAINTS_FAILURE, text)
