"""The facts that a package record says."""

from datetime import UTC, datetime
from typing import Any

from common.domain.ids import event_id
from common.facts import BaseFact, NoticeAccepted, PackageAccepted, PackageRefused, PackageRepeated
from intake.record import PackageRecord


def fact_of(record: PackageRecord) -> BaseFact:
    """Accepted with files, accepted without, or refused with its reason."""
    common = _common(record, "intake") | {"submitted_at": record.submitted_at, "package": record.package}
    if record.reason is not None:
        return PackageRefused(**common, reason=record.reason, detail=record.detail)
    kind = PackageAccepted if record.carries_files else NoticeAccepted
    return kind.model_validate(common | {"envelope": record.envelope})


def repeated_fact_of(record: PackageRecord) -> PackageRepeated:
    """The same bytes came again."""
    return PackageRepeated(
        **_common(record, "repeated"),
        accepted=record.reason is None,
        reason=record.reason,
        detail=record.detail,
        submitted_at=record.submitted_at,
    )


def _common(record: PackageRecord, step: str) -> dict[str, Any]:
    return {
        "event_id": event_id(record.package_id, step),
        "occurred_at": datetime.now(UTC),
        "subject": record.subject,
        "package_id": record.package_id,
        "sender": record.sender,
        "document_id": record.document_id,
        "kind": record.kind,
        "lane": record.lane,
    }
