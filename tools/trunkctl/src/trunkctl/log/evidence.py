"""Proof of one entry, as a line of JSON that is checked offline: the entry with its salt, and its place in the log.

The fields are the content of the entry as it was hashed, the digest of its package, the salt, and a C2SP tlog-proof.
"""

import json
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from common.ledger import Entry, leaf_of
from common.tlog.checkpoint import Checkpoint
from common.tlog.merkle import ProofInvalid, leaf_hash
from common.tlog.note import VerifierKey
from common.tlog.proof import InclusionProof, parse_proof
from common.tlog.tree import Tree


class Evidence(BaseModel):
    """One line."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    content: str
    """Canonical JSON of the entry."""
    package_sha256: str
    salt: str
    """Hex digits."""
    proof: str

    @property
    def entry(self) -> dict[str, Any]:
        """What the entry says. Raises ``ProofInvalid``."""
        try:
            entry = json.loads(self.content)
            named = (json.loads(entry["body"]).get("package") or {}).get("sha256", "")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ProofInvalid("the content is no entry") from error
        if named != self.package_sha256:
            raise ProofInvalid("the package is not the one that the entry names")
        return dict(entry)

    def check(self, keys: Iterable[VerifierKey]) -> Checkpoint:
        """The checkpoint that proves the entry. Raises ``ProofInvalid`` or ``NoteInvalid``."""
        assert self.entry
        try:
            leaf = leaf_of(self.content.encode(), self.package_sha256, bytes.fromhex(self.salt))
        except ValueError as error:
            raise ProofInvalid("the salt is malformed") from error
        return parse_proof(self.proof).check(leaf_hash(leaf), keys)


def evidence_of(entry: Entry, index: int, tree: Tree, note: bytes) -> Evidence:
    """Proof that an entry is number ``index`` of the log. Raises ``ProofInvalid`` if another one stands there."""
    if tree.leaf(index).hex() != entry.leaf_hash():
        raise ProofInvalid(f"entry {index} of the log is another one")
    proof = InclusionProof(index, tuple(tree.inclusion(index)), note)
    return Evidence(
        content=entry.content().decode(),
        package_sha256=entry.package_sha256(),
        salt=entry.salt.hex(),
        proof=proof.written(),
    )


def read_evidence(line: str) -> Evidence:
    """One line of a file. Raises ``ProofInvalid``."""
    try:
        return Evidence.model_validate_json(line)
    except ValidationError as error:
        raise ProofInvalid("no evidence of an entry") from error
