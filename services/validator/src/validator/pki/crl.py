"""One revocation list (RFC 5280 §5): read and verified once, then asked by serial number.

A list belongs to the name of its issuer, whichever of the issuer's keys signed it. What it covers decides about which
certificates it can say "not revoked"; what it lists is revoked in any case. Nothing is fetched here.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime

from common.containment import Unusable, raising_unusable
from validator.cms import ber
from validator.cms.ber import Element
from validator.cms.certificate import Certificate, Extension, SignedObject, read_extensions, read_signed_object
from validator.cms.distribution_points import IssuingPoint, read_issuing_point
from validator.cms.extensions import AUTHORITY_KEY_IDENTIFIER, FRESHEST_CRL, key_usage
from validator.cms.names import Name, read_name
from validator.cms.signed_object import is_signed_by, scheme_of
from validator.pki.algorithms import weakness_of_key, weakness_of_signature
from validator.pki.crl_entries import ReadEntries, read_entries
from validator.pki.statement import Crl
from validator.policy import CmsLimits, Policy

CRL_NUMBER, DELTA_INDICATOR, ISSUING_POINT = "2.5.29.20", "2.5.29.27", "2.5.29.28"
UNDERSTOOD = frozenset({AUTHORITY_KEY_IDENTIFIER, CRL_NUMBER, DELTA_INDICATOR, ISSUING_POINT, FRESHEST_CRL})
EXTENSIONS_TAG, VERSION_2 = 0xA0, 1
MAX_NUMBER_BITS = 160
"""Of a number of a list (§5.2.3): a longer one is none, and breaks a rule of its form."""
UNREAD = "an entry or a part that is not readable"
TIMES = frozenset({ber.UTC_TIME, ber.GENERALIZED_TIME})


def read_crl(
    authorities: Iterable[Certificate],
    data: bytes,
    policy: Policy,
    *,
    embedded: bool = False,
) -> Crl:
    """One list, verified. Raises ``Unusable`` where it is none, or none of a CA that we hold.

    What a CA has signed does not fall away because a part of it cannot be read: the list still counts for what it
    lists. ``authorities``: the CAs that may have signed it. ``data``: DER.
    """
    with raising_unusable("revocation list not readable"):
        signed, body = read_signed_object(data, policy.cms)
        parts, is_whole = body.expect(ber.SEQUENCE).readable()
        version = parts.pop(0).integer() if parts[0].tag == ber.INTEGER else 0
        algorithm, issuer_part, *rest = parts
        issuer = read_name(issuer_part.raw, policy.cms)
        # (7.1) Before anything else of it is looked at: a CA of the trust folder signed it.
        signers = _signers(authorities, issuer, signed, policy)
    revoked = next((part for part in rest if part.tag == ber.SEQUENCE), None)
    are_parts_known = is_whole and not any(_may_hold_entries(part) for part in rest if part is not revoked)
    begin = _time(rest.pop(0)) if rest and rest[0].tag != ber.SEQUENCE else None
    end = _time(rest.pop(0)) if rest and rest[0].tag in TIMES else None
    extensions, are_extensions_read = _extensions([part for part in rest if part is not revoked])
    point, obstacle = _point(extensions, policy.cms)
    entries = read_entries(revoked, issuer) if revoked else ReadEntries()
    number, base = _number(extensions, CRL_NUMBER, policy.cms), _number(extensions, DELTA_INDICATOR, policy.cms)
    if not (are_parts_known and entries.are_all_read):
        obstacle = obstacle or UNREAD  # nobody knows whom it names
    is_form_read = are_extensions_read and (base is not None or DELTA_INDICATOR not in extensions)
    if base is None and entries.lifted:
        obstacle = obstacle or "a removal in a full list"  # only a delta list may have one (§5.3.1)
    return Crl(
        issuer=issuer,
        signers=signers,
        sha256=hashlib.sha256(data).hexdigest(),
        number=None if _is_too_long(number) else number,
        # One whose date cannot be read is as old as it can be: any other counts as newer.
        this_update=begin or min(each.not_valid_before_utc for each in signers),
        next_update=end,
        entries=entries.own,
        others=entries.others,
        lifted=frozenset(entries.lifted) if base is not None else frozenset(),
        point=point or IssuingPoint(),
        base=None if _is_too_long(base) else base,
        is_malformed=version > VERSION_2
        or not (begin and is_form_read and _is_named_twice(algorithm, signed, policy.cms))
        or any(map(_is_too_long, (number, base))),
        obstacle=obstacle or entries.obstacle,
        is_dated=begin is not None,
        is_replaceable=bool(begin and point and is_whole and is_form_read)
        and entries.are_all_read
        and entries.have_owners,
        embedded=embedded,
    )


def issuer_of_list(data: bytes, limits: CmsLimits) -> Name:
    """Whom a list names as its issuer; nothing is verified. Raises ``Unusable``."""
    with raising_unusable("revocation list not readable"):
        _, body = read_signed_object(data, limits)
        parts, _ = body.expect(ber.SEQUENCE).readable()
        return read_name(parts[2 if parts[0].tag == ber.INTEGER else 1].raw, limits)


def _signers(
    authorities: Iterable[Certificate], issuer: Name, signed: SignedObject, policy: Policy
) -> tuple[Certificate, ...]:
    if weakness := weakness_of_signature(signed, policy):
        raise Unusable(f"signed with {weakness}")
    named = [each for each in authorities if each.subject == issuer]
    signers = tuple(each for each in named if _may_sign(each, policy) and is_signed_by(signed, each))
    if not signers:
        raise Unusable("not signed by a CA we hold" if named else f"of {issuer.rfc4514_string()}, a CA we do not hold")
    return signers


def _may_sign(authority: Certificate, policy: Policy) -> bool:
    try:
        usage = key_usage(authority)
    except Unusable:
        return False
    return (usage is None or "crl_sign" in usage) and not weakness_of_key(authority.public_key, policy)


def _is_named_twice(algorithm: Element, signed: SignedObject, limits: CmsLimits) -> bool:
    """Whether the signature algorithm is the same inside of what is signed (§5.1.1.2)."""
    if algorithm.raw == signed.algorithm:
        return True
    try:
        return scheme_of(replace(signed, algorithm=algorithm.raw), limits) == scheme_of(signed, limits)
    except ValueError:
        return False


def _may_hold_entries(part: Element) -> bool:
    """Whether a part that is not the list of entries may be one, written otherwise."""
    return bool(part.tag & ber.CONSTRUCTED) and part.tag != EXTENSIONS_TAG


def _time(element: Element) -> datetime | None:
    try:
        return element.time()
    except ValueError:
        return None


def _extensions(rest: list[Element]) -> tuple[Mapping[str, Extension], bool]:
    """The extensions, and whether they, and they alone, could be read."""
    try:
        with raising_unusable():
            if not rest:
                return {}, True
            ((elements,),) = (list(part.expect(EXTENSIONS_TAG)) for part in rest)
            return read_extensions(elements), True
    except Unusable:
        return {}, False


def _point(extensions: Mapping[str, Extension], limits: CmsLimits) -> tuple[IssuingPoint | None, str]:
    """What it covers, None where that cannot be read, and what keeps us from relying on it."""
    unknown = [kind for kind, each in extensions.items() if each.critical and kind not in UNDERSTOOD]
    obstacle = f"critical extension {unknown[0]}" if unknown else ""
    extension = extensions.get(ISSUING_POINT)
    if extension is None:
        return IssuingPoint(), obstacle
    try:
        with raising_unusable("issuing distribution point not readable"):
            return read_issuing_point(ber.read_whole(extension.value, limits)), obstacle
    except Unusable as error:
        return None, str(error)


def _number(extensions: Mapping[str, Extension], kind: str, limits: CmsLimits) -> int | None:
    """The number that an extension holds; None where there is none that can be read."""
    extension = extensions.get(kind)
    if extension is None:
        return None
    try:
        return ber.read_whole(extension.value, limits, ber.INTEGER).integer()
    except ValueError:
        return None


def _is_too_long(number: int | None) -> bool:
    return number is not None and number.bit_length() > MAX_NUMBER_BITS
