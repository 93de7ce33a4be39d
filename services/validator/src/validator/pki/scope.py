"""Which certificates a revocation list covers, and for which reasons (RFC 5280 §6.3.3 b-d)."""

from validator.cms.certificate import Certificate
from validator.cms.distribution_points import ALL_REASONS, DistributionPoint, PointName, distribution_points
from validator.cms.extensions import is_ca
from validator.cms.general_names import directory_name
from validator.cms.names import Name
from validator.pki.statement import Crl

NOTHING: frozenset[str] = frozenset()


def covered_reasons(crl: Crl, certificate: Certificate) -> frozenset[str]:
    """The reasons for which the list would name the certificate, were it revoked; empty = it does not cover it."""
    point = crl.point
    is_authority = is_ca(certificate)
    if point.only_attributes or (point.only_leaves and is_authority) or (point.only_authorities and not is_authority):
        return NOTHING
    # A list of the certificate's issuer speaks of it, whether the certificate names where to find one or not.
    implied = DistributionPoint(PointName(frozenset({directory_name(certificate.issuer)})), ALL_REASONS, frozenset())
    covered = NOTHING
    for each in (implied, *distribution_points(certificate)):
        if _is_issuer_of(crl, certificate, each) and _names_meet(crl, certificate, each):
            covered |= each.reasons & point.reasons
    return covered


def list_issuers(certificate: Certificate) -> list[Name]:
    """Who issues lists about it: its issuer, and those that its distribution points name."""
    named = (name.value for point in distribution_points(certificate) for name in point.issuers)
    others = sorted(
        {name for name in named if isinstance(name, Name)} - {certificate.issuer}, key=lambda name: name.key
    )
    return [certificate.issuer, *others]


def _is_issuer_of(crl: Crl, certificate: Certificate, point: DistributionPoint) -> bool:
    if point.issuers:
        return crl.point.indirect and directory_name(crl.issuer) in point.issuers
    return crl.issuer == certificate.issuer


def _names_meet(crl: Crl, certificate: Certificate, point: DistributionPoint) -> bool:
    """Whether the list is of that distribution point; one that names none is of all."""
    if crl.point.name is None:
        return True
    published = crl.point.name.below(frozenset({directory_name(crl.issuer)}))
    if point.name is None:
        return bool(point.issuers & published)
    wanted = point.name.below(point.issuers or frozenset({directory_name(certificate.issuer)}))
    return bool(wanted & published)
