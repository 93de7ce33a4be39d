"""Ids that the trunk derives, so that a repetition of the same thing has the same id."""

import hashlib
import unicodedata

from common.domain.envelope import Message, StatusReport
from common.domain.names import DocumentId, PackageId, PackageKind, Sha256, StatusCode, UnitCode

INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0") | frozenset(
    chr(code) for first, last in ((0xFE00, 0xFE0F), (0xE0100, 0xE01EF)) for code in range(first, last + 1)
)
"""Characters without width that do not have the Unicode category Cf: fillers and variation selectors."""


def comparable(identifier: str) -> str:
    """The form in which identifiers are compared: NFC, without invisible characters, trimmed.

    So two identifiers that look the same are the same. What was sent is kept unchanged; only keys and comparisons use
    this form.
    """
    visible = "".join(each for each in identifier if unicodedata.category(each) != "Cf" and each not in INVISIBLE)
    return unicodedata.normalize("NFC", visible).strip()


def digest_id(*parts: str) -> str:
    """32 hex digits of the SHA-256 over the parts, in this order, joined by zero bytes."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def package_id(sender: UnitCode, sha256: Sha256) -> PackageId:
    """Id of the package with these bytes from this sender."""
    return digest_id("package", sender, sha256)


def document_key(sender: UnitCode, document_id: DocumentId) -> str:
    """Key of a document: one for each issuing unit and DocumentId, both in the form of ``comparable``."""
    return digest_id("document", comparable(sender), comparable(document_id))


def claims_document_id(message: Message) -> bool:
    """Whether a package brings a document of its own, so that its DocumentId must be new.

    A recall may have the id of the document that it takes back, and an update that of the document that it updates.
    """
    if isinstance(message, StatusReport) or message.kind is PackageKind.RECALL:
        return False
    target = message.business.target
    is_own = target is None or comparable(target) == comparable(message.document_id)
    return not (message.kind is PackageKind.UPDATE and is_own)


def concerned_documents(message: Message) -> tuple[tuple[UnitCode, DocumentId], ...]:
    """(issuer, DocumentId) of the earlier documents that a package may be about, the best candidate first; () = none.

    Replacement: every replaced document. Update: the named target, else the own id. Recall: the named target; without
    one, the own id, then answered documents of the same sender. Status: the document answered, issued by the unit
    answered; for status 13, issued by the sender of the status.
    """
    if isinstance(message, StatusReport):
        answered = message.response_for
        issuer = message.sender.code if message.code is StatusCode.TAKE_BACK else answered.unit
        return ((issuer, answered.document_id),)
    sender, business = message.sender.code, message.business
    match message.kind:
        case PackageKind.RECALL | PackageKind.UPDATE if business.target:
            return ((sender, business.target),)
        case PackageKind.RECALL:
            answered_own = [r.document_id for r in message.response_for if r.unit == sender]
            return tuple((sender, document_id) for document_id in (message.document_id, *answered_own))
        case PackageKind.UPDATE:
            return ((sender, message.document_id),)
        case PackageKind.REPLACE:
            return tuple((sender, old.document_id) for old in business.replacements)
        case _:
            return ()


VERDICT = "verdict"
"""Step of the fact that announces the validator's verdict."""


def event_id(subject: str, step: str, version: int = 1) -> str:
    """Event id of a fact. The same saved decision has the same id each time it is announced."""
    return f"{subject}:{step}:{version}"


def step_name(identifier: str) -> str:
    """The name of the step in an event id: its step up to the first slash. Empty for an id of another form.

    The subject may be an event id itself: a notification is about a fact. So the step is the last but one part.
    """
    parts = identifier.rsplit(":", 2)
    return parts[1].partition("/")[0] if len(parts) > 2 else ""
