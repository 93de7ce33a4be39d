"""What a unit put on the submit queue: who it is, and the package's bytes, inline or by reference."""

import io
import tempfile
from dataclasses import dataclass
from typing import Any, BinaryIO

from faststream.rabbit import RabbitMessage
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from common import headers
from common.directory import DirectoryReader
from common.domain.directory import Unit
from common.domain.names import Lane
from common.domain.outcome import Refused
from common.domain.reason import Reason
from common.facts import ObjectRef
from common.failure import Permanent
from common.objects import UPLOADS, ObjectAltered, ObjectMissing, Objects
from common.topology import OPERATOR
from intake.settings import IntakeSettings

COPIERS = {"intake", OPERATOR}
"""Users whose copies (retry ladder, replay) bear the original user in a header."""
SPOOL_BYTES = 1024 * 1024


KEY = r"^[A-Za-z0-9._-]{1,100}(/[A-Za-z0-9][A-Za-z0-9._-]{0,199}){1,8}$"
"""Keys of uploads: plain segments, so that none can lead out of the unit's own folder."""


class Reference(BaseModel):
    """The body of a submission by reference."""

    model_config = ConfigDict(extra="ignore")

    bucket: str
    key: str = Field(pattern=KEY)
    size: int = Field(gt=0)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


@dataclass(frozen=True, slots=True)
class Submission:
    """Bytes, and the unit whose user the broker says submitted them."""

    unit: Unit
    body: bytes
    content_type: str | None


def submitting_user(message: RabbitMessage) -> str | None:
    """The user the broker vouched for; on our own copies, the one it vouched for originally."""
    user: str | None = message.raw_message.user_id
    if user in COPIERS:
        return _text(message.headers.get(headers.USER_ID))
    return user


def submission_of(body: bytes, message: RabbitMessage, directory: DirectoryReader) -> Submission:
    """Raises ``Permanent`` when nobody can be told: no user, or a user without a unit."""
    user = submitting_user(message)
    if not user:
        raise Permanent(Reason.E_SENDER_UNKNOWN, "message without user_id")
    unit = directory.current.unit_of_user(user)
    if unit is None:
        raise Permanent(Reason.E_SENDER_UNKNOWN, f"user {user} speaks for no unit")
    return Submission(unit, body, message.raw_message.content_type)


def lane_of(message: RabbitMessage) -> Lane:
    """The lane by which the unit submitted."""
    key = str(message.raw_message.routing_key or "")
    return Lane.URGENT if key.endswith(".urgent") else Lane.NORMAL


async def open_package(submission: Submission, objects: Objects, settings: IntakeSettings) -> BinaryIO | Refused:
    """The package's bytes as a file, verified while streaming; a reference may only name the unit's own upload."""
    if submission.content_type != headers.REFERENCE_TYPE:
        return _inline(submission.body, settings.inline_limit_bytes)
    try:
        reference = Reference.model_validate_json(submission.body)
    except ValidationError as error:
        first = error.errors()[0]
        return Refused(Reason.E_REFERENCE, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
    return _foreign(reference, submission.unit, settings.package_limit_bytes) or await _download(reference, objects)


def uploaded(submission: Submission) -> ObjectRef | None:
    """The upload that a submission by reference names, if it is the unit's own."""
    if submission.content_type != headers.REFERENCE_TYPE:
        return None
    try:
        named = Reference.model_validate_json(submission.body)
    except ValidationError:
        return None
    if named.bucket != UPLOADS or not named.key.startswith(f"{submission.unit.code}/"):
        return None
    return ObjectRef(bucket=named.bucket, key=named.key, sha256=named.sha256, size_bytes=named.size)


def _inline(body: bytes, limit: int) -> BinaryIO | Refused:
    if len(body) > limit:
        return Refused(Reason.E_SIZE, f"{len(body)} bytes in one message, at most {limit}; upload and refer instead")
    return io.BytesIO(body)


def _foreign(reference: Reference, unit: Unit, limit: int) -> Refused | None:
    if reference.bucket != UPLOADS or not reference.key.startswith(f"{unit.code}/"):
        return Refused(Reason.E_REFERENCE, f"only objects {UPLOADS}/{unit.code}/… may be named")
    if reference.size > limit:
        return Refused(Reason.E_SIZE, f"{reference.size} bytes, at most {limit}")
    return None


async def _download(reference: Reference, objects: Objects) -> BinaryIO | Refused:
    ref = ObjectRef(bucket=reference.bucket, key=reference.key, sha256=reference.sha256, size_bytes=reference.size)
    target: Any = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 - the caller closes it
    try:
        await objects.fetch(ref, target)
    except ObjectMissing:
        return Refused(Reason.E_REFERENCE, "the uploaded object does not exist")
    except ObjectAltered:
        return Refused(Reason.E_REFERENCE, "the uploaded object has another size or SHA-256")
    return target  # type: ignore[no-any-return]


def _text(value: object) -> str | None:
    return value.decode() if isinstance(value, bytes) else str(value) if value else None
