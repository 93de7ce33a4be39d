"""Where revocation lists are published, as certificates and lists say it (RFC 5280 §4.2.1.13, §5.2.5)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from common.containment import Unusable, raising_unusable
from validator.cms import ber
from validator.cms.ber import Element
from validator.cms.certificate import Certificate
from validator.cms.extensions import read_bits
from validator.cms.general_names import GeneralName, directory_name, read_general_name
from validator.cms.names import Name, RelativeName, read_relative_name

T = TypeVar("T")

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
    """The certificate's distribution points, as far as they can be read: none takes another one along."""
    return _read_points(certificate)[0]


def check_points(certificate: Certificate) -> None:
    """Raises ``Unusable`` where the distribution points are critical, and cannot be read as a whole."""
    extension = certificate.extensions.get(DISTRIBUTION_POINTS)
    if extension is not None and extension.critical and not _read_points(certificate)[1]:
        raise Unusable(f"distribution points of {certificate.subject.rfc4514_string()} not readable")


def _read_points(certificate: Certificate) -> tuple[tuple[DistributionPoint, ...], bool]:
    """The points that can be read, and whether these are all, and whole."""
    extension = certificate.extensions.get(DISTRIBUTION_POINTS)
    if extension is None:
        return (), True
    read = _Reading()
    whole = read.piece(lambda: ber.read_whole(extension.value, certificate.limits))
    return tuple(read.point(element) for element in (read.pieces(whole) if whole else ())), read.is_whole


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


class _Reading:
    """Reads one extension piece by piece."""

    def __init__(self) -> None:
        self.is_whole = True

    def piece(self, read: Callable[[], T]) -> T | None:
        """What ``read`` returns; None where it cannot be read."""
        try:
            with raising_unusable():
                return read()
        except Unusable:
            self.is_whole = False
            return None

    def pieces(self, element: Element) -> list[Element]:
        """The elements inside that can be read."""
        elements, are_all = element.readable()
        self.is_whole = self.is_whole and are_all
        return elements

    def point(self, element: Element) -> DistributionPoint:
        """A point. Of an unreadable part it is as if nothing were published there."""
        parts = {part.tag: part for part in self.pieces(element)}
        self.is_whole = self.is_whole and element.tag == ber.SEQUENCE
        return DistributionPoint(
            name=self._name(parts[POINT_TAG]) if POINT_TAG in parts else None,
            reasons=read_bits(parts[REASONS_TAG], REASONS) & ALL_REASONS if REASONS_TAG in parts else ALL_REASONS,
            issuers=self._names(parts[ISSUER_TAG]) if ISSUER_TAG in parts else frozenset(),
        )

    def _name(self, element: Element) -> PointName:
        inside = self.pieces(element)
        if len(inside) == 1 and inside[0].tag == FULL_TAG:
            return PointName(full=self._names(inside[0]))
        return self.piece(lambda: _point_name(element)) or PointName()

    def _names(self, element: Element) -> frozenset[GeneralName]:
        names = (self.piece(partial(read_general_name, each)) for each in self.pieces(element))
        return frozenset(name for name in names if name is not None)


def _point_name(element: Element) -> PointName:
    (inside,) = element
    if inside.tag == FULL_TAG:
        return PointName(full=frozenset(map(read_general_name, inside)))
    return PointName(relative=read_relative_name(inside.expect(RELATIVE_TAG)))
