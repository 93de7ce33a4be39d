"""``trunkctl edxml --json FILE…``: what a reader of the trunk sees in edXML files, one JSON line each."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

from common.domain.envelope import UNKNOWN_DATE, Attachment, Envelope, Message, ResponseFor, StatusReport
from common.domain.names import PackageKind
from common.domain.reason import Reason
from common.edxml import Parsed, Unreadable, parse
from trunkctl.shown import show_json

Description = dict[str, object]

BUSINESS_TYPES = {
    PackageKind.NEW: 0,
    PackageKind.RECALL: 1,
    PackageKind.UPDATE: 2,
    PackageKind.REPLACE: 3,
}


def describe(path: Path) -> Description:
    """The file's contents, or ``error`` (a reason) and ``message`` (a sentence). Never raises for what is in it."""
    try:
        with path.open("rb") as source:
            return {"file": str(path), **_parsed(parse(source))}
    except Unreadable as fault:
        return {"file": str(path), "error": str(fault.reason), "message": fault.detail, "from": fault.sender}
    except OSError as fault:
        message = f"The file cannot be read: {fault.strerror}."
        return {"file": str(path), "error": str(Reason.E_UNAVAILABLE), "message": message, "from": None}


def print_json(paths: Iterable[Path]) -> int:
    """Print one line a file; 1 if any of them is in error, else 0."""
    worst = 0
    for path in paths:
        description = describe(path)
        worst |= "error" in description
        show_json(json.dumps(description, ensure_ascii=False))
    return worst


def _parsed(parsed: Parsed) -> Description:
    for file in parsed.files:
        file.close()
    return {**_message(parsed.message), "warnings": [str(tolerance) for tolerance in parsed.warnings]}


def _message(message: Message) -> Description:
    return _document(message) if isinstance(message, Envelope) else _status(message)


def _document(envelope: Envelope) -> Description:
    day = envelope.promulgation_date
    return {
        "kind": "document",
        "business_type": BUSINESS_TYPES[envelope.kind],
        "from": envelope.sender.code,
        "to": [receiver.code for receiver in envelope.receivers],
        "document_id": envelope.document_id,
        "number": envelope.number or None,
        "notation": envelope.notation or None,
        "subject": envelope.subject or None,
        "promulgation_date": None if day == UNKNOWN_DATE else day.isoformat(),
        "priority": int(envelope.other.priority),
        "status_code": None,
        "attachments": [attachment_as_json(attachment) for attachment in envelope.attachments],
    }


def _status(report: StatusReport) -> Description:
    number, notation = _number_and_notation(report.response_for)
    day = report.response_for.promulgation_date
    return {
        "kind": "status",
        "business_type": None,
        "from": report.sender.code,
        "to": [report.response_for.unit],
        "document_id": report.response_for.document_id,
        "number": number,
        "notation": notation,
        "subject": None,
        "promulgation_date": day.isoformat() if day else None,
        "priority": None,
        "status_code": str(report.code),
        "attachments": [],
    }


def _number_and_notation(answered: ResponseFor) -> tuple[str | None, str | None]:
    """``15/TB-VP`` in its two parts; the notation may hold further slashes."""
    number, _, notation = (answered.code or "").partition("/")
    return number.strip() or None, notation.strip() or None


def attachment_as_json(attachment: Attachment) -> Description:
    """One attachment in JSON output; ``bytes`` is its size."""
    return {
        "name": attachment.name,
        "content_type": attachment.content_type,
        "bytes": attachment.size_bytes,
        "sha256": attachment.sha256,
    }


if __name__ == "__main__":
    sys.exit(print_json(map(Path, sys.argv[1:])))
