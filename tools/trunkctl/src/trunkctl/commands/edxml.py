"""``edxml``: what the trunk reads in files."""

from pathlib import Path
from typing import Annotated

import typer

from trunkctl import edxml as edxml_files

Files = Annotated[list[Path], typer.Argument(exists=True, dir_okay=False)]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(edxml)


def edxml(files: Files, as_json: Annotated[bool, typer.Option("--json", help="One JSON line a file.")] = False) -> None:
    """Show what the trunk reads in edXML files; exit 1 if one of them cannot be read."""
    if not as_json:
        raise typer.BadParameter("say --json: there is no other form")
    raise typer.Exit(edxml_files.print_json(files))
