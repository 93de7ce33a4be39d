"""Content types and AMQP header names of the trunk.

Headers are written for the systems of receivers. No service decides by a header that it receives, because any publisher
can write any header.
"""

EDXML_TYPE = "application/edxml+xml"
"""Content type of a package. A submission with any other type except ``REFERENCE_TYPE`` is read as a package, too."""
REFERENCE_TYPE = "application/vnd.trunk.reference+json"
"""Content type of a message that names a package in the object store instead of carrying it."""
JSON_TYPE = "application/json"
SUBMIT_INLINE_LIMIT_BYTES = 12 * 1024 * 1024
"""Largest package inside a submission; larger ones are uploaded and submitted by reference."""

EVENT_ID = "x-event-id"
PACKAGE_ID = "x-package-id"
DOCUMENT_KEY = "x-document-key"
DOCUMENT_ID = "x-document-id"
SENDER = "x-sender"
SHA256 = "x-sha256"
KIND = "x-kind"
LABEL = "x-label"
REASON = "x-reason"
LANE = "x-lane"
UNSIGNED_ANNEXES = "x-unsigned-annexes"

TRACEPARENT = "traceparent"
TRACESTATE = "tracestate"
