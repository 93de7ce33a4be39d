"""What ``trunkctl verify`` says of an edXML package in words, before and after its documents."""

from collections.abc import Iterator

from common.domain.envelope import Envelope, Message
from common.domain.names import PackageKind
from trunkctl.examined_package import ExaminedPackage
from trunkctl.verification import Examined
from validator.package_verdict import NOT_ASKED_OF_ANNEXES

KINDS = {
    PackageKind.NEW: "a new document",
    PackageKind.UPDATE: "an update of a document",
    PackageKind.REPLACE: "a replacement of a document",
    PackageKind.RECALL: "a recall of a document",
    PackageKind.STATUS: "a status about a document",
}
MOST_RECEIVERS = 5
"""Named in a line; the others are counted."""


def heading(each: ExaminedPackage) -> Iterator[str]:
    """What the file is, and which attachments it has; of what cannot be read or is secret, no more than that."""
    yield f"{each.file}: edXML package{_about(each.message)}"
    yield f"  SHA-256 {each.sha256 or 'unknown'}, {each.size_bytes} bytes"
    if isinstance(each.message, Envelope):
        yield f"  {each.message.document_id} {each.message.subject}".rstrip()
    for number, attachment in enumerate(each.attachments, start=1):
        what = f"{attachment.content_type}, {attachment.size_bytes} bytes, SHA-256 {attachment.sha256}"
        yield f"  attachment {number}: {attachment.name} ({what})"


def verdict_line(each: ExaminedPackage) -> str:
    """The verdict on the whole."""
    if each.reason is None:
        annexes = sum(not document.signatures for document in each.documents[1:])
        unsigned = f"; {annexes} unsigned annexes" if annexes else ""
        return f"package {each.verdict}: {each.label or 'every signature passed'}{unsigned}"
    return f"package {each.verdict}: {each.reason} ({each.detail})"


def annex_lines(each: ExaminedPackage, document: Examined) -> Iterator[str]:
    """Why a document that would be refused as the main one does not refuse the package."""
    if document is not each.documents[0] and document.decision.report.reason in NOT_ASKED_OF_ANNEXES:
        yield "as an annex it needs no signature of unit and signer"


def _about(message: Message | None) -> str:
    if message is None:
        return ""
    if not isinstance(message, Envelope):
        return f", {KINDS[message.kind]} of {message.response_for.unit}, from {message.sender.code}"
    codes = [receiver.code for receiver in message.receivers]
    more = f" and {len(codes) - MOST_RECEIVERS} more" if len(codes) > MOST_RECEIVERS else ""
    return f", {KINDS[message.kind]}, from {message.sender.code} to {', '.join(codes[:MOST_RECEIVERS])}{more}"
