"""The objects to remove of a package that the validator found secret."""

import io

from common import envelopes
from common.containment import in_thread
from common.domain.envelope import Envelope, Message
from common.edxml import Limits, Unreadable, parse
from common.edxml.parse import spool
from common.facts import ObjectRef
from common.objects import ObjectMissing, Objects, content_ref, digest_of, package_ref
from intake.record import PackageRecord

WIDE = Limits(max_package_bytes=1 << 40)
"""Practically no limit of size: the package was accepted under the limits of its time."""


async def objects_of(record: PackageRecord, objects: Objects) -> tuple[ObjectRef, ...]:
    """The package, its parsed header, its files and its upload; without the files if the header no longer exists.

    Both ways of storing a package are covered, as one object and with its parts beside it, because the setting may have
    been changed between two submissions of the same bytes. Raises ``Outage``.
    """
    if record.package.version_id is not None:
        parts = await _parts_inside(record.package, objects)
    else:
        one_object = package_ref(record.package.sha256, record.package.size_bytes, record.package_id)
        parts = (one_object, *await _parts_apart(record, objects))
    return tuple(dict.fromkeys(ref for ref in (record.package, record.upload, *parts) if ref))


async def _parts_apart(record: PackageRecord, objects: Objects) -> tuple[ObjectRef, ...]:
    if record.envelope is None:
        return ()
    try:
        message = envelopes.from_json(await objects.get(record.envelope))
    except ObjectMissing:
        return (record.envelope,)  # an earlier release has removed header and files
    return (record.envelope, *_files(message))


async def _parts_inside(package: ObjectRef, objects: Objects) -> tuple[ObjectRef, ...]:
    whole = content_ref(package.sha256, package.size_bytes)
    with spool() as source:
        try:
            await objects.fetch(package, source)
            parsed = await in_thread(parse, source, limits=WIDE)
        except (ObjectMissing, Unreadable):
            return (whole,)
    for file in parsed.files:
        file.close()
    header = content_ref(*digest_of(io.BytesIO(envelopes.to_json(parsed.message))))
    return (whole, header, *_files(parsed.message))


def _files(message: Message) -> list[ObjectRef]:
    attachments = message.attachments if isinstance(message, Envelope) else ()
    return [content_ref(each.sha256, each.size_bytes) for each in attachments]
