"""``trunkctl verify``: the validator's decision about files, offline, with trust and directory out of files.

Every file is looked at in a worker process with limits, so that none of them can end the run. The verdict is that of
the service's policy; where only a limit of that policy kept a file from being looked at, its integrity is asked again
with wider ones.
"""

import asyncio
import hashlib
import os
import stat
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from common.domain.directory import Directory
from common.domain.names import UnitCode
from common.domain.reason import Reason
from common.sentences import sentence
from validator.context import Material, VerificationRequest
from validator.policy import DEFAULT, Policy
from validator.report.decision import Decision, Refused
from validator.report.model import Report, SignatureReport
from validator.report.rules import RULES
from validator.report.vocabulary import Integrity, Verdict
from validator.verify import PYHANKO_VERSION
from validator.workers.job import Limits
from validator.workers.pool import Pool

WIDE = replace(DEFAULT, max_revisions=200, max_signatures=100, max_objects=2_000_000)
"""Used only to judge the integrity."""
LIMITS = Limits(cpu_seconds=120, wall_seconds=600.0, documents=200)


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """How every file is verified: the trust material, the time, the sender, and the policy."""

    material: Material
    now: datetime
    sender: UnitCode | None = None
    declared_copy: bool = False
    policy: Policy = DEFAULT


@dataclass(frozen=True, slots=True)
class Examined:
    """The decision about one file."""

    file: str
    decision: Decision
    integrity: Integrity
    signatures: tuple[SignatureReport, ...]

    @property
    def verdict(self) -> Verdict:
        """Valid, refused or undecided."""
        return self.decision.report.verdict

    def as_json(self) -> dict[str, Any]:
        """The fields of one line of ``--json``, see docs/report.md."""
        report = self.decision.report
        return {
            "file": self.file,
            "integrity": self.integrity,
            "trusted": report.trusted,
            "verdict": self.verdict,
            "label": report.label,
            "reason": report.reason,
            "detail": report.detail,
            "sentence": sentence(report.reason) if report.reason else "",
            "sha256": report.document_sha256,
            "signatures": [_line(each) for each in self.signatures],
        }


def _line(each: SignatureReport) -> dict[str, Any]:
    return {
        "field": each.field,
        "kind": each.kind,
        "indication": each.indication,
        "sub_indication": each.sub_indication,
        "reason": each.reason,
        "signer": each.subject,
        "certificate_sha256": each.certificate_sha256,
        "signing_time": each.signing_time.isoformat() if each.signing_time else None,
        "proven_at": each.proven_at.isoformat() if each.proven_at else None,
        "covers_revision": each.covers_whole_revision,
    }


def files_of(paths: Iterable[Path]) -> Iterator[Path]:
    """The paths themselves; of a folder, everything below it that is no folder and not hidden.

    What cannot be read is among them, folders too, so that it gets its line. Links to folders are not followed.
    """
    for path in paths:
        # Not by ``Path``, which raises where a folder above may not be read or the name is too long.
        yield from _below(path) if os.path.isdir(path) else (path,)  # noqa: PTH112


def _below(folder: Path) -> Iterator[Path]:
    unread: list[Path] = []
    for parent, folders, files in os.walk(folder, onerror=lambda error: unread.append(Path(str(error.filename)))):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(parent, name) for name in sorted(files) if not name.startswith("."))
    yield from unread


async def examine(paths: Iterable[Path], options: VerifyOptions, workers: int) -> AsyncIterator[Examined]:
    """All files in their order, several at a time."""
    pool = Pool(options.material, workers=workers, limits=LIMITS)
    await pool.start()
    waiting: list[asyncio.Task[Examined]] = []
    try:
        for path in paths:
            waiting.append(asyncio.create_task(_examined(pool, path, options)))
            if len(waiting) > 2 * workers:
                yield await waiting.pop(0)
        while waiting:
            yield await waiting.pop(0)
    finally:
        for task in waiting:
            task.cancel()
        await pool.close()


async def _examined(pool: Pool, path: Path, options: VerifyOptions) -> Examined:
    document = b""
    try:
        document = await asyncio.to_thread(_read, path, options.policy)
        return await _decided(pool, path, document, options)
    except TooLarge as error:
        return _not_examined(path, options, "1.1b", RULES["1.1b"].failure, size_bytes=error.size_bytes)
    except (OSError, ValueError) as error:
        return _not_examined(path, options, "2.0", f"file not readable: {_cause(error)}", document)
    except Exception as error:
        return _not_examined(path, options, "2.0", f"not examined: {type(error).__name__}", document)


async def _decided(pool: Pool, path: Path, document: bytes, options: VerifyOptions) -> Examined:
    request = VerificationRequest(sender=options.sender or "", declared_copy=options.declared_copy)
    decision = await pool.run(document, request, options.now, policy=options.policy)
    unit = options.sender or _signing_unit(decision.report, options.material.directory)
    if unit and unit != request.sender:
        request = replace(request, sender=unit)
        decision = await pool.run(document, request, options.now, policy=options.policy)
    report = decision.report
    if report.reason is Reason.E_PDF_LIMIT and not report.signatures:
        report = (await pool.run(document, request, options.now, policy=WIDE)).report
    return Examined(str(path), decision, report.integrity, report.signatures)


def _signing_unit(report: Report, directory: Directory | None) -> UnitCode:
    """The unit of the last signature; of nobody's, any one, so that the answer names what is wrong with them."""
    if directory is None:
        return ""
    signed = [each.certificate_sha256 for each in report.signatures if each.certificate_sha256]
    units = [unit.code for sha256 in reversed(signed) for unit in directory.units_of_certificate(sha256)]
    return units[0] if units else next(iter(directory.units), "")


class TooLarge(Exception):
    """The file is larger than the policy allows, and was not read."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(size_bytes)
        self.size_bytes = size_bytes


def _read(path: Path, policy: Policy) -> bytes:
    """The file. Raises ``TooLarge``, ``OSError``, and ``ValueError`` for what can be no path."""
    # Without waiting: a pipe or a device under that name would never end.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        state = os.fstat(file.fileno())
        if not stat.S_ISREG(state.st_mode):
            raise OSError("no regular file")
        data = file.read(policy.max_document_bytes + 1)
    if len(data) > policy.max_document_bytes:
        raise TooLarge(max(state.st_size, len(data)))
    return data


def _cause(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error) or type(error).__name__


def _not_examined(
    path: Path, options: VerifyOptions, rule: str, detail: str, document: bytes = b"", size_bytes: int = 0
) -> Examined:
    """The refusal of a file that was not examined, by that rule. Of one that was not read, the digest is unknown."""
    reason = RULES[rule].reason or Reason.E_PDF_FORMAT
    report = Report(
        document_sha256=hashlib.sha256(document).hexdigest() if document else "",
        document_bytes=size_bytes or len(document),
        sender=options.sender or "",
        verified_at=options.now,
        reason=reason,
        detail=detail,
        step=int(RULES[rule].step),
        rule=rule,
        trusted=False if options.material.trust else None,
        policy_version=options.policy.version,
        pyhanko_version=PYHANKO_VERSION,
    )
    return Examined(str(path), Refused(reason, detail, report=report), Integrity.MALFORMED, ())
