"""``upload-url``: an address for one large package."""

from typing import Annotated

import typer

from common.objects import Objects
from trunkctl import uploads
from trunkctl.settings import DEFAULT_STATE, StateOption, settings
from trunkctl.shown import show_line
from trunkctl.units import lookup


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("upload-url")(upload_url)


def upload_url(
    unit: Annotated[str, typer.Argument(help="Code of the unit that will upload.")],
    name: Annotated[str, typer.Argument(help="Name of the upload, for people.")],
    state: StateOption = DEFAULT_STATE,
) -> None:
    """A presigned address to which UNIT may PUT one large package within an hour."""
    control_settings = settings(state)
    code = lookup.named(lookup.in_force(control_settings), unit).code
    address, key = uploads.address_now(Objects(control_settings), code, name)
    show_line(f"key {key}")
    show_line(address)
