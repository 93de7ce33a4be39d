"""A package out of the trunk's archive, and the security event that says who took it and why."""

from collections.abc import Sequence
from typing import Any

from archive.kept import PACKAGE
from archive.record import Record
from common.domain.ids import digest_id, event_id
from common.domain.security import SecurityKind
from common.facts import ObjectRef, SecurityNoticed, security_event
from common.facts.flows import OPERATOR
from common.objects import ARCHIVE
from trunkctl.archive_records import read
from trunkctl.command_error import CommandError
from trunkctl.units.history import Decision

Row = dict[str, Any]


def record_of(rows: Sequence[Row], identifier: str) -> Record:
    """The one record among the rows that an identifier names. Raises ``CommandError`` if there is none, or several."""
    if len(rows) > 1:
        names = ", ".join(sorted(str(row["_id"]) for row in rows))
        raise CommandError(f"{identifier} names several packages, say which: {names}.")
    if not rows:
        raise CommandError(f"{identifier} is no file, and the archive has no record of it.")
    record = read(rows[0])
    if record is None:
        raise CommandError(f"The record of {identifier} in the database cannot be read: `trunkctl archive check`.")
    return record


def package_in(record: Record) -> ObjectRef:
    """Where the package lies under lock. Raises ``CommandError`` if it is not kept (a secret one), or is no object."""
    kept = next((each for each in record.objects if each.role == PACKAGE), None)
    if kept is None and any(each.role == PACKAGE for each in record.enclosed):
        raise CommandError(
            f"Package {record.record_id} is a notice without attachments. Its bytes are in {record.evidence_key}."
        )
    if kept is None:
        why = f" ({record.reason})" if record.reason else ""
        raise CommandError(f"The archive keeps no bytes of package {record.record_id}{why}.")
    return ObjectRef(
        bucket=kept.bucket or ARCHIVE,
        key=kept.key,
        sha256=kept.sha256,
        size_bytes=kept.size_bytes,
        version_id=kept.version_id,
    )


def taken_event(record: Record, decision: Decision) -> SecurityNoticed:
    """Who takes the attachments of a package out of the archive, and why (R40)."""
    identifier = digest_id("extract", record.record_id, decision.at.isoformat(), decision.by, decision.account)
    return security_event(
        OPERATOR,
        SecurityKind.OPERATOR_ACTED,
        event_id(identifier, "extract"),
        decision.at,
        actor=decision.by,
        origin=f"trunkctl, {decision.account}",
        detail=f"extract: takes the attachments of package {record.record_id} out of the archive; why: {decision.why}",
        package_id=record.record_id,
    )
