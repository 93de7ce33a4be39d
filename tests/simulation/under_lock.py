"""What must hold of the archive after every schedule: the bytes of whatever was let in are under lock."""

import hashlib
import json
from collections.abc import Iterator

from archive.kept import PACKAGE, PARTS, part_bytes
from archive.record import Record
from common.objects import ARCHIVE
from tests.simulation.schedule import Schedule
from tests.simulation.store import Version
from tests.simulation.world import World

KEPT_WHOLE = ("document.verified", "notice.accepted")
"""Verdicts on record with which the package itself is kept."""


def what_was_let_in_is_under_lock(schedule: Schedule) -> Iterator[str]:
    """Every package that intake let in and the validator did not refuse, letters and notices, byte for byte."""
    rows = schedule.world.database.rows
    for system in schedule.units.values():
        for entry in system.submitted:
            row = rows["intake.packages"].get(entry.package_id)
            if row is None or row.get("reason"):
                continue
            name = f"{entry.package.name} ({entry.package_id[:8]})"
            record = rows.get("archive.records", {}).get(entry.package_id)
            if record is None:
                yield f"{name} was let in, and is not on record"
            elif record["verdict"] in KEPT_WHOLE:
                digest = hashlib.sha256(entry.package.body).hexdigest()
                if digest not in _locked_packages(schedule.world, Record.model_validate(record)):
                    yield f"{name} is on record, and its bytes are not under lock"


def _locked_packages(world: World, record: Record) -> Iterator[str]:
    """Digests of the package's bytes: of an object that the record names, or inside of its ``record.json``."""
    for kept in record.objects:
        if kept.role == PACKAGE:
            for version in _locked(world, kept.bucket or ARCHIVE, kept.key, kept.version_id):
                yield hashlib.sha256(version.data).hexdigest()
    if record.evidence_object and any(part.role == PACKAGE for part in record.enclosed):
        for version in _locked(world, ARCHIVE, record.evidence_key, record.evidence_object.version_id):
            data = part_bytes(PACKAGE, json.loads(version.data)[PARTS][PACKAGE])
            yield hashlib.sha256(data).hexdigest()


def _locked(world: World, bucket: str, key: str, version_id: str | None) -> Iterator[Version]:
    versions = world.store.objects.get((bucket, key), [])
    return (each for each in versions if each.retain_until and version_id in (None, each.version_id))
