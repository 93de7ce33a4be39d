"""Commands of a unit: ``send`` and ``inbox``."""

import asyncio
import secrets
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from common.domain.names import Priority
from common.edxml.dates import VIETNAM
from trunkctl import inbox as inbox_messages
from trunkctl import letter
from trunkctl import send as submissions
from trunkctl.command_error import CommandError
from trunkctl.commands.optional import local_packages
from trunkctl.operator_files import bytes_of
from trunkctl.settings import DEFAULT_STATE, ControlSettings, StateOption, settings
from trunkctl.shown import console, inbox_table, show_line
from trunkctl.units import lookup


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(send)
    app.command()(inbox)


def send(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, metavar="FILE.pdf…")],
    sender: Annotated[str, typer.Option("--from", help="Code of the sending unit.")],
    receivers: Annotated[list[str], typer.Option("--to", help="Code of a receiving unit; may be repeated.")],
    subject: Annotated[str, typer.Option(help="Trích yếu.")],
    urgent: Annotated[bool, typer.Option("--urgent", help="Priority 1: overtakes.")] = False,
    document_id: Annotated[str | None, typer.Option(help="Else unit,day,number/notation.")] = None,
    number: Annotated[str | None, typer.Option(help="Number of the document; else a random one.")] = None,
    notation: Annotated[str, typer.Option(help="Notation of the document.")] = "VP",
    type_name: Annotated[str, typer.Option("--type", help="Type of document.")] = "Công văn",
    signer: Annotated[str, typer.Option(help="Name of the signer, for the header.")] = "Nguyễn Văn A",
    sign: Annotated[bool, typer.Option("--sign", help="Sign the first file with the demo city's keys.")] = False,
    upload_url: Annotated[str | None, typer.Option(help="Of `trunkctl upload-url`, for a large package.")] = None,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Submit files as one package; the first is the document itself, and must be signed."""
    control_settings = settings(state)
    directory = lookup.known_to(control_settings)
    issuer, today = lookup.speaker(control_settings, directory, sender), datetime.now(VIETNAM).date()
    number = number or str(secrets.randbelow(90_000) + 10_000)
    described = letter.Letter(
        sender=issuer,
        receivers=tuple(directory.unit(code) or lookup.unlisted(code) for code in receivers),
        subject=subject,
        document_id=document_id or letter.document_id(issuer, number, notation, today),
        number=number,
        notation=notation,
        type_name=type_name,
        signer=signer,
        on=today,
        priority=Priority.URGENT if urgent else Priority.NORMAL,
    )
    contents = [(file.name, bytes_of(file)) for file in files]
    if sign:
        contents[0] = (contents[0][0], _signed(control_settings, sender, contents[0][1]))
    package = letter.package(described, contents)
    sent = asyncio.run(submissions.send(control_settings, issuer, package, described.priority.lane, upload_url))
    how = "by reference" if sent.by_reference else "inline"
    show_line(f"document {described.document_id}")
    show_line(f"package  {sent.package_id}  {sent.size_bytes:,} bytes, {how}")


def inbox(
    unit: Annotated[str, typer.Argument(help="Code of the unit.")],
    ack: Annotated[bool, typer.Option("--ack", help="Take the messages out.")] = False,
    save: Annotated[Path | None, typer.Option(file_okay=False, help="Write every package into this folder.")] = None,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """List the messages that wait in a unit's inbox, read as that unit."""
    control_settings = settings(state)
    reader = lookup.speaker(control_settings, lookup.known_to(control_settings), unit)
    messages = asyncio.run(inbox_messages.read(control_settings, reader, ack=ack, folder=save))
    if messages:
        console().print(inbox_table(messages))
    show_line(f"{len(messages)} {'taken' if ack else 'waiting'}")


def _signed(control_settings: ControlSettings, code: str, pdf: bytes) -> bytes:
    with local_packages("send --sign"):
        from trunkctl.local.signing import sign_as
    if control_settings.city_dir is None:
        raise CommandError("--sign needs the keys of the demo city on this machine: `trunkctl up` makes them.")
    return sign_as(control_settings.city_dir, code, pdf)
