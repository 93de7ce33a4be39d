"""The decision of the archive: what it keeps of a package, for how long, and what proves that it is unaltered. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from archive.kept import (
    PARTS,
    Copy,
    EnclosedPart,
    Kept,
    KeptObject,
    copies_of,
    enclosed_parts,
    part_text,
    shared_copies,
)
from archive.retention import RetentionClass, RetentionTable, retain_until
from common.domain.canary import is_canary
from common.domain.ids import event_id
from common.domain.names import DocumentId, Label, Lane, PackageId, PackageKind, Sha256, UnitCode
from common.domain.reason import Reason
from common.facts import DocumentArchived, DocumentVerified, NoticeAccepted, ObjectRef, PackageFinished
from common.ledger import Entry, canonical_json

VALIDATOR_REFUSED = "document.refused"


class Parts(NamedTuple):
    """The data about the content of a package that the archive needs."""

    type_name: str = ""
    attachments: tuple[ObjectRef, ...] = ()
    units: int | None = None
    """How many units the package names; None = it was refused, and goes to none."""
    evidence: tuple[ObjectRef, ...] = ()
    """Revocation lists and CA certificates on which its verdict rests."""


class Record(BaseModel):
    """The record of one package. It has digests and codes only; names and subjects are in the locked objects."""

    model_config = ConfigDict(frozen=True, extra="ignore", use_enum_values=True)

    record_id: PackageId
    document_key: str
    sender: UnitCode
    document_id: DocumentId
    kind: PackageKind
    lane: Lane
    verdict: str
    """Name of the fact that decided about the package."""
    event_id: str
    """Of that fact."""
    reason: Reason | None = None
    label: Label | None = None
    policy_version: str | None = None
    unsigned_annexes: int | None = None
    """Further PDFs without any signature; the label does not speak for them."""
    retention_class: str
    retention_version: str
    retention_years: int | str
    """Full years, or PERMANENT."""
    legal_basis: str
    retain_until: datetime
    submitted_at: datetime
    decided_at: datetime
    archived_at: datetime
    """When the fact was entered into the ledger."""
    ledger_seq: int
    """Number of the fact's entry in the chain of an earlier release; 0 = the entry is in no chain."""
    ledger_hash: Sha256
    """Hash of the entry's leaf in the log; of an entry that an earlier release has chained, its hash in the chain."""
    objects: tuple[KeptObject, ...]
    enclosed: tuple[EnclosedPart, ...] = ()
    """What ``record.json`` holds besides the record: header and report, and the package of a notice, if they came with
    their references."""
    evidence_object: KeptObject | None = None
    """The object ``record.json``, which cannot contain its own version; None in records of releases that did not save
    it."""

    @property
    def folder(self) -> str:
        """Prefix of the keys of this record's objects in the archive's bucket, except evidence, which records share."""
        return f"{self.document_key}/{self.record_id}"

    @property
    def evidence_key(self) -> str:
        """Key of ``record.json``."""
        return f"{self.folder}/record.json"

    def evidence(self, enclosed: Mapping[str, bytes] | None = None) -> bytes:
        """``record.json``: the record as it goes under lock beside its objects.

        ``enclosed``: the bytes of its enclosed parts, by role.
        """
        fields = self.model_dump(mode="json", exclude_none=True, exclude={"evidence_object"})
        if self.enclosed:
            fields |= {PARTS: {role: part_text(role, data) for role, data in (enclosed or {}).items()}}
        else:
            del fields["enclosed"]
        return canonical_json(fields).encode()

    def locked(self, version_ids: Sequence[str | None]) -> "Record":
        """The record with the versions of its objects. ``version_ids``: in the order of ``objects``."""
        pairs = zip(self.objects, version_ids, strict=True)
        return self.model_copy(
            update={"objects": tuple(stored_object.model_copy(update={"version_id": v}) for stored_object, v in pairs)}
        )

    def sealed(self, version_id: str, enclosed: Mapping[str, bytes] | None = None) -> "Record":
        """The record with the version of its ``record.json``."""
        data = self.evidence(enclosed)
        evidence_object = KeptObject(
            role="record",
            key=self.evidence_key,
            sha256=hashlib.sha256(data).hexdigest(),
            size_bytes=len(data),
            version_id=version_id,
        )
        return self.model_copy(update={"evidence_object": evidence_object})


def record(fact: Kept, parts: Parts, entry: Entry, table: RetentionTable) -> tuple[Record, tuple[Copy, ...]]:
    """The record of a fact, and the objects to put under lock for it. ``entry``: of the fact in the ledger."""
    row = retention_class(fact, parts.type_name, table)
    until = retain_until(fact.occurred_at, row)
    copies = (*copies_of(fact, parts.attachments), *shared_copies(parts.evidence, until))
    return Record(
        record_id=fact.package_id,
        document_key=fact.subject,
        sender=fact.sender,
        document_id=fact.document_id,
        kind=fact.kind,
        lane=fact.lane,
        verdict=fact.fact,
        event_id=fact.event_id,
        reason=getattr(fact, "reason", None),
        label=getattr(fact, "label", None),
        policy_version=getattr(fact, "policy_version", None),
        unsigned_annexes=getattr(fact, "unsigned_annexes", None),
        retention_class=row.name,
        retention_version=table.version,
        retention_years=row.years,
        legal_basis=row.legal_basis,
        retain_until=until,
        submitted_at=fact.submitted_at,
        decided_at=fact.occurred_at,
        archived_at=entry.recorded_at,
        ledger_seq=entry.link.seq if entry.link else 0,
        ledger_hash=entry.link.hash if entry.link else entry.leaf_hash(),
        objects=tuple(copy.target for copy in copies),
        enclosed=tuple(
            EnclosedPart(role=role, sha256=ref.sha256, size_bytes=ref.size_bytes)
            for role, ref in enclosed_parts(fact).items()
        ),
    ), copies


def retention_class(fact: Kept, type_name: str, table: RetentionTable) -> RetentionClass:
    """The retention class of a package: one each for refusals, notices and the canary; for a valid document, the class
    of its type."""
    if table.canary and is_canary(fact.sender):
        return table.named(table.canary)
    match fact:
        case NoticeAccepted():
            return table.named(table.notice)
        case DocumentVerified():
            return table.for_document(type_name)
        case _:
            return table.named(table.refused)


def archived(fact: DocumentVerified, saved: Record) -> DocumentArchived:
    """The fact that a document is archived. It is the same at every announcement."""
    return DocumentArchived(
        event_id=event_id(saved.record_id, "document.archived"),
        occurred_at=saved.archived_at,
        subject=fact.subject,
        package_id=fact.package_id,
        sender=fact.sender,
        document_id=fact.document_id,
        kind=fact.kind,
        lane=fact.lane,
        record_id=saved.record_id,
        retain_until=saved.retain_until,
    )


def finished(saved: Record, at: datetime) -> PackageFinished:
    """The fact that nothing of a package is open any more. It is the same at every announcement. ``at``: when that was
    first noted."""
    return PackageFinished(
        event_id=event_id(saved.record_id, "finished"),
        occurred_at=at,
        subject=saved.document_key,
        package_id=saved.record_id,
        sender=saved.sender,
        document_id=saved.document_id,
        kind=saved.kind,
        lane=saved.lane,
        reason=saved.reason if saved.verdict == VALIDATOR_REFUSED else None,
    )
