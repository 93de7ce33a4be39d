"""What every header of ``common.headers`` says, as JSON schemas; and which message bears which."""

from typing import Any

from common import headers
from common.domain.names import Label, Lane, PackageKind
from common.domain.reason import Reason
from common.topology import SERVICES

Schema = dict[str, Any]

TRACE = "traceparent"
"""Written by the tracing middleware (W3C Trace Context)."""

HEADERS: dict[str, Schema] = {
    headers.EVENT_ID: {"description": "What happened; the same event always bears the same id."},
    headers.PACKAGE_ID: {
        "description": "The package that this is, or that is being answered.",
        "pattern": "^[0-9a-f]{32}$",
    },
    headers.DOCUMENT_KEY: {"description": "The trunk's key of the document: issuer and DocumentId together."},
    headers.DOCUMENT_ID: {"description": "The issuer's DocumentId.", "maxLength": 200},
    headers.SENDER: {"description": "Unit that submitted the package; of receipts and refusals the trunk's own code."},
    headers.SHA256: {
        "description": "SHA-256 of the package's bytes; of a receipt, those of the package it is for.",
        "pattern": "^[0-9a-f]{64}$",
    },
    headers.KIND: {"description": "What the package does to documents.", "enum": [*PackageKind]},
    headers.LANE: {"description": "Urgent messages overtake.", "enum": [*Lane]},
    headers.LABEL: {"description": "Legal form of a valid document.", "enum": [*Label]},
    headers.UNSIGNED_ANNEXES: {
        "description": "How many further PDFs bear no signature; the label does not speak for them.",
        "pattern": "^[1-9][0-9]*$",
    },
    headers.REASON: {"description": "Why a package or a receiver was refused.", "enum": [*Reason]},
    headers.USER_ID: {"description": "On a copy: the broker user that published the original."},
    headers.ATTEMPT: {"type": "integer", "minimum": 1, "description": "How often the handler has failed."},
    headers.FIRST_FAILED_AT: {"format": "date-time", "description": "When it failed first."},
    headers.FAILURE_REASON: {"description": "Why it failed last.", "enum": [*Reason]},
    headers.FAILURE_DETAIL: {"description": "The same, for people.", "maxLength": 500},
    headers.PARK_REASON: {"description": "Why only a person can help.", "enum": [*Reason]},
    headers.PARK_DETAIL: {"description": "The same, for people.", "maxLength": 500},
    headers.PARK_QUEUE: {"description": "The queue it was taken from, to which a replay goes."},
    headers.PARK_SERVICE: {"description": "The service that parked it.", "enum": [*SERVICES]},
    headers.PARKED_AT: {"format": "date-time", "description": "When it was parked."},
    headers.REPLAY: {"description": "How often the operator has put it back.", "type": "integer"},
    TRACE: {"description": "W3C Trace Context."},
}

OF_FACTS = (headers.EVENT_ID, headers.PACKAGE_ID, headers.DOCUMENT_KEY, headers.DOCUMENT_ID)
OF_PACKAGES = (*OF_FACTS, headers.SENDER, headers.SHA256, headers.KIND, headers.LANE)
OF_ANSWERS = (headers.EVENT_ID, headers.PACKAGE_ID, headers.SENDER, headers.KIND, headers.LANE)
KNOWN_TO_ANSWERS = (headers.DOCUMENT_KEY, headers.DOCUMENT_ID, headers.SHA256)
"""Left out when the package could not be read so far."""
OF_RETRIES = (headers.ATTEMPT, headers.FIRST_FAILED_AT, headers.FAILURE_REASON, headers.FAILURE_DETAIL)
OF_PARKED = (
    headers.PARK_REASON,
    headers.PARK_DETAIL,
    headers.PARK_QUEUE,
    headers.PARK_SERVICE,
    headers.PARKED_AT,
)


def bearing(always: tuple[str, ...], sometimes: tuple[str, ...] = ()) -> Schema:
    """Schema of a message's headers."""
    described = {name: {"type": "string", **HEADERS[name]} for name in (*always, *sometimes, TRACE)}
    return {"type": "object", "properties": described} | ({"required": [*always]} if always else {})
