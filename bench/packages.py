"""Letters to measure with: a few really signed PDFs, in many packages with DocumentIds of their own."""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from common.domain.names import Lane, Priority
from mint import paper
from mint.city import City
from mint.packages import letter

LETTER_BYTES = 180_000
SIGNED_PDFS = 6
"""The validator keeps no memory of a PDF, so few distinct ones are enough."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One package to submit."""

    sender: str
    receiver: str
    document_id: str
    body: bytes
    lane: Lane


class Letters:
    """Makes packages between open units of the demo city."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._run = secrets.token_hex(3)
        self._count = 0
        now = datetime.now(UTC)
        codes = city.codes[:SIGNED_PDFS]
        self._signed = {code: city.signed(code, paper.letter(pages=2, size_bytes=LETTER_BYTES), now) for code in codes}

    @property
    def size_bytes(self) -> int:
        """Size of one PDF."""
        return len(next(iter(self._signed.values())))

    def make(self, count: int, lane: Lane) -> Iterator[Letter]:
        """``count`` valid letters, each from one unit to another."""
        codes = list(self._signed)
        for _ in range(count):
            self._count += 1
            sender = codes[self._count % len(codes)]
            receiver = codes[(self._count + 1 + self._count // len(codes) % (len(codes) - 1)) % len(codes)]
            yield self._letter(sender, receiver if receiver != sender else codes[(codes.index(sender) + 1) % 6], lane)

    def to(self, receivers: Iterable[str], sender: str | None = None) -> list[Letter]:
        """A normal letter for each of these units, of the city or not; from one unit, or from all in turn."""
        codes, letters = list(self._signed), []
        for receiver in receivers:
            self._count += 1
            letters.append(self._letter(sender or codes[self._count % len(codes)], receiver, Lane.NORMAL))
        return letters

    def _letter(self, sender: str, receiver: str, lane: Lane) -> Letter:
        document_id = f"{sender},bench-{self._run},{self._count}"
        priority = Priority.URGENT if lane is Lane.URGENT else Priority.NORMAL
        body = letter(sender, [receiver], document_id, self._signed[sender], priority=priority)
        return Letter(sender, receiver, document_id, body, lane)
