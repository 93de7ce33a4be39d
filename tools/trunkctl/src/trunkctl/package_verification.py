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
from common.domain.envelope import Envelope
from common.domain.names import Label
from common.domain.outcome import Refused, Undecided
from common.domain.reason import Reason
from common.edxml import Limits, Parsed
from common.objects import digest_of
from common.secrecy import Mark, mark_in_message
from intake.reading import close_files, mark_in_broken, read_package
from intake.settings import IntakeSettings
from trunkctl.examined_package import Answer, ExaminedPackage
from trunkctl.verification import Examined, VerifyOptions, decided
from validator.attachments import declares_copy, pdfs
from validator.context import VerificationRequest
from validator.package_files import Unpacked
from validator.package_verdict import PackageVerdict, conclude
from validator.report.decision import Verified
from validator.secrecy.package_search import PackageSearch
from validator.secrecy.search import SearchRequest
from validator.workers.budget import PackageBudget
from validator.workers.pool import Pool

MOST_BYTES = int(IntakeSettings.model_fields["package_limit_bytes"].default)
CPU_SECONDS = 600
"""Of workers, for all files of one package."""


async def examined_package(pool: Pool, path: Path, file: BinaryIO, options: VerifyOptions) -> ExaminedPackage:
    """The decision about a package. Raises ``OSError``."""
    size_bytes = os.fstat(file.fileno()).st_size
    if size_bytes > MOST_BYTES:
        answer = Refused(Reason.E_SIZE, f"{size_bytes} bytes, at most {MOST_BYTES}")
        return _examined(path, options, answer, size_bytes)
    sha256 = await in_thread(_digest, file)
    parsed = await read_package(file, Limits(max_package_bytes=MOST_BYTES))
    if isinstance(parsed, Refused):
        mark = await in_thread(mark_in_broken, file)
        return _examined(path, options, _secret(mark) if mark else parsed, size_bytes, sha256)
    try:
        examined = await _Package(pool, path, options, parsed).examined()
    finally:
        close_files(parsed)
    return replace(examined, size_bytes=size_bytes, sha256=sha256)


class _Package:
    """One package that was read."""

    def __init__(self, pool: Pool, path: Path, options: VerifyOptions, parsed: Parsed) -> None:
        self._pool = pool
        self._path = path
        self._options = options
        self._parsed = parsed
        self._budget = PackageBudget(CPU_SECONDS)

    async def examined(self) -> ExaminedPackage:
        """Without its size and digest."""
        message, path, options = self._parsed.message, self._path, self._options
        if mark := await in_thread(mark_in_message, message):
            return _examined(path, options, _secret(mark))
        if not isinstance(message, Envelope) or not message.attachments:
            answer = Refused(Reason.E_PDF_NONE, f"a package of kind {message.kind} without a file carries no document")
            return replace(_examined(path, options, answer), message=message)
        digests = (each.sha256 for each in message.attachments)
        files = Unpacked(message, dict(zip(digests, self._parsed.files, strict=True)))
        search = await self._search(files)
        if isinstance(search, Undecided):
            return replace(_examined(path, options, search), message=message)
        if search.mark:
            return _examined(path, options, _secret(search.mark))
        documents = [each async for each in self._documents(files)]
        names = [each.name for each in pdfs(message)][: len(documents)]
        answer: Answer = self._budget.refused() or concluded(documents, names)
        if search.refused and not isinstance(answer, Refused):
            answer = search.refused  # (12.2)
        label = documents[0].decision.report.label if isinstance(answer, PackageVerdict) else None
        examined = _examined(path, options, answer)
        return replace(examined, label=label, message=message, documents=tuple(documents), not_searched=search.unread)

    async def _search(self, files: Unpacked) -> PackageSearch | Undecided:
        search = PackageSearch()
        for number, attachment in enumerate(files.envelope.attachments, start=1):
            if self._budget.refused():
                return search
            file, request = await files.file(attachment), SearchRequest(name=attachment.name)
            now, policy = self._options.now, self._options.policy
            result = await self._pool.look(file, request, now, policy=policy, budget=self._budget)
            if isinstance(result, Undecided):
                return result
            if isinstance(result, Mark):
                return PackageSearch(result.at(f"attachment {number}"))
            search = search.after(number, attachment, result)
        return search

    async def _documents(self, files: Unpacked) -> AsyncIterator[Examined]:
        envelope, options = files.envelope, self._options
        request = VerificationRequest(
            sender=options.sender or envelope.sender.code,
            declared_copy=options.declared_copy or declares_copy(envelope),
            promulgation_date=envelope.promulgation_date,
        )
        for attachment in pdfs(envelope):
            if self._budget.refused():
                return
            name, document = f"{self._path}: {attachment.name}", await files.file(attachment)
            yield await decided(self._pool, name, document, request, options, self._budget)


def concluded(documents: Sequence[Examined], names: Sequence[str]) -> Answer:
    """The verdict on the whole. Asked without a directory, a valid document is of no form."""
    decisions = [each.decision for each in documents]
    if decisions and isinstance(decisions[0], Verified) and decisions[0].report.label is None:
        report = replace(decisions[0].report, label=Label.ORIGINAL)  # only so that the rest is judged
        decisions[0] = replace(decisions[0], report=report)
    return conclude(decisions, names)


def _secret(mark: Mark) -> Refused:
    return Refused(Reason.E_SECRET, str(mark))


def _digest(file: BinaryIO) -> str:
    file.seek(0)
    sha256, _ = digest_of(file)
    file.seek(0)
    return sha256


def _examined(
    path: Path, options: VerifyOptions, answer: Answer, size_bytes: int = 0, sha256: str = ""
) -> ExaminedPackage:
    return ExaminedPackage(
        file=str(path),
        sha256=sha256,
        size_bytes=size_bytes,
        at=options.now,
        answer=answer,
        policy_version=options.policy.version,
    )
