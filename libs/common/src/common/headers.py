"""Every AMQP header name and content type of the trunk, and which headers a copy keeps."""

from collections.abc import Mapping
from typing import Any

EDXML_TYPE = "application/edxml+xml"
"""Content type of a package; any other type but the next is read as one, too."""
REFERENCE_TYPE = "application/vnd.trunk.reference+json"
"""Content type of a message that names a package in the object store instead of carrying it."""
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

USER_ID = "x-user-id"
"""On a copy made by the trunk itself: the user that published the original."""
ATTEMPT = "x-attempt"
FIRST_FAILED_AT = "x-first-failed-at"
FAILURE_REASON = "x-failure-reason"
FAILURE_DETAIL = "x-failure-detail"
PARK_REASON = "x-park-reason"
PARK_DETAIL = "x-park-detail"
PARK_QUEUE = "x-park-queue"
PARK_SERVICE = "x-park-service"
PARKED_AT = "x-parked-at"
REPLAY = "x-replay"

BROKERS_OWN = ("x-death", "x-first-death", "x-last-death", "x-delivery-count", "x-acquired-count")
"""Prefixes of headers that the broker writes; a copy must not carry them on."""


def copied(headers: Mapping[str, Any]) -> dict[str, Any]:
    """Headers for a copy of a message: all but the broker's own."""
    return {name: value for name, value in headers.items() if not name.startswith(BROKERS_OWN)}
