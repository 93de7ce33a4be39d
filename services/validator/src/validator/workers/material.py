"""The material that documents are judged by, read from trust folder and directory whenever one of them changes.

Whatever stands in a file of the folder is that file's trouble alone: it is left out, named in the log once, and counted
until it is gone. The folder as a whole is read by a supervised task (``common.tasks``).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import structlog

from common.clock import utc_now
from common.containment import in_thread
from common.domain.directory import Directory
from common.domain.names import Sha256
from validator.context import Material
from validator.metrics import record_trust_folder
from validator.pki import trust_folder
from validator.pki.pins import PINS, Pin, read_pins
from validator.pki.trust_folder import CERTIFICATES, LeftOut

log = structlog.get_logger("trunk.validator.material")


@dataclass(slots=True)
class MaterialReader:
    """Reads the folder again when it has changed."""

    folder: Path
    read_at: datetime | None = None
    """When the folder was last looked at with success, changed or not."""
    _stamp: str = ""
    """Of folder and directory when they were read."""
    _left_out: frozenset[LeftOut] = frozenset()
    _pins: Mapping[str, Pin] | None = field(default=None)
    """What counted when ``trust.json`` could be read last."""
    _material: Material | None = None
    _evidence: dict[Sha256, bytes] = field(default_factory=dict)
    _former_evidence: dict[Sha256, bytes] = field(default_factory=dict)
    """Of the material before: a verdict that was on its way when the folder changed rests on it."""

    @property
    def pins(self) -> Mapping[str, Pin] | None:
        """What counted when ``trust.json`` could be read last; None = it never could."""
        return self._pins

    @property
    def is_incomplete(self) -> bool:
        """Whether a file of certificates could not be read off the disk: which authorities count is not known."""
        return any(each.may_pass and each.folder in CERTIFICATES for each in self._left_out)

    async def read(self, directory: Directory) -> Material | None:
        """The material; None = it has not changed. Raises ``ValueError`` without roots, and ``OSError``.

        A file that could not be read off the disk is tried again each time: its rights, or the disk, may be mended.
        """
        stamp = f"{await in_thread(trust_folder.stamp, self.folder)}:{directory.version}"
        before = self._material if stamp == self._stamp else None
        if before is None or any(each.may_pass for each in self._left_out):
            material = await in_thread(self._load, directory)
            self._material, self._stamp, self.read_at = material, stamp, utc_now()
            return None if before and material.version == before.version else material
        self.read_at = utc_now()
        return None

    def evidence(self, digests: Collection[Sha256]) -> dict[Sha256, bytes]:
        """DER of lists and certificates of the material in use, and of the one before, as far as they are there."""
        known = self._former_evidence | self._evidence
        return {sha256: known[sha256] for sha256 in digests if sha256 in known}

    def forget(self) -> None:
        """Read everything again next time: what was read could not be put to use."""
        self._stamp = ""

    def _load(self, directory: Directory) -> Material:
        left_out: list[LeftOut] = []
        read = trust_folder.read_folder(self.folder, left_out=left_out.append, last_pins=self._pins)
        trust, revocation = read.trust, read.revocation
        self._note(frozenset(left_out))
        record_trust_folder(trust, revocation, left_out)
        if not any(each.folder == PINS for each in left_out):
            # Where nothing is pinned, what counts now is what counts while a later trust.json cannot be read.
            self._pins = read_pins(self.folder) or {sha256: Pin() for sha256 in trust.root_fingerprints}
        self._keep(read.evidence)
        return Material(trust, revocation, directory)

    def _keep(self, evidence: dict[Sha256, bytes]) -> None:
        if evidence.keys() != self._evidence.keys():
            # What has not changed is not held twice.
            kept = {sha256: self._evidence.get(sha256, der) for sha256, der in evidence.items()}
            self._former_evidence, self._evidence = self._evidence, kept

    def _note(self, left_out: frozenset[LeftOut]) -> None:
        """Name what is left out, once."""
        for each in sorted(left_out - self._left_out):
            log.warning("file of the trust folder left out", folder=each.folder, file=each.name, detail=each.cause)
        for each in sorted(self._left_out - left_out):
            log.info("file of the trust folder used or gone", folder=each.folder, file=each.name)
        self._left_out = left_out
