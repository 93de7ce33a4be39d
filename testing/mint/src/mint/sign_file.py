"""``python -m mint sign``: a PDF file of one's own, signed as a unit of the demo city."""

import argparse
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from mint import keep

AGE = timedelta(hours=1)
"""How long ago the head signed; the unit signs minutes later, and both times must have passed."""


def add_command(commands: Any) -> None:
    """Declare the command. ``commands``: what ``add_subparsers`` returned."""
    command = commands.add_parser("sign", help="a PDF file of your own, signed as a unit of the city")
    command.add_argument("--city", type=Path, required=True, help="folder of the kept demo city")
    command.add_argument("--unit", required=True, help="code of the unit; its head signs first")
    command.add_argument("source", type=Path, help="PDF file to sign")
    command.add_argument("target", type=Path, help="file to write")


def run(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    """Write the signed file; the program ends with 2 and says why if the city has no such unit."""
    city = keep.load(options.city)
    if options.unit not in city.members:
        parser.error(f"{options.unit} is no unit of this city. Its units: {', '.join(city.codes)}")
    options.target.write_bytes(city.signed(options.unit, options.source.read_bytes(), datetime.now(UTC) - AGE))
    print(f"signed: {options.target}")
