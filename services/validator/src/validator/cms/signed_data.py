"""Signed data of a CMS (RFC 5652) as far as signatures of documents and time stamps need it.

Read in place over ``validator.cms.ber``. Nothing here decides what counts.
"""

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from common.containment import contained
from validator.cms import ber
from validator.cms.ber import Element
from validator.cms.certificate import Certificate, read_certificate
from validator.cms.malformed import AmbiguousAttribute, Malformed
from validator.cms.names import read_name
from validator.cms.public_key import key_bits
from validator.cms.signature_scheme import Scheme, digest_name, is_value_right
from validator.policy import CmsLimits
from validator.report.vocabulary import StatusKind

SIGNED_DATA, DATA, TST_INFO = "1.2.840.113549.1.7.2", "1.2.840.113549.1.7.1", "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4", "1.2.840.113549.1.9.5"
SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.12", "1.2.840.113549.1.9.16.2.47"
TIME_STAMP_TOKEN = "1.2.840.113549.1.9.16.2.14"  # noqa: S105 - an object identifier
ADOBE_REVOCATION, REVOCATION_VALUES = "1.2.840.113583.1.1.8", "1.2.840.113549.1.9.16.2.24"
OCSP_IN_CMS = "1.3.6.1.5.5.7.16.2"
SINGLE = frozenset({CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE, SIGNING_CERTIFICATE_V2})
"""Signed attributes that may be there only once: they decide. A signing time only claims."""
FIRST, SECOND = 0xA0, 0xA1
"""Context tags [0] and [1], constructed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedData:
    """One signer over one content."""

    content_type: str
    content: bytes | None
    """None = detached."""
    certificates: tuple[bytes, ...]
    """DER."""
    revocation: Element | None
    """The lists and answers beside the certificates (RevocationInfoChoices)."""
    signer: Element
    """SignerIdentifier."""
    digest: str
    algorithm: Element
    signed: Element | None
    """The signed attributes as they stand."""
    attributes: Mapping[str, tuple[Element, ...]]
    """Values of the signed attributes by object identifier."""
    value: bytes
    unsigned: Mapping[str, tuple[Element, ...]]

    def signer_certificates(self) -> list[bytes]:
        """DER of the certificates that the signer may mean: several where one key has several certificates.

        A key identifier means the certificate that has it as an extension (RFC 5652 §5.3). Where none has it, it may
        mean any that does not say what its identifier is; whether that is right shows when the value is verified.
        """
        held = list(dict.fromkeys(self.certificates))
        fitting = [der for der in held if self._identifies(der)]
        if fitting or self.signer.tag == ber.SEQUENCE:
            return fitting
        return [der for der in held if self._may_mean(der)]

    def _may_mean(self, der: bytes) -> bool:
        try:
            return read_certificate(der, self.signer.limits).key_identifier is None
        except ValueError:
            return False

    def _identifies(self, der: bytes) -> bool:
        """Names are compared by value (RFC 5652 §5.3, §10.2.4), and numbers without regard to their sign: some tools
        write the serial number of a certificate anew, with the zero that it lacks."""
        limits = self.signer.limits
        try:
            certificate = read_certificate(der, limits)
            if self.signer.tag != ber.SEQUENCE:
                return self.signer.octets() in _key_identifiers(certificate)
            issuer, serial = list(self.signer)[:2]
            return ber.unsigned(serial.integer()) == ber.unsigned(certificate.serial_number) and (
                issuer.raw == certificate.issuer_raw or read_name(issuer.raw, limits) == certificate.issuer
            )
        except ValueError:
            return False

    def one(self, attribute: str) -> Element | None:
        """The one value of a signed attribute; None = it is not there. Raises ``Malformed`` for several values."""
        values = self.attributes.get(attribute)
        if values is None:
            return None
        if len(values) != 1:
            raise AmbiguousAttribute("attribute is not single")
        return values[0]

    @property
    def time_stamp_tokens(self) -> tuple[bytes, ...]:
        """Signature time stamps, DER (RFC 3161 appendix A)."""
        return tuple(token.raw for token in self.unsigned.get(TIME_STAMP_TOKEN, ()))

    def revocation_evidence(self) -> list[tuple[StatusKind, bytes]]:
        """Revocation lists and OCSP responses, from wherever a CMS may hold them. Not verified yet.

        The attributes of Adobe (ISO 32000-1 §12.8.3.3.2) and of ETSI (EN 319 122-1 §A.1.1.2), signed or not, and the
        place of RFC 5652 §10.2.1 with the answers of RFC 5940. What cannot be read, or is of another kind, is left out
        and takes nothing else along.
        """
        kinds = {FIRST: StatusKind.CRL, SECOND: StatusKind.OCSP}
        values = [
            value
            for attributes in (self.attributes, self.unsigned)
            for kind in (ADOBE_REVOCATION, REVOCATION_VALUES)
            for value in attributes.get(kind, ())
        ]
        groups = [part for value in values for part in _parts(value) if part.tag in kinds]
        sequences = [(kinds[part.tag], sequence) for part in groups for sequence in _parts(part)]
        listed = [(kind, each.raw) for kind, sequence in sequences for each in _parts(sequence)]
        choices = _parts(self.revocation) if self.revocation else []
        return listed + [stated for each in choices for stated in _revocation_choice(each)]


def _key_identifiers(certificate: Certificate) -> tuple[bytes, ...]:
    """The one that the certificate states, or else what is usual (RFC 5280 §4.2.1.2, method 1; RFC 7093 §2)."""
    if (stated := certificate.key_identifier) is not None:
        return (stated,)
    bits = key_bits(certificate.key_info, certificate.limits)
    usual = hashlib.sha1(bits, usedforsecurity=False).digest()
    return usual, hashlib.sha256(bits).digest()[: len(usual)]


def _parts(element: Element) -> list[Element]:
    """The elements inside, as far as they can be read."""
    return element.readable()[0]


def _revocation_choice(choice: Element) -> list[tuple[StatusKind, bytes]]:
    if choice.tag != SECOND:
        return [(StatusKind.CRL, choice.raw)]
    with contained(lambda _: None, passing=(MemoryError,)):
        kind, value = choice
        if kind.oid() == OCSP_IN_CMS:
            return [(StatusKind.OCSP, value.raw)]
    return []


def read_signed_data(data: bytes, limits: CmsLimits) -> SignedData:
    """Signed data with exactly one signer. Raises ``ValueError``."""
    kind, wrapped = list(ber.read_whole(data, limits))[:2]
    if kind.oid() != SIGNED_DATA:
        raise Malformed("not signed data")
    parts = list(next(iter(wrapped.expect(FIRST))).expect(ber.SEQUENCE))
    version, _, enclosed, *rest = parts
    version.expect(ber.INTEGER)
    signers = [list(part) for part in rest if part.tag == ber.SET]
    certificates = [item for part in rest if part.tag == FIRST for item in _parts(part)]
    if len(signers) != 1 or len(signers[0]) != 1:
        raise Malformed("not exactly one signer")
    if len(certificates) > limits.max_certificates:
        raise Malformed("too many certificates")
    content = list(enclosed.expect(ber.SEQUENCE))
    return SignedData(
        content_type=content[0].oid(),
        content=next(iter(content[1].expect(FIRST))).octets() if len(content) > 1 else None,
        certificates=tuple(item.raw for item in certificates if item.tag == ber.SEQUENCE),
        revocation=next((part for part in rest if part.tag == SECOND), None),
        **_read_signer(signers[0][0].expect(ber.SEQUENCE)),
    )


def _read_signer(info: Element) -> dict[str, Any]:
    _, identifier, digest, *rest = _parts(info)
    signed = rest.pop(0) if rest[0].tag == FIRST else None
    algorithm, value, *rest = rest
    unsigned = rest[0] if rest and rest[0].tag == SECOND else None
    return {
        "signer": identifier,
        "digest": digest_name(digest),
        "algorithm": algorithm.expect(ber.SEQUENCE),
        "signed": signed,
        "attributes": _read_signed_attributes(signed) if signed else {},
        "value": value.octets(),
        "unsigned": _read_unsigned_attributes(unsigned) if unsigned else {},
    }


def _read_signed_attributes(attributes: Element) -> dict[str, tuple[Element, ...]]:
    """Values by object identifier. Raises ``ValueError`` if one cannot be read, or a kind in ``SINGLE`` is there
    twice."""
    read: dict[str, tuple[Element, ...]] = {}
    for number, attribute in enumerate(attributes):
        if number >= attributes.limits.max_attributes:
            raise Malformed("too many attributes")
        kind, values = list(attribute.expect(ber.SEQUENCE))
        name = kind.oid()
        if name in read and name in SINGLE:
            raise AmbiguousAttribute("attribute is not single")
        read[name] = read.get(name, ()) + tuple(values.expect(ber.SET))
    return read


def _read_unsigned_attributes(attributes: Element) -> dict[str, tuple[Element, ...]]:
    """Values by object identifier, of as many attributes as are looked at. Anybody may have written them: what cannot
    be read is left out."""
    read: dict[str, tuple[Element, ...]] = {}
    for attribute in attributes.readable(attributes.limits.max_attributes)[0]:
        with suppress(ValueError):
            kind, values = attribute.expect(ber.SEQUENCE)
            read[kind.oid()] = read.get(kind.oid(), ()) + tuple(_parts(values.expect(ber.SET)))
    return read


def is_signature_right(data: SignedData, key: Any, scheme: Scheme, content_digest: bytes | None) -> bool:
    """Whether the signature value is right over the signed attributes, or over the content where there are none.

    ``content_digest``: of the content with ``scheme.digest``; only used without signed attributes.
    """
    if data.signed is None:
        return is_value_right(key, data.value, scheme, message=None, digest=content_digest)
    return any(
        is_value_right(key, data.value, scheme, message=message, digest=None)
        for message in _signed_messages(data.signed)
    )


def _signed_messages(signed: Element) -> Iterator[bytes]:
    """The attributes as a SET OF (RFC 5652 §5.4): as they stand, and in DER order, as some signers hash them."""
    as_it_stands = b"\x31" + signed.raw[1:]
    yield as_it_stands
    body = b"".join(sorted(attribute.raw for attribute in signed))
    ordered = b"\x31" + _length(len(body)) + body
    if ordered != as_it_stands:
        yield ordered


def _length(length: int) -> bytes:
    """DER length of a content."""
    if length < ber.INDEFINITE:
        return bytes([length])
    digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([ber.INDEFINITE | len(digits)]) + digits


def named_certificate(data: SignedData) -> tuple[str, bytes] | None:
    """Digest algorithm and digest of the signing-certificate attribute (RFC 5035), version 2 before version 1.

    None = there is no such attribute. Raises ``ValueError`` where it cannot be read.
    """
    if (attribute := data.one(SIGNING_CERTIFICATE_V2)) is not None:
        fields = _first_certificate_id(attribute)
        if fields[0].tag == ber.SEQUENCE:
            return digest_name(fields[0]), fields[1].expect(ber.OCTET_STRING).content
        return "sha256", fields[0].expect(ber.OCTET_STRING).content
    if (attribute := data.one(SIGNING_CERTIFICATE)) is not None:
        return "sha1", _first_certificate_id(attribute)[0].expect(ber.OCTET_STRING).content
    return None


def _first_certificate_id(attribute: Element) -> list[Element]:
    return list(next(iter(next(iter(attribute.expect(ber.SEQUENCE))))))
