"""Proofs as text that can be checked offline (C2SP tlog-proof)."""

from collections.abc import Iterable
from dataclasses import dataclass

from common.tlog.base64_text import decoded, encoded
from common.tlog.checkpoint import SIZE, Checkpoint, open_checkpoint
from common.tlog.merkle import HASH_BYTES, ProofInvalid, check_inclusion
from common.tlog.note import VerifierKey

FIRST_LINE = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """A proof that a leaf is in the log of a checkpoint."""

    index: int
    """Number of the leaf in the log, from 0."""
    hashes: tuple[bytes, ...]
    """From the leaf's sibling up."""
    checkpoint: bytes
    """The signed note."""
    extra: bytes = b""
    """Data of the application, which the proof does not cover."""

    def written(self) -> str:
        """The proof as text."""
        lines = [FIRST_LINE]
        if self.extra:
            lines.append(f"extra {encoded(self.extra)}")
        lines += [f"index {self.index}", *map(encoded, self.hashes)]
        return "\n".join(lines) + "\n\n" + self.checkpoint.decode()

    def check(self, leaf: bytes, keys: Iterable[VerifierKey]) -> Checkpoint:
        """Check the proof for a leaf, given by its hash. Returns the checkpoint, which one of these keys has signed.
        Raises ``ProofInvalid`` or ``NoteInvalid``."""
        checkpoint = open_checkpoint(self.checkpoint, keys)
        check_inclusion(self.index, checkpoint.size, leaf, self.hashes, checkpoint.root)
        return checkpoint


def parse_proof(text: str) -> InclusionProof:
    """Read a proof. Raises ``ProofInvalid``."""
    head, gap, checkpoint = text.partition("\n\n")
    first, *lines = head.split("\n")
    if first != FIRST_LINE or not gap:
        raise ProofInvalid("no proof of a log")
    extra = b""
    if lines and lines[0].startswith("extra "):
        extra = _decoded(lines.pop(0).removeprefix("extra "))
    number = lines.pop(0).removeprefix("index ") if lines else ""
    if not SIZE.fullmatch(number):
        raise ProofInvalid("the index is malformed")
    hashes = tuple(map(_decoded, lines))
    if any(len(each) != HASH_BYTES for each in hashes):
        raise ProofInvalid("a hash is malformed")
    return InclusionProof(int(number), hashes, checkpoint.encode(), extra)


def _decoded(text: str) -> bytes:
    try:
        return decoded(text)
    except ValueError:
        raise ProofInvalid("no base64") from None
