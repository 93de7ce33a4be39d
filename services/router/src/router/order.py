"""The order in which packages about a document were submitted, as intake recorded it."""

from dataclasses import dataclass
from datetime import datetime

from common.domain.names import PackageId
from common.facts import CarriesPackage


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class SubmissionOrder:
    """The place of one package among all packages about the same document. Earlier places compare as less."""

    submitted_at: datetime
    """The place that intake gave the package; if an earlier release let it in, when intake took it."""
    package_id: PackageId
    """Orders packages of the same millisecond."""


def order_of(fact: CarriesPackage) -> SubmissionOrder:
    """The place of a fact's package."""
    return SubmissionOrder(submitted_at=fact.place or fact.submitted_at, package_id=fact.package_id)
