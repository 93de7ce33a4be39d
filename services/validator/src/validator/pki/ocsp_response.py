"""OCSP responses, read in place (RFC 6960 §4.2.1); whether one is authentic is asked elsewhere."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from common.containment import Unusable, raising_unusable
from validator.cms import ber
from validator.cms.ber import Element
from validator.cms.certificate import Certificate, SignedObject, read_certificate, read_extensions
from validator.cms.signature_scheme import digest_name
from validator.policy import Policy

BASIC = "1.3.6.1.5.5.7.48.1.1"
SUCCESSFUL = 0
GOOD, REVOKED = 0x80, 0xA1
"""Tags of the certificate's status; any other is "unknown"."""
FIRST, SECOND = 0xA0, 0xA1
HOLD = 6


@dataclass(frozen=True, slots=True)
class SingleAnswer:
    """What is said about one certificate."""

    digest: str
    """Name of the digest algorithm of the next two."""
    name_hash: bytes
    """Of the issuer's name."""
    key_hash: bytes
    """Of the issuer's key."""
    serial: int
    revoked_at: datetime | None
    on_hold: bool
    this_update: datetime
    next_update: datetime | None


@dataclass(frozen=True, slots=True)
class OcspResponse:
    """A response."""

    signed: SignedObject
    produced_at: datetime
    answers: tuple[SingleAnswer, ...]
    """Without those that say "unknown"."""
    certificates: tuple[Certificate, ...]
    """That the responder sent along."""


def read_response(data: bytes, policy: Policy) -> OcspResponse:
    """A response, whole or without its envelope. Raises ``Unusable``."""
    with raising_unusable("OCSP response not readable"):
        limits, most = policy.cms, policy.revocation.max_ocsp_answers
        parts = list(ber.read_whole(data, limits))
        if parts[0].tag == ber.ENUMERATED:
            parts = list(_inside(parts, policy))
        body, algorithm, signature, *rest = parts
        signed = SignedObject(
            body.raw, algorithm.expect(ber.SEQUENCE).raw, signature.expect(ber.BIT_STRING).content[1:]
        )
        fields = [field for field in body.expect(ber.SEQUENCE) if field.tag != FIRST]  # the version
        _, produced_at, answers, *extensions = fields
        _refuse_unknown(extensions)
        singles = list(answers.expect(ber.SEQUENCE))
        if len(singles) > most:
            raise Unusable("too many answers")
        certificates = [each for part in rest for sequence in part.expect(FIRST) for each in sequence]
        return OcspResponse(
            signed,
            produced_at.expect(ber.GENERALIZED_TIME).time(),
            tuple(answer for single in singles if (answer := _read_single(single))),
            tuple(_readable(certificates[:most])),
        )


def _inside(parts: list[Element], policy: Policy) -> Element:
    if parts[0].integer() != SUCCESSFUL:
        raise Unusable("responder gave no answer")
    kind, response = next(iter(parts[1].expect(FIRST)))
    if kind.oid() != BASIC:
        raise Unusable("OCSP response of an unknown type")
    return ber.read_whole(response.octets(), policy.cms)


def _read_single(single: Element) -> SingleAnswer | None:
    identifier, status, this_update, *rest = single.expect(ber.SEQUENCE)
    algorithm, name_hash, key_hash, serial = identifier.expect(ber.SEQUENCE)
    next_update = next((next(iter(part)).time() for part in rest if part.tag == FIRST), None)
    _refuse_unknown([part for part in rest if part.tag == SECOND])
    if status.tag not in (GOOD, REVOKED):
        return None
    revoked = list(status) if status.tag == REVOKED else []
    reason = next(iter(revoked[1])).integer() if len(revoked) > 1 else 0
    return SingleAnswer(
        digest=digest_name(algorithm),
        name_hash=name_hash.octets(),
        key_hash=key_hash.octets(),
        serial=serial.integer(),
        revoked_at=revoked[0].time() if revoked else None,
        on_hold=reason == HOLD,
        this_update=this_update.time(),
        next_update=next_update,
    )


def _refuse_unknown(wrapped: list[Element]) -> None:
    """No extension of a response changes what it means, unless it is critical."""
    for part in wrapped:
        if any(each.critical for each in read_extensions(next(iter(part))).values()):
            raise Unusable("critical extension")


def _readable(certificates: list[Element]) -> Iterator[Certificate]:
    for element in certificates:
        try:
            certificate = read_certificate(element.raw)
            certificate.check()
        except Unusable:
            continue
        yield certificate
