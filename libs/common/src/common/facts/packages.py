"""Facts about a package: whether it entered the trunk, and whether its document is valid."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from common.domain.names import Label
from common.domain.reason import Reason
from common.facts.base import Identifier, ObjectRef, PackageFact, Text

MAX_TARGETS = 50
"""Documents of which a fact says who held them: with more it could exceed the limit of facts."""
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
"""A document key or a package id, which are of one length."""
MAX_EVIDENCE = 40
"""Lists and certificates that a fact names: several times what the packages of all authorities together rest on."""
ContentDigest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""SHA-256 of bytes that lie in the content store."""


class CarriesPackage(PackageFact):
    """A fact about a package that was read and stored."""

    package: ObjectRef
    """The edXML bytes as received."""
    envelope: ObjectRef
    """The parsed message as JSON (``common.envelopes``); attachments lie in the content store by their digest."""
    submitted_at: AwareDatetime
    """When intake took the package."""
    place: AwareDatetime | None = None
    """Its place among the packages about the same documents, as a time: one submitted after the receipt of another has
    the later place, whatever clocks said. None in facts of earlier releases, where ``submitted_at`` is the place."""
    target_package: Identifier | None = None
    """Of a recall, an update or a status: the package that held the DocumentId of the document it is about when it was
    let in. None for other packages, and in facts of earlier releases."""
    target_packages: dict[Digest, Digest] = Field(default={}, max_length=MAX_TARGETS)
    """Of a replacement: the same by document key, since each of its documents has a holder of its own. A document that
    nobody held is not in it. Empty where there are more than ``MAX_TARGETS``, and in facts of earlier releases."""
    claims_document_id: bool | None = None
    """Whether it brings a document of its own (``common.domain.ids``). None in facts of earlier releases, where the
    header says so."""

    def holder_of(self, key: str) -> str | None:
        """The package that held the DocumentId of a document that this package is about; None = nobody, or unknown."""
        return self.target_packages.get(key, self.target_package)


class PackageAccepted(CarriesPackage):
    """Intake let in a package that carries files: the validator looks at it next."""

    fact: Literal["package.accepted"] = "package.accepted"


class NoticeAccepted(CarriesPackage):
    """Intake let in a package without files: a recall, a status, a change of receivers."""

    fact: Literal["notice.accepted"] = "notice.accepted"


class PackageRefused(PackageFact):
    """Intake turned a package away; nothing of it is delivered."""

    fact: Literal["package.refused"] = "package.refused"
    reason: Reason
    detail: Text = ""
    package: ObjectRef | None = None
    submitted_at: AwareDatetime


class PackageWaiting(PackageFact):
    """A package cannot be decided yet, and is kept until then or until the deadline.

    Intake says so of one that is about a document which has not come, the validator of a document for which a
    revocation list is missing.
    """

    fact: Literal["package.waiting"] = "package.waiting"
    reason: Reason
    detail: Text = ""
    package: ObjectRef
    submitted_at: AwareDatetime
    deadline: AwareDatetime
    """When it is refused, if no document has come; when it is parked, if there is no list."""


class PackageRepeated(PackageFact):
    """The same bytes were submitted again: the sender gets the stored answer again."""

    fact: Literal["package.repeated"] = "package.repeated"
    accepted: bool
    reason: Reason | None = None
    detail: Text = ""
    submitted_at: AwareDatetime
    """When the first copy was submitted."""


class PackageRouted(PackageFact):
    """The router has done all that a package asks: every receiver has it, or was refused, and its sender is answered.

    Tells the archive how many receivers' facts make the package complete; not kept in the ledger.
    """

    fact: Literal["package.routed"] = "package.routed"
    receivers: int = Field(ge=0)
    """Receivers about which the router has announced what became of them; 0 = the package was refused."""


class PackageFinished(PackageFact):
    """A package is routed, on record, and every receiver's fact is in the ledger: intake's responsibility ends.

    Not kept in the ledger.
    """

    fact: Literal["package.finished"] = "package.finished"
    reason: Reason | None = None
    """Why the validator refused the document. None if it did not, and in facts of earlier releases."""


class DocumentVerified(CarriesPackage):
    """The validator found the document valid."""

    fact: Literal["document.verified"] = "document.verified"
    label: Label
    unsigned_annexes: int = 0
    """Further PDFs of the package that bear no signature at all; the label does not speak for them."""
    report: ObjectRef
    policy_version: str
    evidence: dict[ContentDigest, int] = Field(default={}, max_length=MAX_EVIDENCE)
    """Revocation lists and CA certificates that the verdict rests on: size in bytes by digest. Of more than
    ``MAX_EVIDENCE`` the first by digest; empty in facts of earlier releases."""


class DocumentRefused(CarriesPackage):
    """The validator found the document not valid: it is not delivered, the sender is told."""

    fact: Literal["document.refused"] = "document.refused"
    reason: Reason
    detail: Text = ""
    report: ObjectRef | None = None
    policy_version: str
    evidence: dict[ContentDigest, int] = Field(default={}, max_length=MAX_EVIDENCE)
    """As of a verified document."""
