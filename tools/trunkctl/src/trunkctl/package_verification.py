"""``trunkctl verify`` of an edXML package: what it is, its attachments, each PDF by name, and the verdict on the whole.

The package is read as intake reads it and within the same limits, and judged as the validator judges it: a mark of
secrecy anywhere refuses it, then the first PDF is the document, and the others are annexes. What intake decides by its
database (who submitted it, whether it came before) is not asked.
"""

import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from common.containment import in_thread
from common.domain.envelope import Message
from common.domain.names import Label
from common.domain.outcome import Refused, Undecided
from common.domain.reason import Reason
from common.edxml import Parsed
from common.objects import digest_of
from intake.accept import secret
from trunkctl.examined_package import Answer, ExaminedPackage
from trunkctl.opened_package import CPU_SECONDS, MOST_BYTES, files_in, opened_package, searched
from trunkctl.verification import Examined, VerifyOptions, decided
from validator.attachments import declares_copy, pdfs
from validator.context import VerificationRequest
from validator.package_files import Unpacked
from validator.package_verdict import PackageVerdict, conclude
from validator.report.decision import Verified
from validator.workers.budget import PackageBudget
from validator.workers.pool import Pool


async def examined_package(pool: Pool, path: Path, file: BinaryIO, options: VerifyOptions) -> ExaminedPackage:
    """The decision about a package. Raises ``OSError``."""
    size_bytes = os.fstat(file.fileno()).st_size
    sha256 = "" if size_bytes > MOST_BYTES else await in_thread(_digest, file)
    async with opened_package(file, size_bytes) as parsed:
        if isinstance(parsed, Refused):
            examined = _examined(path, options, parsed)
        else:
            examined = await _judged(pool, path, parsed, options)
    return replace(examined, size_bytes=size_bytes, sha256=sha256)


async def _judged(pool: Pool, path: Path, parsed: Parsed, options: VerifyOptions) -> ExaminedPackage:
    message, files, budget = parsed.message, files_in(parsed), PackageBudget(CPU_SECONDS)
    if files is None:
        none = Refused(Reason.E_PDF_NONE, f"a package of kind {message.kind} without a file carries no document")
        return _examined(path, options, none, message)
    search = await searched(pool, files, options.now, budget, options.policy)
    if isinstance(search, Undecided):
        return _examined(path, options, search, message)
    if refused := secret(search.mark):
        return _examined(path, options, refused)
    documents = [each async for each in _documents(pool, path, files, options, budget)]
    names = [each.name for each in pdfs(files.envelope)][: len(documents)]
    answer: Answer = budget.refused() or concluded(documents, names)
    if search.refused and not isinstance(answer, Refused):
        answer = search.refused  # (12.2)
    label = documents[0].decision.report.label if isinstance(answer, PackageVerdict) else None
    examined = _examined(path, options, answer, message)
    return replace(examined, label=label, documents=tuple(documents), not_searched=search.unread)


async def _documents(
    pool: Pool, path: Path, files: Unpacked, options: VerifyOptions, budget: PackageBudget
) -> AsyncIterator[Examined]:
    envelope = files.envelope
    request = VerificationRequest(
        sender=options.sender or envelope.sender.code,
        declared_copy=options.declared_copy or declares_copy(envelope),
        promulgation_date=envelope.promulgation_date,
    )
    for attachment in pdfs(envelope):
        if budget.refused():
            return
        document = await files.file(attachment)
        yield await decided(pool, f"{path}: {attachment.name}", document, request, options, budget)


def concluded(documents: Sequence[Examined], names: Sequence[str]) -> Answer:
    """The verdict on the whole. Asked without a directory, a valid document is of no form."""
    decisions = [each.decision for each in documents]
    if decisions and isinstance(decisions[0], Verified) and decisions[0].report.label is None:
        report = replace(decisions[0].report, label=Label.ORIGINAL)  # only so that the rest is judged
        decisions[0] = replace(decisions[0], report=report)
    return conclude(decisions, names)


def _digest(file: BinaryIO) -> str:
    file.seek(0)
    sha256, _ = digest_of(file)
    return sha256


def _examined(path: Path, options: VerifyOptions, answer: Answer, message: Message | None = None) -> ExaminedPackage:
    """Without its size and digest, and without documents. ``message``: none where nothing of it may be shown."""
    return ExaminedPackage(
        file=str(path),
        sha256="",
        size_bytes=0,
        at=options.now,
        answer=answer,
        message=message,
        policy_version=options.policy.version,
    )
