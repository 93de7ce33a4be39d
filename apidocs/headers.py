"""What every header of ``common.headers`` says, as JSON schemas; and which message has which.

Headers are written for receivers' systems and for traces. No service decides by one.
"""

from typing import Any

from common import headers
from common.domain.names import Label, Lane, PackageKind
from common.domain.reason import Reason

Schema = dict[str, Any]

HEADERS: dict[str, Schema] = {
    headers.EVENT_ID: {"description": "Identifies the event. A repeat of the same event has the same id."},
    headers.PACKAGE_ID: {
        "description": "The package that the message carries or answers.",
        "pattern": "^[0-9a-f]{32}$",
    },
    headers.DOCUMENT_KEY: {
        "description": "Key of the document on the trunk (issuer and DocumentId together), or the subject of the fact."
    },
    headers.DOCUMENT_ID: {"description": "The issuer's DocumentId.", "maxLength": 200},
    headers.SENDER: {"description": "Unit that submitted the package; in receipts and refusals the trunk's own code."},
    headers.SHA256: {
        "description": "SHA-256 of the message's package; in a receipt, of the package that the receipt is for.",
        "pattern": "^[0-9a-f]{64}$",
    },
    headers.KIND: {"description": "What the package does to documents.", "enum": [*PackageKind]},
    headers.LANE: {"description": "Urgent packages have queues of their own.", "enum": [*Lane]},
    headers.LABEL: {"description": "Legal form of a valid document.", "enum": [*Label]},
    headers.UNSIGNED_ANNEXES: {
        "description": "Number of further PDFs without a signature. The label does not cover them.",
        "pattern": "^[1-9][0-9]*$",
    },
    headers.REASON: {"description": "Why a package or a receiver was refused, or is held.", "enum": [*Reason]},
    headers.TRACEPARENT: {"description": "W3C Trace Context."},
    headers.TRACESTATE: {"description": "W3C Trace Context."},
}

OF_FACTS = (headers.EVENT_ID, headers.DOCUMENT_KEY)
OF_PACKAGE_FACTS = (headers.PACKAGE_ID, headers.DOCUMENT_ID)
OF_PACKAGES = (
    headers.EVENT_ID,
    headers.PACKAGE_ID,
    headers.DOCUMENT_KEY,
    headers.DOCUMENT_ID,
    headers.SENDER,
    headers.SHA256,
    headers.KIND,
    headers.LANE,
)
OF_ANSWERS = (headers.EVENT_ID, headers.PACKAGE_ID, headers.SENDER, headers.KIND, headers.LANE)
KNOWN_TO_ANSWERS = (headers.DOCUMENT_KEY, headers.DOCUMENT_ID, headers.SHA256)
"""Left out when nothing of that kind could be read from the package."""
TRACE = (headers.TRACEPARENT, headers.TRACESTATE)


def bearing(always: tuple[str, ...], sometimes: tuple[str, ...] = ()) -> Schema:
    """Schema of a message's headers; the trace context may be in any message."""
    described = {name: {"type": "string", **HEADERS[name]} for name in (*always, *sometimes, *TRACE)}
    return {"type": "object", "properties": described} | ({"required": [*always]} if always else {})
