"""What must be gone of a package that the validator found secret."""

from common import envelopes
from common.domain.envelope import Envelope
from common.facts import ObjectRef
from common.objects import ObjectMissing, Objects, content_ref
from intake.record import PackageRecord


async def objects_of(record: PackageRecord, objects: Objects) -> tuple[ObjectRef, ...]:
    """The package, its parsed header, its files, and the upload it came by; without files if the header is gone.

    Of a package that is one object, there is nothing else.
    """
    if record.package.version_id is not None:
        return tuple(ref for ref in (record.package, record.upload) if ref)
    files: list[ObjectRef] = []
    if record.envelope:
        try:
            message = envelopes.from_json(await objects.get(record.envelope))
        except ObjectMissing:
            message = None  # an earlier release of the trunk has removed header and files
        if isinstance(message, Envelope):
            files = [content_ref(each.sha256, each.size_bytes) for each in message.attachments]
    stored = (record.package, record.upload, record.envelope, *files)
    return tuple(dict.fromkeys(ref for ref in stored if ref))
