"""The facts of intake. Each is made of the saved record alone, so that it is the same each time it is made."""

from typing import Any

from common.domain.ids import event_id
from common.domain.reason import Reason
from common.facts import (
    BaseFact,
    NoticeAccepted,
    PackageAccepted,
    PackageRefused,
    PackageRepeated,
    PackageWaiting,
    SecurityNoticed,
    security_event,
)
from common.topology import submit_queue
from intake.record import PackageRecord
from intake.waiting import WaitingPackage


def fact_of(record: PackageRecord) -> BaseFact:
    """The fact of the decision: ``package.accepted`` (with files), ``notice.accepted`` (without) or
    ``package.refused``."""
    common = _common(record, "intake") | {"submitted_at": record.submitted_at, "package": record.package}
    if record.reason is not None:
        return PackageRefused(**common, reason=record.reason, detail=record.detail)
    kind = PackageAccepted if record.carries_files else NoticeAccepted
    content = {"envelope": record.envelope, "place": record.place, "claims_document_id": record.claims_document_id}
    targets = {"target_package": record.target_package, "target_packages": record.target_packages}
    return kind.model_validate(common | targets | content)


def repeated_fact_of(record: PackageRecord) -> PackageRepeated:
    """The fact that the same bytes were submitted again after the decision was announced."""
    return PackageRepeated(
        **_common(record, "repeated"),
        accepted=record.reason is None,
        reason=record.reason,
        detail=record.detail,
        submitted_at=record.submitted_at,
    )


def waiting_fact_of(waiting: WaitingPackage) -> PackageWaiting:
    """The fact that the package waits for a document."""
    return PackageWaiting(
        **_common(waiting, "waiting"),
        submitted_at=waiting.submitted_at,
        package=waiting.package,
        reason=Reason.E_REFDOC_AWAITED,
        detail=waiting.detail,
        deadline=waiting.deadline,
    )


def repeated_waiting_fact_of(waiting: WaitingPackage) -> PackageRepeated:
    """The fact that the same bytes were submitted again while the package waits."""
    common = _common(waiting, "waiting/repeated")
    return PackageRepeated(**common, accepted=True, submitted_at=waiting.submitted_at)


def security_fact_of(record: PackageRecord) -> SecurityNoticed | None:
    """The security event of a refusal; None if the decision is not a security event."""
    if record.security is None:
        return None
    return security_event(
        "intake",
        record.security,
        event_id(record.package_id, f"intake/security/{record.security}"),
        record.submitted_at,
        actor=record.sender,
        origin=submit_queue(record.sender, record.arrival_lane or record.lane),
        detail=f"{record.reason}: {record.detail}",
        package_id=record.package_id,
    )


def _common(record: PackageRecord | WaitingPackage, step: str) -> dict[str, Any]:
    return {
        "event_id": event_id(record.package_id, step),
        "occurred_at": record.submitted_at,
        "subject": record.subject,
        "package_id": record.package_id,
        "sender": record.sender,
        "document_id": record.document_id,
        "kind": record.kind,
        "lane": record.lane,
    }
