"""Values of the extensions of certificates (RFC 5280 §4.2), each read when it is used.

Every function raises ``Unusable`` for a value that cannot be read, and answers None, or an empty value, where the
extension is absent.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass

from common.containment import Unusable, raising_unusable
from validator.cms import ber
from validator.cms.ber import Element
from validator.cms.certificate import Certificate
from validator.cms.general_names import GeneralName, NameForm, read_general_name

KEY_USAGE, ALTERNATIVE_NAMES, BASIC_CONSTRAINTS, NAME_CONSTRAINTS = "2.5.29.15", "2.5.29.17", "2.5.29.19", "2.5.29.30"
CERTIFICATE_POLICIES, POLICY_MAPPINGS, POLICY_CONSTRAINTS = "2.5.29.32", "2.5.29.33", "2.5.29.36"
EXTENDED_KEY_USAGE, INHIBIT_ANY_POLICY, FRESHEST_CRL = "2.5.29.37", "2.5.29.54", "2.5.29.46"
SUBJECT_KEY_IDENTIFIER, AUTHORITY_KEY_IDENTIFIER = "2.5.29.14", "2.5.29.35"
AUTHORITY_INFORMATION, OCSP_NO_CHECK = "1.3.6.1.5.5.7.1.1", "1.3.6.1.5.5.7.48.1.5"
ANY_POLICY = "2.5.29.32.0"
SERVER_AUTH, CODE_SIGNING = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.3"
TIME_STAMPING, OCSP_SIGNING = "1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.9"
KEY_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
)  # fmt: skip
"""Names of the bits of a key usage, the first bit first."""


@dataclass(frozen=True, slots=True)
class BasicConstraints:
    """Whether a certificate is a CA's, and how many CAs may follow below it; None = any number."""

    ca: bool
    path_length: int | None


@dataclass(frozen=True, slots=True)
class PolicyConstraints:
    """After how many further certificates a policy is required, and mappings are forbidden; None = never."""

    require_explicit_policy: int | None
    inhibit_policy_mapping: int | None


@dataclass(frozen=True, slots=True)
class NameConstraints:
    """Subtrees in which the names of all certificates below must lie, and must not lie."""

    permitted: tuple[GeneralName, ...]
    excluded: tuple[GeneralName, ...]


def is_ca(certificate: Certificate) -> bool:
    """Whether it says that it is a CA's."""
    constraints = basic_constraints(certificate)
    return constraints is not None and constraints.ca


def basic_constraints(certificate: Certificate) -> BasicConstraints | None:
    """Basic constraints (§4.2.1.9)."""
    with _named(certificate, "basic constraints"):
        value = _value(certificate, BASIC_CONSTRAINTS)
        if value is None:
            return None
        parts = list(value.expect(ber.SEQUENCE))
        ca = bool(parts) and parts[0].tag == ber.BOOLEAN and any(parts.pop(0).content)
        return BasicConstraints(ca, _small(parts.pop(0).expect(ber.INTEGER)) if parts else None)


def key_usage(certificate: Certificate) -> frozenset[str] | None:
    """Names of the usages (§4.2.1.3)."""
    with _named(certificate, "key usage"):
        value = _value(certificate, KEY_USAGE)
        return None if value is None else read_bits(value.expect(ber.BIT_STRING), KEY_USAGES)


def extended_key_usages(certificate: Certificate) -> tuple[str, ...] | None:
    """Object identifiers (§4.2.1.12)."""
    with _named(certificate, "extended key usage"):
        value = _value(certificate, EXTENDED_KEY_USAGE)
        return None if value is None else tuple(each.oid() for each in value.expect(ber.SEQUENCE))


def alternative_names(certificate: Certificate) -> tuple[GeneralName, ...]:
    """Names besides the subject (§4.2.1.6)."""
    with _named(certificate, "subject alternative name"):
        value = _value(certificate, ALTERNATIVE_NAMES)
        return () if value is None else tuple(map(read_general_name, value.expect(ber.SEQUENCE)))


def name_constraints(certificate: Certificate) -> NameConstraints | None:
    """Name constraints (§4.2.1.10)."""
    with _named(certificate, "name constraints"):
        value = _value(certificate, NAME_CONSTRAINTS)
        if value is None:
            return None
        subtrees = {part.tag: tuple(map(_subtree, part)) for part in value.expect(ber.SEQUENCE)}
        return NameConstraints(subtrees.get(0xA0, ()), subtrees.get(0xA1, ()))


def policies(certificate: Certificate) -> frozenset[str] | None:
    """Object identifiers of the certificate policies (§4.2.1.4); their qualifiers are not looked at.

    A broken extension names no policy; whether that matters is known where policies are required.
    """
    try:
        with _named(certificate, "certificate policies"):
            value = _value(certificate, CERTIFICATE_POLICIES)
            if value is None:
                return None
            return frozenset(next(iter(each.expect(ber.SEQUENCE))).oid() for each in value.expect(ber.SEQUENCE))
    except Unusable:
        if certificate.extensions[CERTIFICATE_POLICIES].critical:
            raise
        return None


def policy_mappings(certificate: Certificate) -> tuple[tuple[str, str], ...]:
    """Pairs of a policy of the issuer and one of the subject that is equivalent (§4.2.1.5)."""
    with _named(certificate, "policy mappings"):
        value = _value(certificate, POLICY_MAPPINGS)
        if value is None:
            return ()
        pairs = (list(pair.expect(ber.SEQUENCE)) for pair in value.expect(ber.SEQUENCE))
        return tuple((above.oid(), below.oid()) for above, below in pairs)


def policy_constraints(certificate: Certificate) -> PolicyConstraints:
    """Policy constraints (§4.2.1.11)."""
    with _named(certificate, "policy constraints"):
        value = _value(certificate, POLICY_CONSTRAINTS)
        given = {part.tag: _small(part) for part in value.expect(ber.SEQUENCE)} if value is not None else {}
        return PolicyConstraints(given.get(0x80), given.get(0x81))


def inhibit_any_policy(certificate: Certificate) -> int | None:
    """After how many further certificates anyPolicy does not count (§4.2.1.14)."""
    with _named(certificate, "inhibit any policy"):
        value = _value(certificate, INHIBIT_ANY_POLICY)
        return None if value is None else _small(value.expect(ber.INTEGER))


def read_bits(value: Element, names: tuple[str, ...]) -> frozenset[str]:
    """Names of the bits that are set in a bit string."""
    bits = "".join(f"{byte:08b}" for byte in value.content[1:])
    return frozenset(name for name, bit in zip(names, bits, strict=False) if bit == "1")


def _small(value: Element) -> int:
    number = value.integer()
    if number < 0:
        raise ValueError("negative")
    return number


def _subtree(subtree: Element) -> GeneralName:
    base, *rest = subtree.expect(ber.SEQUENCE)
    if any(part.tag != 0x80 or part.integer() != 0 for part in rest):
        raise ValueError("minimum or maximum")
    name = read_general_name(base)
    if name.form is NameForm.IP and len(name.raw) not in (8, 32):
        raise ValueError("address without mask")
    return name


def _value(certificate: Certificate, kind: str) -> Element | None:
    extension = certificate.extensions.get(kind)
    if extension is None:
        return None
    element = ber.read_element(extension.value, certificate.limits)
    if element.end != len(extension.value):
        raise ValueError("bytes behind the value")
    return element


def _named(certificate: Certificate, what: str) -> AbstractContextManager[None]:
    return raising_unusable(f"{what} of {certificate.subject.rfc4514_string()} not readable")
