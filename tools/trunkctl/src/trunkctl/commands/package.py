"""``package extract``: the attachments of a package as files."""

import asyncio
import os
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from common.edxml.parse import spool
from common.failure import Permanent
from common.objects import Objects
from trunkctl.archive_records import ArchiveRecords
from trunkctl.archived_package import package_in, record_of, taken_event
from trunkctl.command_error import CommandError
from trunkctl.commands.decisions import ActorOption, PurposeOption, decision
from trunkctl.databases import asking
from trunkctl.files_to_verify import cause, opened
from trunkctl.security_events import publish
from trunkctl.settings import DEFAULT_STATE, ControlSettings, StateOption, settings
from trunkctl.shown import show_line
from trunkctl.units.history import Decision

package_app = typer.Typer(no_args_is_help=True, help="What is in a package.")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(package_app, name="package")


@package_app.callback()
def _group() -> None:
    """What is in a package."""


@package_app.command("extract")
def extract(
    package: Annotated[
        str, typer.Argument(metavar="FILE|ID", help="An edXML file, or an archived package: package id, DocumentId.")
    ],
    folder: Annotated[Path, typer.Argument(file_okay=False, help="Where to; it is made if it is missing.")],
    actor: ActorOption = "",
    purpose: PurposeOption = "",
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Write the attachments of a package into FOLDER; nothing there is overwritten, and nothing secret is written.

    Of an ID, the package is read in the archive, which is a security event: say who wants it and why.
    """
    if os.path.lexists(package):
        written = asyncio.run(_of_file(Path(package), folder))
    else:
        written = asyncio.run(_of_archive(settings(state), package, folder, decision(actor, purpose)))
    for path in written:
        show_line(f"{path}  {path.stat().st_size:,} bytes")


async def _of_file(path: Path, folder: Path) -> list[Path]:
    from trunkctl.extraction import extract as extract_into

    try:
        with opened(path) as file:
            return await extract_into(file, os.fstat(file.fileno()).st_size, folder, datetime.now(UTC))
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {cause(error)}.") from error


async def _of_archive(own: ControlSettings, identifier: str, folder: Path, who: Decision) -> list[Path]:
    """The event goes first: what was read without a trace cannot be told from what was not read."""
    from trunkctl.extraction import extract as extract_into

    with closing(ArchiveRecords(own)) as records, asking():
        record = record_of(records.named(identifier), identifier)
    reference = package_in(record)
    await publish(own, [taken_event(record, who)])
    with spool() as file:
        try:
            await Objects(own).fetch(reference, file)
        except Permanent as error:  # missing or altered: the store has answered
            raise CommandError(
                f"Package {record.record_id} in the archive: {error}. See `trunkctl archive check`."
            ) from error
        return await extract_into(file, reference.size_bytes, folder, who.at)
