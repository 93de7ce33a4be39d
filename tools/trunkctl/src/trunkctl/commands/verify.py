"""``verify``: are these PDFs, and those in these packages, valid documents? Without any server."""

import asyncio
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from common.directory import read_directory
from common.domain.directory import Directory
from trunkctl.command_error import workers_needed
from trunkctl.shown import console, one_line, rows, show_json, show_line
from trunkctl.words import words

if TYPE_CHECKING:  # the validator is heavy, and only one command needs it
    from trunkctl.examined_package import ExaminedPackage
    from trunkctl.verification import Examined, VerifyOptions
    from validator.pki.revocation_lists import RevocationLists
    from validator.pki.trust_store import TrustStore
    from validator.report.model import Report

    Show = Callable[[Examined | ExaminedPackage], None]

VALID, REFUSED, NOT_DECIDED = 0, 1, 3
"""Exit codes; one refused file outweighs those that are not decided."""
VIETNAM = timezone(timedelta(hours=7))
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
"""Of the time of verification: room for time zones and tolerances on both sides."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(verify)


def verify(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="PDF files, edXML packages, or folders of them.")
    ],
    trust: Annotated[
        Path | None,
        typer.Option(envvar="TRUNK_TRUST_DIR", help="Folder with roots/, intermediates/, crls/ and tsa/."),
    ] = None,
    directory: Annotated[
        Path | None,
        typer.Option(envvar="TRUNK_DIRECTORY_FILE", help="Unit directory file; none = units are not asked."),
    ] = None,
    sender: Annotated[
        str | None, typer.Option("--from", help="Sending unit; else that of the package, or the one that signed last.")
    ] = None,
    at: Annotated[str | None, typer.Option(help="Time of verification, ISO 8601; else now.")] = None,
    copy: Annotated[bool, typer.Option("--copy", help="The sender declares a scan of a paper original.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON line a file.")] = False,
    as_html: Annotated[bool, typer.Option("--html", help="The whole report, to read and to print.")] = False,
    full: Annotated[bool, typer.Option("--report", help="The whole report as JSON, one line a file.")] = False,
    explain: Annotated[bool, typer.Option("--explain", help="Why: chains, lists, changes and rules in words.")] = False,
) -> None:
    """Are these PDFs or packages valid? Offline. Exit 0 all valid, 1 some refused, 3 some not to be decided now."""
    from trunkctl.files_to_verify import files_of
    from trunkctl.verification import VerifyOptions
    from validator.context import Material
    from validator.pki.revocation_lists import RevocationLists
    from validator.report.html import page

    roots, lists = _trust(trust) if trust else (None, RevocationLists())
    options = VerifyOptions(Material(roots, lists, _directory(directory)), _time(at), sender, copy)
    paths = list(files_of(files))
    if not paths:
        raise typer.BadParameter("there is no file in these folders")
    reports: list[tuple[str, Report]] = []
    show: Show = _show
    if as_json:
        show = lambda each: _print_line(each.as_json())  # noqa: E731
    elif full:
        show = lambda each: _print_line(each.as_report(), sort_keys=True)  # noqa: E731
    elif as_html:
        show = lambda each: reports.extend((one_line(name), report) for name, report in each.reports())  # noqa: E731
    elif explain:
        show = _explain

    verdicts = asyncio.run(_examine(paths, options, show))
    if as_html:
        typer.echo(page(reports).encode("utf-8", "replace"))
    raise typer.Exit(REFUSED if "refused" in verdicts else NOT_DECIDED if "undecided" in verdicts else VALID)


async def _examine(paths: list[Path], options: "VerifyOptions", show: "Show") -> set[str]:
    """Show every file; the verdicts that there were."""
    from trunkctl.examination import examine

    verdicts = set()
    workers = max(1, min(len(paths), os.cpu_count() or 1, 4))
    with workers_needed():
        async for each in examine(paths, options, workers):
            verdicts.add(str(each.verdict))
            show(each)
    return verdicts


def _explain(each: "Examined | ExaminedPackage") -> None:
    from trunkctl.explained import explanation
    from trunkctl.verification import Examined

    if isinstance(each, Examined):
        print("\n".join(map(one_line, explanation(each))), end="\n\n", flush=True)
        return
    from trunkctl.explained_package import annex_lines, heading, verdict_line

    lines = list(heading(each))
    for document in each.documents:
        lines += [*explanation(document), *annex_lines(each, document)]
    print("\n".join(map(one_line, [*lines, verdict_line(each)])), end="\n\n", flush=True)


def _print_line(line: dict[str, Any], *, sort_keys: bool = False) -> None:
    show_json(json.dumps(line, ensure_ascii=False, sort_keys=sort_keys))


def _trust(folder: Path) -> "tuple[TrustStore, RevocationLists]":
    from validator.pki.trust_folder import load

    try:
        return load(folder, left_out=lambda each: typer.echo(one_line(f"left out: {each}"), err=True))
    except Exception as error:
        raise typer.BadParameter(one_line(f"{folder} holds no usable trust material: {error}")) from error


def _directory(file: Path | None) -> Directory | None:
    if file is None:
        return None
    try:
        if not file.is_file():
            raise ValueError("no file")  # a pipe would never end
        return read_directory(file.read_bytes())
    except Exception as error:
        raise typer.BadParameter(one_line(f"{file} is no unit directory: {error}")) from error


def _time(text: str | None) -> datetime:
    if text is None:
        return datetime.now(UTC)
    try:
        read = datetime.fromisoformat(text)
        at = read.replace(tzinfo=VIETNAM) if read.tzinfo is None else read
        if not EARLIEST <= at <= LATEST:
            raise ValueError("out of range")
    except ValueError as error:
        raise typer.BadParameter(one_line(f"{text} is no time in ISO 8601 between 1970 and 9000")) from error
    return at


def _show(each: "Examined | ExaminedPackage") -> None:
    from trunkctl.verification import Examined

    if isinstance(each, Examined):
        _show_document(each)
        return
    from trunkctl.explained_package import annex_lines, heading, verdict_line

    for line in heading(each):
        show_line(line)
    for document in each.documents:
        _show_document(document)
        for line in annex_lines(each, document):
            show_line(line)
    show_line(verdict_line(each))


def _show_document(each: "Examined") -> None:
    lines = []
    report = each.decision.report
    table = Table("field", "verdict", "part", "signed", "reason", "subject", title=escape(one_line(each.file)))
    for signature in each.signatures:
        at = signature.signing_time
        verdict = signature.sub_indication or signature.indication
        line = (signature.field, verdict, signature.part, at, signature.reason, signature.subject)
        lines.append([one_line(words(cell)) for cell in line])
    console().print(rows(table, lines))
    answer = report.label or (f"{report.reason} ({report.detail})" if report.reason else "every signature passed")
    show_line(f"{each.verdict}: {answer}; {each.integrity}")
    for note in report.notes:
        show_line(f"note: {note.code} {note.detail}")
