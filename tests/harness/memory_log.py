"""A bucket with versions and locks, kept in memory, as far as the log uses ``common.objects``."""

from datetime import datetime

from common.failure import Outage
from common.objects import ObjectMissing


class MemoryBucket:
    """``Objects``, for one bucket. ``tests/contract/test_log_bucket.py`` holds it to a real store."""

    def __init__(self) -> None:
        self.versions: dict[str, list[bytes]] = {}
        self.until: dict[str, datetime] = {}
        self.hidden: set[str] = set()
        """Keys over which a delete marker lies."""
        self.steps = 0
        self.fails_at = 0
        """The step that does not come to be; 0 = none."""
        self.is_lossy = False
        """The failing step takes effect, and its answer is lost."""

    def step(self) -> None:
        """Count one request."""
        self.steps += 1
        if self.steps == self.fails_at and not self.is_lossy:
            raise Outage("object store", "does not answer")

    def answered(self) -> None:
        """The request has taken effect."""
        if self.steps == self.fails_at and self.is_lossy:
            raise Outage("object store", "does not answer")

    @property
    def files(self) -> dict[str, bytes]:
        """What a reader sees."""
        return {key: versions[-1] for key, versions in self.versions.items() if key not in self.hidden}

    async def get_key(self, bucket: str, key: str) -> bytes:
        self.step()
        if key not in self.versions or key in self.hidden:
            raise ObjectMissing(f"{bucket}/{key}")
        return self.versions[key][-1]

    async def put_once(self, bucket: str, key: str, data: bytes, retain_until: datetime) -> bool:
        self.step()
        is_new = key not in self.versions or key in self.hidden
        if is_new:
            self._put(key, data, retain_until)
        self.answered()
        return is_new

    async def put_over(self, bucket: str, key: str, data: bytes, retain_until: datetime) -> None:
        self.step()
        self._put(key, data, retain_until)
        self.answered()

    async def names(self, bucket: str, prefix: str, *, recursive: bool = True) -> list[str]:
        self.step()
        below = sorted(key for key in self.versions if key.startswith(prefix))
        folders = (key[: key.find("/", len(prefix)) + 1] or key for key in below)
        return list(dict.fromkeys(below if recursive else folders))

    def _put(self, key: str, data: bytes, retain_until: datetime) -> None:
        self.versions.setdefault(key, []).append(data)
        self.until[key] = retain_until
        self.hidden.discard(key)
