"""An edXML package, opened as intake opens one: within its limits, and not where a mark of secrecy stands in it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import BinaryIO

from common.containment import in_thread
from common.domain.envelope import Envelope
from common.domain.outcome import Refused, Undecided
from common.domain.reason import Reason
from common.edxml import Limits, Parsed
from common.secrecy import Mark, mark_in_message
from intake.accept import secret
from intake.reading import close_files, mark_in_broken, read_package
from intake.settings import IntakeSettings
from validator.package_files import Unpacked
from validator.policy import DEFAULT, Policy
from validator.secrecy.package_search import PackageSearch
from validator.secrecy.search import SearchRequest
from validator.workers.budget import PackageBudget
from validator.workers.job import Limits as WorkerLimits
from validator.workers.pool import Pool

MOST_BYTES = int(IntakeSettings.model_fields["package_limit_bytes"].default)
CPU_SECONDS = 600
"""Of workers, for all files of one package."""
WORKER_LIMITS = WorkerLimits(cpu_seconds=120, wall_seconds=600.0, documents=200)
"""For one file; wider than those of the service, since this machine may be slow and nobody else waits."""


@asynccontextmanager
async def opened_package(file: BinaryIO, size_bytes: int) -> AsyncIterator[Parsed | Refused]:
    """What the package says, with its files on disk meanwhile; or why intake would not take it.

    It is refused where it is too large or cannot be read, and where its header or the name of a file bears a mark of
    secrecy. Raises ``OSError``.
    """
    if size_bytes > MOST_BYTES:
        yield Refused(Reason.E_SIZE, f"{size_bytes} bytes, at most {MOST_BYTES}")
        return
    file.seek(0)
    parsed = await read_package(file, Limits(max_package_bytes=MOST_BYTES))
    if isinstance(parsed, Refused):
        yield secret(await in_thread(mark_in_broken, file)) or parsed
        return
    try:
        yield secret(await in_thread(mark_in_message, parsed.message)) or parsed
    finally:
        close_files(parsed)


def files_in(parsed: Parsed) -> Unpacked | None:
    """The files of a package; None = it is a notice, which has none."""
    message = parsed.message
    if not isinstance(message, Envelope) or not message.attachments:
        return None
    digests = (each.sha256 for each in message.attachments)
    return Unpacked(message, dict(zip(digests, parsed.files, strict=True)))


async def searched(
    pool: Pool, files: Unpacked, now: datetime, budget: PackageBudget, policy: Policy = DEFAULT
) -> PackageSearch | Undecided:
    """The search for marks of secrecy through all files, as the validator makes it; a mark ends it."""
    search = PackageSearch()
    for number, attachment in enumerate(files.envelope.attachments, start=1):
        if budget.refused():
            return search
        file, request = await files.file(attachment), SearchRequest(name=attachment.name)
        result = await pool.look(file, request, now, policy=policy, budget=budget)
        if isinstance(result, Undecided):
            return result
        if isinstance(result, Mark):
            return PackageSearch(result.at(f"attachment {number}"))
        search = search.after(number, attachment, result)
    return search
