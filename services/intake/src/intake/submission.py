"""One submission: the unit that submitted it, and the package's bytes, in the message or in an upload."""

import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, BinaryIO

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from common import headers
from common.directory import DirectoryReader
from common.domain.directory import Directory, Unit
from common.domain.names import Lane, UnitCode
from common.domain.outcome import Refused
from common.domain.reason import Reason
from common.domain.security import SecurityKind
from common.facts import ObjectRef
from common.failure import Forged, Permanent
from common.metrics import set_units_disabled
from common.objects import UPLOADS, ObjectAltered, ObjectMissing, Objects
from common.service.incoming import Incoming
from common.topology import submit_queue, unit_of_submit_queue
from intake.settings import IntakeSettings

SPOOL_BYTES = 1024 * 1024
KEY = r"^[A-Za-z0-9._-]{1,100}(/[A-Za-z0-9][A-Za-z0-9._-]{0,199}){1,8}$"
"""Keys of uploads: plain segments, so that no key leads out of the unit's own folder."""


MOST_SAVED_BYTES = (1 << 53) - 1


class Reference(BaseModel):
    """The body of a submission by reference."""

    model_config = ConfigDict(extra="ignore")

    bucket: str
    key: str = Field(pattern=KEY)
    size: Annotated[int, Field(gt=0), AfterValidator(lambda size: min(size, MOST_SAVED_BYTES))]
    """In bytes. More than a row of the database holds counts as that much: it is above all limits anyway."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")


@dataclass(frozen=True, slots=True)
class Submission:
    """The body of a submission, and the unit whose user published it, according to the broker."""

    unit: Unit
    body: bytes
    content_type: str
    lane: Lane


def submission_of(message: Incoming, directory: Directory) -> Submission:
    """The submission in a message.

    Raises ``Permanent`` if there is no unit to answer: the message has no user, or the user belongs to no unit. Raises
    ``Forged`` if the user belongs to another unit than the queue: only somebody with an administrator's rights can have
    put the message there.
    """
    if message.user_id is None:
        raise Permanent(Reason.E_SENDER_UNKNOWN, "message without user_id", SecurityKind.ANONYMOUS_MESSAGE)
    unit = directory.unit_of_user(message.user_id)
    if unit is None:
        detail = f"user {message.user_id} speaks for no unit"
        raise Permanent(Reason.E_SENDER_UNKNOWN, detail, SecurityKind.UNKNOWN_USER)
    if unit.code != unit_of_submit_queue(message.queue):
        raise Forged(f"user of {unit.code} in {message.queue}")
    return Submission(unit, message.body, message.content_type, message.lane)


def submit_queues(
    directory: DirectoryReader, lane: Lane, is_open: Callable[[UnitCode, Lane], bool] = lambda *_: True
) -> list[str]:
    """The submit queues of one lane from which intake consumes; none before a directory is loaded.

    Submissions of a disabled unit wait in its queues until it is enabled (R16). The same holds for a unit that is over
    its rate, and therefore not ``is_open``.
    """
    if not directory.is_loaded:
        return []
    units = [unit for unit in directory.current.units if unit not in directory.disabled and is_open(unit, lane)]
    return [submit_queue(unit, lane) for unit in units]


async def measure_disabled(directory: DirectoryReader) -> None:
    """Record the disabled units, so that no alert fires about submissions that wait in their queues."""
    if directory.is_loaded:
        set_units_disabled(directory.disabled)


async def open_package(submission: Submission, objects: Objects, settings: IntakeSettings) -> BinaryIO | Refused:
    """The package's bytes as a file, or why they are refused. The caller closes the file.

    A reference may only name an upload of the unit itself; its size and SHA-256 are checked while it is read. Raises
    ``Outage`` while the object store is unavailable.
    """
    if submission.content_type != headers.REFERENCE_TYPE:
        return _inline(submission.body, settings.inline_limit_bytes)
    try:
        reference = Reference.model_validate_json(submission.body)
    except ValidationError as error:
        first = error.errors()[0]
        return Refused(Reason.E_REFERENCE, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
    return _foreign(reference, submission.unit, settings.package_limit_bytes) or await _download(reference, objects)


def uploaded(submission: Submission) -> ObjectRef | None:
    """The upload that a submission by reference names; None if it names none of the unit's own."""
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
        detail = f"only objects {UPLOADS}/{unit.code}/… may be named"
        return Refused(Reason.E_REFERENCE, detail, SecurityKind.FOREIGN_UPLOAD)
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
