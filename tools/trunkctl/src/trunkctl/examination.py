"""``trunkctl verify``: PDFs and edXML packages, several at a time, each told apart by how it begins.

Every PDF is looked at in a worker process with limits, so that none of them can end the run.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from trunkctl.examined_package import ExaminedPackage
from trunkctl.files_to_verify import cause, is_package, opened
from trunkctl.opened_package import WORKER_LIMITS
from trunkctl.package_verification import examined_package
from trunkctl.verification import Examined, VerifyOptions, examined_pdf, not_examined
from validator.workers.pool import Pool


async def examine(
    paths: Iterable[Path], options: VerifyOptions, workers: int
) -> AsyncIterator[Examined | ExaminedPackage]:
    """All files in their order, several at a time."""
    pool = Pool(options.material, workers=workers, limits=WORKER_LIMITS)
    await pool.start()
    waiting: list[asyncio.Task[Examined | ExaminedPackage]] = []
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


async def _examined(pool: Pool, path: Path, options: VerifyOptions) -> Examined | ExaminedPackage:
    try:
        with opened(path) as file:
            if is_package(file):
                return await examined_package(pool, path, file, options)
            return await examined_pdf(pool, path, file, options)
    except (OSError, ValueError) as error:
        return not_examined(path, options, "2.0", f"file not readable: {cause(error)}")
    except Exception as error:
        return not_examined(path, options, "2.0", f"not examined: {type(error).__name__}")
