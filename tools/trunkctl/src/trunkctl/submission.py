"""What a unit publishes when it submits a package: routing key, properties, and bytes or a reference to them."""

import hashlib
import json
import uuid
from datetime import UTC, datetime

import aio_pika

from common.domain.directory import Unit
from common.domain.names import Lane, Sha256
from common.headers import EDXML_TYPE, REFERENCE_TYPE
from common.objects import UPLOADS
from common.topology import submit_key


def inline(unit: Unit, package: bytes) -> aio_pika.Message:
    """The package itself."""
    return _message(unit, package, EDXML_TYPE)


def by_reference(unit: Unit, key: str, package: bytes) -> aio_pika.Message:
    """The name, size and SHA-256 of a package that lies in the bucket of uploads under ``key``."""
    reference = {"bucket": UPLOADS, "key": key, "size": len(package), "sha256": sha256_of(package)}
    return _message(unit, json.dumps(reference).encode(), REFERENCE_TYPE)


def routing_key(unit: Unit, lane: Lane) -> str:
    """Where a unit publishes."""
    return submit_key(unit.code, lane)


def sha256_of(package: bytes) -> Sha256:
    """Digest of the package's bytes."""
    return hashlib.sha256(package).hexdigest()


def _message(unit: Unit, body: bytes, content_type: str) -> aio_pika.Message:
    return aio_pika.Message(
        body,
        content_type=content_type,
        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
        message_id=uuid.uuid4().hex,
        user_id=unit.user,
        timestamp=datetime.now(UTC),
    )
