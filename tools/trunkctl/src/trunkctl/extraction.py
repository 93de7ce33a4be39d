"""The attachments of a package as files in a folder: under names that can do no harm, and nothing is overwritten."""

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from common.containment import in_thread
from common.domain.envelope import Attachment
from common.domain.outcome import Refused, Undecided
from common.edxml import Parsed
from common.edxml.filenames import clean
from common.sentences import sentence
from intake.accept import secret
from trunkctl.command_error import CommandError, workers_needed
from trunkctl.opened_package import CPU_SECONDS, WORKER_LIMITS, files_in, opened_package, searched
from validator.context import Material
from validator.package_files import Unpacked
from validator.pki.revocation_lists import RevocationLists
from validator.workers.budget import PackageBudget
from validator.workers.pool import Pool

MAX_NAME_BYTES = 200
"""Of a name in UTF-8: file systems take 255."""
NOT_IN_NAMES = frozenset('<>:"/\\|?*')
"""What some file system takes for something else."""


async def extract(file: BinaryIO, size_bytes: int, folder: Path, now: datetime) -> list[Path]:
    """Write every attachment into the folder; the files that were written, in their order.

    Raises ``CommandError``, and has then written nothing, if intake or the validator would refuse the package as
    unreadable, as secret or because it cannot be searched for marks of secrecy, and if a file of such a name exists.
    """
    async with opened_package(file, size_bytes) as parsed:
        if isinstance(parsed, Refused):
            raise _error_of(parsed)
        files = files_in(parsed)
        if files is None:
            raise CommandError(f"A package of kind {parsed.message.kind} has no attachments.")
        await _refuse_secrets(files, now)
        return await in_thread(_write, folder, files.envelope.attachments, parsed)


def safe_name(number: int, name: str) -> str:
    """The name of an attachment in a folder. ``number``: its place, from 1, by which no two are the same."""
    shown = "".join(char if char.isprintable() and char not in NOT_IN_NAMES else "_" for char in clean(name))
    stem, dot, suffix = shown.rpartition(".")
    end = f"{dot}{suffix}" if stem and len(suffix) <= len("extension") else ""
    start = f"{number}-{shown.removesuffix(end)}".encode()[: MAX_NAME_BYTES - len(end.encode())]
    return start.decode(errors="ignore") + end


async def _refuse_secrets(files: Unpacked, now: datetime) -> None:
    pool = Pool(Material(None, RevocationLists(), None), workers=1, limits=WORKER_LIMITS)
    budget = PackageBudget(CPU_SECONDS)
    with workers_needed():
        try:
            await pool.start()
            search = await searched(pool, files, now, budget)
        finally:
            await pool.close()
    refused = search if isinstance(search, Undecided) else secret(search.mark) or budget.refused() or search.refused
    if refused:
        raise _error_of(refused)


def _write(folder: Path, attachments: Sequence[Attachment], parsed: Parsed) -> list[Path]:
    names = [safe_name(number, each.name) for number, each in enumerate(attachments, start=1)]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Opened once, so that whoever puts a link in the folder's place moves none of the files.
        place = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _write_all(place, names, parsed.files)
        finally:
            os.close(place)
    except OSError as error:
        where = folder / error.filename if error.filename in names else folder
        raise CommandError(f"{where}: {error.strerror or error}. Nothing was written.") from error
    return [folder / name for name in names]


def _write_all(place: int, names: Sequence[str], sources: Sequence[BinaryIO]) -> None:
    """``place``: descriptor of the folder. Whatever is raised, an interrupt too, none of the files is left."""
    written: list[str] = []
    try:
        for name, source in zip(names, sources, strict=True):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(name, flags, 0o600, dir_fd=place)
            written.append(name)
            with os.fdopen(descriptor, "wb") as target:
                source.seek(0)
                shutil.copyfileobj(source, target)
    except BaseException:
        for name in written:
            with suppress(FileNotFoundError):
                os.unlink(name, dir_fd=place)
        raise


def _error_of(refused: Refused | Undecided) -> CommandError:
    return CommandError(f"{refused.reason}: {refused.detail.rstrip('.')}. {sentence(refused.reason)}")
