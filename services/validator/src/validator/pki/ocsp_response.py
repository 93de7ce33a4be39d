"""OCSP responses, read in place (RFC 6960 §4.2.1); whether one is authentic is asked elsewhere.

A part that cannot be read, or is critical and not understood, keeps an answer from saying "not revoked". That a
certificate is revoked counts all the same, and no answer takes another one along, however many there are.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from common.containment import Unusable, contained, raising_unusable
from validator.cms import ber
from validator.cms.ber import Element
from validator.cms.certificate import Certificate, SignedObject, read_certificate, read_extensions
from validator.cms.signature_scheme import digest_name
from validator.policy import CmsLimits, Policy

BASIC = "1.3.6.1.5.5.7.48.1.1"
SUCCESSFUL = 0
GOOD, REVOKED = 0x80, 0xA1
"""Tags of the certificate's status; any other is "unknown"."""
FIRST, SECOND = 0xA0, 0xA1
HOLD = 6
ALWAYS = datetime.fromtimestamp(0, UTC)
"""Since when a certificate is revoked where that cannot be read."""


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
        most = policy.revocation.max_ocsp_answers
        parts, _ = ber.read_whole(data, policy.cms).readable()
        if parts[0].tag == ber.ENUMERATED:
            parts, _ = _inside(parts, policy).readable()
        body, algorithm, signature, *rest = parts
        signed = SignedObject(
            body.raw, algorithm.expect(ber.SEQUENCE).raw, signature.expect(ber.BIT_STRING).content[1:]
        )
        fields, is_whole = body.expect(ber.SEQUENCE).readable()
        _, produced_at, answers, *extensions = (field for field in fields if field.tag != FIRST)  # the version
        singles, are_all = answers.expect(ber.SEQUENCE).readable()
        may_be_good = (at := _time(produced_at)) is not None and not _are_unknown(extensions) and is_whole and are_all
        read = [
            answer
            for number, single in enumerate(singles)
            for answer in _read_single(single, at, may_be_good=may_be_good and number < most)
        ]
        sequences = (sequence for part in rest if part.tag == FIRST for sequence in part.readable()[0])
        certificates = [each for sequence in sequences for each in sequence.readable()[0]]
        return OcspResponse(
            signed,
            at or max((answer.this_update for answer in read), default=ALWAYS),
            tuple(read),
            tuple(_readable(certificates[:most])),
        )


def in_one_piece(data: bytes, limits: CmsLimits) -> bytes:
    """What a response holds, if BER has cut it into pieces; else the response as it is, or whatever else it is."""
    try:
        parts, _ = ber.read_whole(data, limits).readable()
        _, response = next(iter(parts[1].expect(FIRST)))
        return response.octets() if response.tag & ber.CONSTRUCTED else data
    except (ValueError, LookupError, StopIteration):
        return data


def _inside(parts: list[Element], policy: Policy) -> Element:
    if parts[0].integer() != SUCCESSFUL:
        raise Unusable("responder gave no answer")
    kind, response = next(iter(parts[1].expect(FIRST)))
    if kind.oid() != BASIC:
        raise Unusable("OCSP response of an unknown type")
    return ber.read_whole(response.octets(), policy.cms)


def _read_single(single: Element, produced_at: datetime | None, *, may_be_good: bool) -> Iterator[SingleAnswer]:
    """The answer; none for one that says "unknown", or whose certificate cannot be read."""
    with contained(lambda _: None, passing=(MemoryError,)):
        parts, is_whole = single.expect(ber.SEQUENCE).readable()
        identifier, status, *rest = parts
        if status.tag != REVOKED and not may_be_good:
            return
        algorithm, name_hash, key_hash, serial = identifier.expect(ber.SEQUENCE)
        begin = _time(rest[0]) if rest else None
        ends = [_first_time(part) for part in rest[1:] if part.tag == FIRST]
        may_be_good = is_whole and begin is not None and None not in ends
        may_be_good = may_be_good and not _are_unknown(part for part in rest[1:] if part.tag == SECOND)
        if status.tag == REVOKED or (status.tag == GOOD and may_be_good):
            yield SingleAnswer(
                digest=digest_name(algorithm),
                name_hash=name_hash.octets(),
                key_hash=key_hash.octets(),
                serial=serial.integer(),
                revoked_at=(_first_time(status) or ALWAYS) if status.tag == REVOKED else None,
                on_hold=status.tag == REVOKED and _is_hold(status),
                this_update=begin or produced_at or ALWAYS,
                next_update=next(iter(ends), None),
            )


def _time(element: Element) -> datetime | None:
    try:
        return element.time()
    except ValueError:
        return None


def _first_time(element: Element) -> datetime | None:
    """The time that an element begins with; None = it cannot be read."""
    try:
        return next((part.time() for part in element), None)
    except ValueError:
        return None


def _is_hold(revoked: Element) -> bool:
    """Whether the reason is a hold; one that cannot be read is for good."""
    try:
        return [reason.integer() for part in list(revoked)[1:] for reason in part] == [HOLD]
    except ValueError:
        return False


def _are_unknown(wrapped: Iterable[Element]) -> bool:
    """Whether an extension may change what an answer means: it is critical, or cannot be read."""
    try:
        return any(each.critical for part in wrapped for each in read_extensions(next(iter(part))).values())
    except (ValueError, StopIteration):
        return True


def _readable(certificates: list[Element]) -> Iterator[Certificate]:
    for element in certificates:
        try:
            certificate = read_certificate(element.raw)
            certificate.check()
        except Unusable:
            continue
        yield certificate
