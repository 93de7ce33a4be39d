"""The versions of a document. Which one is current follows from the order of submission. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from common.domain.names import Label, PackageId, PackageKind
from common.facts import ObjectRef
from router.order import SubmissionOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A package that brought content of a document."""

    package_id: PackageId
    package: ObjectRef
    kind: PackageKind
    label: Label | None = None
    subject_text: str = ""
    order: SubmissionOrder | None = None
    """The place of the package; None in rows of earlier releases, whose versions are older than all others."""


@dataclass(frozen=True, slots=True)
class NumberedVersion:
    """A version with its number, which never changes. Numbers do not follow the order of submission."""

    number: int
    version: Version


def current_version(versions: Sequence[Version], order: SubmissionOrder) -> NumberedVersion | None:
    """The newest of the versions that were submitted before ``order``; None = there is none."""
    numbered = [NumberedVersion(number, version) for number, version in enumerate(versions, 1)]
    earlier = [each for each in numbered if each.version.order is None or each.version.order < order]
    return newest(earlier)


def newest(versions: Iterable[NumberedVersion | None]) -> NumberedVersion | None:
    """The version that was submitted last; None = there is none."""
    return max((version for version in versions if version), key=_age, default=None)


def _age(each: NumberedVersion) -> tuple[bool, SubmissionOrder | int]:
    order = each.version.order
    return (False, each.number) if order is None else (True, order)
