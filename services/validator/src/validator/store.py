"""The validator's database: one final verdict per package."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from common.database import Collection, Database, Document, find_by_id, insert_once
from common.domain.ids import VERDICT, event_id
from common.domain.names import Label, Sha256
from common.domain.reason import Reason
from common.domain.security import SecurityKind
from common.facts import (
    DocumentRefused,
    DocumentVerified,
    ObjectRef,
    PackageAccepted,
    SecurityNoticed,
    security_event,
)


class VerdictRecord(BaseModel):
    """A final verdict; either ``label`` or ``reason`` is set."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    package_id: str
    decided_at: datetime
    label: Label | None = None
    unsigned_annexes: int = 0
    reason: Reason | None = None
    detail: str = ""
    report: ObjectRef
    policy_version: str
    envelope: ObjectRef | None = None
    """In place of the header that the fact about the package names: what is left of a secret one's, or that of a
    package that is one object."""
    evidence: dict[Sha256, int] = {}
    """Lists and certificates that the verdict rests on."""
    security: tuple[tuple[SecurityKind, str], ...] = ()
    """Security events that the examination noticed (R18, R40): kind and detail."""


class Verdicts:
    """Collection ``verdicts`` of the validator's database."""

    def __init__(self, database: Database) -> None:
        self._verdicts: Collection = database.collection("verdicts")

    async def find(self, package_id: str) -> VerdictRecord | None:
        """The saved verdict; None = the package was not decided yet."""
        row = await find_by_id(self._verdicts, package_id)
        return VerdictRecord.model_validate(row) if row else None

    async def save(self, record: VerdictRecord) -> tuple[VerdictRecord, bool]:
        """Saves the verdict unless there is one. Returns the saved verdict, and whether it is this one."""
        row: Document = {"_id": record.package_id, **record.model_dump(exclude_none=True)}
        row["security"] = [list(event) for event in record.security]
        saved = await insert_once(self._verdicts, row)
        return VerdictRecord.model_validate(saved), saved is row


def fact_of(record: VerdictRecord, about: PackageAccepted) -> DocumentVerified | DocumentRefused:
    """The fact that announces the verdict to the other services."""
    common = about.model_dump(exclude={"fact"}) | {
        "event_id": event_id(about.package_id, VERDICT),
        "occurred_at": record.decided_at,
        "report": record.report,
        "policy_version": record.policy_version,
        "evidence": record.evidence,
    }
    if record.envelope is not None:
        common["envelope"] = record.envelope
    if record.label is None:
        return DocumentRefused.model_validate(common | {"reason": record.reason, "detail": record.detail})
    return DocumentVerified.model_validate(
        common | {"label": record.label, "unsigned_annexes": record.unsigned_annexes}
    )


def security_facts_of(record: VerdictRecord, about: PackageAccepted) -> list[SecurityNoticed]:
    """The security events of an examination; made of the record, so that each is the same however often it is made."""
    return [
        security_event(
            "validator",
            kind,
            event_id(record.package_id, f"validator/security/{number}"),
            record.decided_at,
            actor=about.sender,
            detail=detail,
            package_id=record.package_id,
        )
        for number, (kind, detail) in enumerate(record.security, start=1)
    ]
