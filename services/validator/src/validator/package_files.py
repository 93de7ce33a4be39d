"""Header and files of a package: as intake has stored them apart, or read out of a package that is one object."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import BinaryIO, Protocol

from common import envelopes
from common.containment import in_thread
from common.domain.envelope import Attachment, Envelope, Message
from common.domain.names import Sha256
from common.domain.reason import Reason
from common.edxml import Parsed, Unreadable, parse
from common.edxml.parse import spool
from common.facts import PackageAccepted
from common.failure import Permanent
from common.objects import ObjectMissing, Objects, content_ref
from validator.secrecy.restore import WIDE, restore


class PackageFiles(Protocol):
    """What the validator examines."""

    envelope: Envelope

    async def file(self, attachment: Attachment) -> bytes:
        """The bytes of an attachment of the envelope, checked."""


@asynccontextmanager
async def opened(fact: PackageAccepted, objects: Objects) -> AsyncIterator[PackageFiles]:
    """The package that a fact names; one that is one object is fetched once, and its files lie on disk meanwhile.

    Raises ``Permanent`` if it is a status, which carries no document, or cannot be read as intake has read it.
    """
    if fact.package.version_id is None:
        message = envelopes.from_json(await objects.get(fact.envelope))
        yield StoredApart(fact, objects, _document(message))
        return
    with spool() as source:
        await objects.fetch(fact.package, source)
        parsed = await in_thread(_parsed, source)
    try:
        envelope = _document(parsed.message)
        digests = (attachment.sha256 for attachment in envelope.attachments)
        yield Unpacked(envelope, dict(zip(digests, parsed.files, strict=True)))
    finally:
        for file in parsed.files:
            file.close()


class StoredApart:
    """Files that lie in the content store by their digest."""

    def __init__(self, fact: PackageAccepted, objects: Objects, envelope: Envelope) -> None:
        self.envelope = envelope
        self._package = fact.package
        self._objects = objects

    async def file(self, attachment: Attachment) -> bytes:
        """The bytes; taken out of the package again if another, secret package took them along."""
        ref = content_ref(attachment.sha256, attachment.size_bytes)
        try:
            return await self._objects.get(ref)
        except ObjectMissing:
            await restore(await self._objects.get(self._package), self._objects)
            return await self._objects.get(ref)


class Unpacked:
    """Files that were read out of their package, by the digest that they have."""

    def __init__(self, envelope: Envelope, files: Mapping[Sha256, BinaryIO]) -> None:
        self.envelope = envelope
        self._files = files

    async def file(self, attachment: Attachment) -> bytes:
        """The bytes: the digest in the header is of what was read."""
        return await in_thread(_whole, self._files[attachment.sha256])


def _parsed(source: BinaryIO) -> Parsed:
    try:
        return parse(source, limits=WIDE)
    except Unreadable as error:
        raise Permanent(Reason.E_FACT, f"intake has read the package, and here it is {error.reason}") from error


def _document(message: Message) -> Envelope:
    if not isinstance(message, Envelope):
        raise Permanent(Reason.E_FACT, "a status package carries no document")
    return message


def _whole(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read()
