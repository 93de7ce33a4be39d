"""Facts about a package: whether it entered the trunk, and whether its document is valid."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from common.domain.names import Label
from common.domain.reason import Reason
from common.facts.base import Identifier, ObjectRef, PackageFact, Text

MAX_TARGETS = 50
"""Largest number of ``target_packages``; with more of them a fact could exceed its limit."""
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
"""A document key or a package id; both have 32 hex digits."""
MAX_EVIDENCE = 40
"""Largest number of revocation lists and certificates that a fact names: several times as many as there are for all
authorities together."""
ContentDigest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 of bytes in the bucket ``content``."""


class CarriesPackage(PackageFact):
    """A fact about a package that was read and stored."""

    package: ObjectRef
    """The edXML bytes as received."""
    envelope: ObjectRef
    """The parsed message as JSON (``common.envelopes``); attachments are in the bucket ``content``, by their digest."""
    submitted_at: AwareDatetime
    """When intake took the package."""
    place: AwareDatetime | None = None
    """Its place among the packages about the same documents, as a time. A package submitted after the receipt of
    another has the later place, even if clocks differ. None in facts of earlier releases, where ``submitted_at`` is the
    place."""
    target_package: Identifier | None = None
    """Of a recall, an update or a status: the package that held the DocumentId of the document it is about when it was
    let in. None for other packages, and in facts of earlier releases."""
    target_packages: dict[Digest, Digest] = Field(default={}, max_length=MAX_TARGETS)
    """Of a replacement: the same for each of its documents, by document key. A document whose DocumentId no package
    held is not in it. Empty if there are more than ``MAX_TARGETS``, and in facts of earlier releases."""
    claims_document_id: bool | None = None
    """Whether it brings a document of its own (``common.domain.ids``). None in facts of earlier releases; then it
    follows from the header."""

    def holder_of(self, key: str) -> str | None:
        """The package that held the DocumentId of a document, given by its key, that this package is about. None = no
        package, or unknown."""
        return self.target_packages.get(key, self.target_package)


class PackageAccepted(CarriesPackage):
    """Intake let in a package that carries files. The validator examines it next."""

    fact: Literal["package.accepted"] = "package.accepted"


class NoticeAccepted(CarriesPackage):
    """Intake let in a package without files: a recall, a status, a change of receivers."""

    fact: Literal["notice.accepted"] = "notice.accepted"


class PackageRefused(PackageFact):
    """Intake refused a package; nothing of it is delivered."""

    fact: Literal["package.refused"] = "package.refused"
    reason: Reason
    detail: Text = ""
    package: ObjectRef | None = None
    submitted_at: AwareDatetime


class PackageWaiting(PackageFact):
    """A package cannot be decided yet, and is kept until it can be, or until the deadline.

    Intake announces it for a package about a document that has not come, the validator for a document for which a
    revocation list is missing.
    """

    fact: Literal["package.waiting"] = "package.waiting"
    reason: Reason
    detail: Text = ""
    package: ObjectRef
    submitted_at: AwareDatetime
    deadline: AwareDatetime
    """When the package is refused if the document has not come, or parked if there is still no list."""


class PackageRepeated(PackageFact):
    """The same bytes were submitted again; the sender gets the saved answers again."""

    fact: Literal["package.repeated"] = "package.repeated"
    accepted: bool
    reason: Reason | None = None
    detail: Text = ""
    submitted_at: AwareDatetime
    """When the first copy was submitted."""


class PackageRouted(PackageFact):
    """The router has done all that a package asks: every receiver has it or was refused, and its sender is answered.

    It states the number of receivers, so that the archive knows when it has a fact about each. Not recorded in the
    ledger.
    """

    fact: Literal["package.routed"] = "package.routed"
    receivers: int = Field(ge=0)
    """Number of receivers about which the router has announced a fact; 0 = the package was refused."""


class PackageFinished(PackageFact):
    """A package is routed and on record, and the ledger has a fact about every receiver: intake's responsibility ends.

    Not recorded in the ledger.
    """

    fact: Literal["package.finished"] = "package.finished"
    reason: Reason | None = None
    """Why the validator refused the document. None = it was not refused; also None in facts of earlier releases."""


class DocumentVerified(CarriesPackage):
    """The validator found the document valid."""

    fact: Literal["document.verified"] = "document.verified"
    label: Label
    unsigned_annexes: int = 0
    """Number of further PDFs in the package without any signature; the label does not apply to them."""
    report: ObjectRef
    policy_version: str
    evidence: dict[ContentDigest, int] = Field(default={}, max_length=MAX_EVIDENCE)
    """Revocation lists and CA certificates on which the verdict rests: size in bytes, by digest. If there are more than
    ``MAX_EVIDENCE``, the first by digest. Empty in facts of earlier releases."""


class DocumentRefused(CarriesPackage):
    """The validator found the document invalid. It is not delivered, and its sender gets a refusal."""

    fact: Literal["document.refused"] = "document.refused"
    reason: Reason
    detail: Text = ""
    report: ObjectRef | None = None
    policy_version: str
    evidence: dict[ContentDigest, int] = Field(default={}, max_length=MAX_EVIDENCE)
    """As in ``document.verified``."""
