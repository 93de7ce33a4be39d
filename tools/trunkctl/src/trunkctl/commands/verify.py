"""``verify``: are these PDFs valid documents? Without any server."""

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from common.directory import read_directory
from common.domain.directory import Directory

if TYPE_CHECKING:  # the validator is heavy, and only one command needs it
    from trunkctl.verification import Examined
    from validator.pki.revocation_lists import RevocationLists
    from validator.pki.trust_store import TrustStore

VALID, REFUSED, NOT_DECIDED = 0, 1, 3
"""Exit codes; one refused file outweighs those that are not decided."""
VIETNAM = timezone(timedelta(hours=7))


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(verify)


def verify(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="PDF files, or folders of them.")],
    trust: Annotated[
        Path | None,
        typer.Option(envvar="TRUNK_TRUST_DIR", help="Folder with roots/, intermediates/, crls/ and tsa/."),
    ] = None,
    directory: Annotated[
        Path | None,
        typer.Option(envvar="TRUNK_DIRECTORY_FILE", help="Unit directory file; none = units are not asked."),
    ] = None,
    sender: Annotated[str | None, typer.Option("--from", help="Sending unit; else the one that signed last.")] = None,
    at: Annotated[str | None, typer.Option(help="Time of verification, ISO 8601; else now.")] = None,
    copy: Annotated[bool, typer.Option("--copy", help="The sender declares a scan of a paper original.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line a file.")] = False,
    as_html: Annotated[bool, typer.Option("--html", help="The whole report, to read and to print.")] = False,
    full: Annotated[bool, typer.Option("--report", help="The whole report as JSON, one line a file.")] = False,
) -> None:
    """Are these PDFs valid documents? Offline. Exit 0 all valid, 1 some refused, 3 some not to be decided now."""
    from trunkctl import verification
    from validator.context import Material
    from validator.pki.revocation_lists import RevocationLists
    from validator.report.html import page

    roots, lists = _trust(trust) if trust else (None, RevocationLists())
    asked = verification.Asked(Material(roots, lists, _directory(directory)), _time(at), sender, copy)
    paths = list(verification.files_of(files))

    async def run() -> int:
        verdicts = set()
        found = []
        workers = max(1, min(len(paths), os.cpu_count() or 1, 4))
        async for each in verification.examine(paths, asked, workers):
            verdicts.add(str(each.verdict))
            if as_json:
                _print_line(each.as_json())
            elif full:
                line = {"file": each.file, **each.decision.report.as_json()}
                _print_line(line, sort_keys=True)
            elif as_html:
                found.append((each.file, each.decision.report))
            else:
                _show(each)
        if as_html:
            print(page(found))
        return REFUSED if "refused" in verdicts else NOT_DECIDED if "undecided" in verdicts else VALID

    raise typer.Exit(asyncio.run(run()))


def _print_line(line: dict[str, Any], *, sort_keys: bool = False) -> None:
    """One line of UTF-8, also where a file's name is not."""
    text = json.dumps(line, ensure_ascii=False, sort_keys=sort_keys)
    print(text.encode("utf-8", "backslashreplace").decode(), flush=True)  # \udcff, as JSON spells it


def _trust(folder: Path) -> "tuple[TrustStore, RevocationLists]":
    from validator.pki.trust_folder import load

    try:
        return load(folder, left_out=lambda each: typer.echo(f"left out: {each}", err=True))
    except (ValueError, OSError) as error:
        raise typer.BadParameter(f"{folder} holds no usable trust material: {error}") from error


def _directory(file: Path | None) -> Directory | None:
    if file is None:
        return None
    try:
        return read_directory(file.read_bytes())
    except (ValidationError, OSError) as error:
        raise typer.BadParameter(f"{file} is no unit directory: {error}") from error


def _time(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text} is no time in ISO 8601") from error
    return read.replace(tzinfo=VIETNAM) if read.tzinfo is None else read


def _show(each: "Examined") -> None:
    console = Console()
    report = each.decision.report
    table = Table("field", "verdict", "part", "signed", "reason", "subject", title=escape(each.file))
    for signature in each.signatures:
        at = signature.signing_time
        cells = (
            signature.field,
            signature.sub_indication or signature.indication,
            signature.part or "",
            at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if at else "",
            signature.reason or "",
            signature.subject,
        )
        table.add_row(*(escape(str(cell)) for cell in cells))
    console.print(table)
    answer = report.label or (f"{report.reason} ({report.detail})" if report.reason else "every signature passed")
    console.print(f"{each.verdict}: {answer}; {each.integrity}", markup=False)
    for note in report.notes:
        console.print(f"note: {note.code} {note.detail}", markup=False)
