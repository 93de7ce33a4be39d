"""Where revocation lists are published, as certificates and lists say it (RFC 5280 §4.2.1.13, §5.2.5)."""

from dataclasses import dataclass

from common.containment import Unusable, raising_unusable
from validator.cms import ber
from validator.cms.ber import Element
from validator.cms.certificate import Certificate
from validator.cms.extensions import read_bits
from validator.cms.general_names import GeneralName, directory_name, read_general_name
from validator.cms.names import Name, RelativeName, read_relative_name

DISTRIBUTION_POINTS = "2.5.29.31"
REASONS = (
    "unused", "key_compromise", "ca_compromise", "affiliation_changed", "superseded", "cessation_of_operation",
    "certificate_hold", "privilege_withdrawn", "aa_compromise",
)  # fmt: skip
ALL_REASONS = frozenset(REASONS[1:])
POINT_TAG, FULL_TAG, RELATIVE_TAG = 0xA0, 0xA0, 0xA1
REASONS_TAG, ISSUER_TAG = 0x81, 0xA2


@dataclass(frozen=True, slots=True)
class PointName:
    """The name of a distribution point: one of several names, or a part to be put below the issuer of the list."""

    full: frozenset[GeneralName] = frozenset()
    relative: RelativeName | None = None

    def below(self, issuers: frozenset[GeneralName]) -> frozenset[GeneralName]:
        """All names of the point. ``issuers``: names of the list's issuer, for a relative name."""
        if self.relative is None:
            return self.full
        names = (each.value for each in issuers if isinstance(each.value, Name))
        return frozenset(directory_name(Name(b"", (*name.parts, self.relative), name.texts)) for name in names)


@dataclass(frozen=True, slots=True)
class DistributionPoint:
    """Where a certificate says that its revocation is published."""

    name: PointName | None
    reasons: frozenset[str]
    """For which a revocation is published there."""
    issuers: frozenset[GeneralName]
    """Who issues the list, if it is not the issuer of the certificate."""


@dataclass(frozen=True, slots=True)
class IssuingPoint:
    """What a list covers."""

    name: PointName | None = None
    only_leaves: bool = False
    only_authorities: bool = False
    only_attributes: bool = False
    indirect: bool = False
    """It lists certificates of other issuers as well."""
    reasons: frozenset[str] = ALL_REASONS


def distribution_points(certificate: Certificate) -> tuple[DistributionPoint, ...]:
    """The certificate's distribution points; none where they cannot be read."""
    extension = certificate.extensions.get(DISTRIBUTION_POINTS)
    if extension is None:
        return ()
    try:
        with raising_unusable():
            return tuple(map(_point, ber.read_whole(extension.value, certificate.limits)))
    except Unusable:
        return ()


def read_issuing_point(value: Element) -> IssuingPoint:
    """The issuing distribution point of a list. Raises ``ValueError`` for a part that is not known."""
    parts = {part.tag: part for part in value.expect(ber.SEQUENCE)}
    if unknown := parts.keys() - {POINT_TAG, 0x81, 0x82, 0x83, 0x84, 0x85}:
        raise ValueError(f"unknown part {min(unknown):02x}")
    flags = {tag: tag in parts and any(parts[tag].content) for tag in (0x81, 0x82, 0x84, 0x85)}
    return IssuingPoint(
        name=_point_name(parts[POINT_TAG]) if POINT_TAG in parts else None,
        only_leaves=flags[0x81],
        only_authorities=flags[0x82],
        indirect=flags[0x84],
        only_attributes=flags[0x85],
        reasons=read_bits(parts[0x83], REASONS) & ALL_REASONS if 0x83 in parts else ALL_REASONS,
    )


def _point(element: Element) -> DistributionPoint:
    parts = {part.tag: part for part in element.expect(ber.SEQUENCE)}
    return DistributionPoint(
        name=_point_name(parts[POINT_TAG]) if POINT_TAG in parts else None,
        reasons=read_bits(parts[REASONS_TAG], REASONS) & ALL_REASONS if REASONS_TAG in parts else ALL_REASONS,
        issuers=frozenset(map(read_general_name, parts[ISSUER_TAG])) if ISSUER_TAG in parts else frozenset(),
    )


def _point_name(element: Element) -> PointName:
    (inside,) = element
    if inside.tag == FULL_TAG:
        return PointName(full=frozenset(map(read_general_name, inside)))
    return PointName(relative=read_relative_name(inside.expect(RELATIVE_TAG)))
