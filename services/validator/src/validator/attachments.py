"""Which attachments of a package are judged, and as what: pure."""

from common.domain.envelope import Attachment, Envelope
from validator.copy_words import calls_itself_copy

PDF = "application/pdf"


def pdfs(envelope: Envelope) -> tuple[Attachment, ...]:
    """PDF attachments in order; the first is the document itself."""
    return tuple(attachment for attachment in envelope.attachments if attachment.content_type == PDF)


def declares_copy(envelope: Envelope) -> bool:
    """Whether the sender declares the document a copy: in the type's name, or in the description of the file."""
    texts = [envelope.type.name, *(attachment.description for attachment in pdfs(envelope)[:1])]
    return any(calls_itself_copy(text) for text in texts if text)
