"""One version of an object: copied to the second store, if what is read is what was put."""

from minio import Minio
from minio.error import S3Error

from common.objects import ARCHIVE, LOG, NOT_FOUND, PACKAGES, STORE_ERRORS, digest_in_key
from common.tlog.tiles import WIDTH, tile_at
from trunkctl.backup.copies import (
    UNLOCKED,
    VERSION_META,
    Damaged,
    Original,
    Read,
    answering,
    originals,
    read,
    said,
    write,
)
from trunkctl.backup.second_store import OBJECTS
from trunkctl.command_error import CommandError
from trunkctl.store_patience import NoAnswer, Patience, Unreadable

LOCKED_LATER = (PACKAGES,)
"""Buckets in which an object is locked some time after it was put."""

COPIED_NOW, GONE = "", "gone"
"""Outcomes of one version; any other says what is wrong with it."""


class Copier:
    """Copies versions from the trunk's store to the second one. Safe for several threads."""

    def __init__(self, source: Minio, target: Minio, bucket: str) -> None:
        self._source = source
        self._target = target
        self._bucket = bucket
        self._patience = Patience()

    def copied(self, original: Original) -> str:
        """Copy one version. Returns ``COPIED_NOW``, ``GONE``, or what is wrong with it."""
        place = f"{original.bucket}/{original.key}"
        try:
            return self._patience.ask(place, lambda: self._copy(original), self._are_answering)
        except Damaged as error:
            return GONE if self._is_replaced(original) else str(error)
        except Unreadable as error:
            return GONE if self._is_replaced(original) else f"cannot be copied: {error}"
        except NoAnswer as error:
            raise CommandError(f"A store, asked for {place}, does not answer as it should ({error}).") from error

    def _copy(self, original: Original) -> str:
        """See ``copied``. Raises ``Damaged``, and what the client raises."""
        with read(self._source, original.bucket, original.key, original.version_id) as content:
            if content is None:
                return self._gone(original)
            _expect_sound(original, content)
            is_early = original.bucket in LOCKED_LATER and content.locked_until is None
            name = f"{original.copy_name}{UNLOCKED}" if is_early else original.copy_name
            write(self._target, self._bucket, name, content, original.order)
        return COPIED_NOW

    def _gone(self, original: Original) -> str:
        """The outcome for a version that was listed, and that the store did not give. Raises ``Damaged``."""
        again = originals(self._source, original.bucket, original.key, recursive=False)
        if any(
            (each.key, each.version_id, each.etag) == (original.key, original.version_id, original.etag)
            for each in again
        ):
            raise Damaged("is listed, and the store does not give it")
        if original.bucket == ARCHIVE or (original.bucket == LOG and not _may_be_tidied(original.key)):
            raise Damaged("is gone, and nothing may go from this bucket")
        return GONE

    def _is_replaced(self, original: Original) -> bool:
        """Whether ``restore object`` has put a copy in the place of a damaged version. It is copied like any other."""
        try:
            versions = list(originals(self._source, original.bucket, original.key, recursive=False))
            return original.version_id is not None and original.version_id in map(self._replaced_by, versions)
        except (CommandError, *STORE_ERRORS):
            return False

    def _replaced_by(self, version: Original) -> str:
        stat = self._source.stat_object(version.bucket, version.key, version_id=version.version_id)
        return said(stat, VERSION_META)

    def _are_answering(self) -> None:
        self._source.list_buckets()
        next(iter(self._target.list_objects(self._bucket, prefix=OBJECTS)), None)

    def is_locked(self, original: Original) -> bool:
        """Whether a version was locked since it was copied; one that has gone meanwhile was not."""
        with answering(f"The object store, asked for {original.bucket}/{original.key},"):
            try:
                stat = self._source.stat_object(original.bucket, original.key, version_id=original.version_id)
            except S3Error as error:
                if error.code in NOT_FOUND:
                    return False
                raise
        return bool((stat.metadata or {}).get("x-amz-object-lock-retain-until-date"))


def _may_be_tidied(key: str) -> bool:
    """Whether a file of the log is a partial tile, which ``log tidy`` removes."""
    tile = tile_at(key)
    return tile is not None and tile.width < WIDTH


def _expect_sound(original: Original, content: Read) -> None:
    if content.size_bytes != original.size_bytes:
        raise Damaged(f"has {content.size_bytes} bytes, {original.size_bytes} by the listing")
    if digest_in_key(original.bucket, original.key) not in (None, content.sha256):
        raise Damaged(f"holds other bytes, SHA-256 {content.sha256}")
    if content.said_sha256 and content.said_sha256 != content.sha256:
        raise Damaged(f"holds other bytes than were restored, SHA-256 {content.sha256}")
