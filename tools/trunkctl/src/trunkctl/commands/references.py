"""Commands for addresses of large packages: ``references renew``."""

import asyncio
from typing import Annotated

import typer

from trunkctl.command_error import CommandError
from trunkctl.commands.decisions import ActorOption, PurposeOption, decision
from trunkctl.references import Placings, Wish, renew
from trunkctl.settings import DEFAULT_STATE, StateOption, settings
from trunkctl.shown import show_line

references_app = typer.Typer(no_args_is_help=True, help="Addresses of large packages in inboxes.")

NOT_ANSWERED = "not answered yet: it is carried out when the router gets to it"


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(references_app, name="references")


@references_app.command("renew")
def references_renew(
    package: Annotated[str, typer.Argument(metavar="PACKAGE", help="Package id, as `track` and receipts show it.")],
    unit: Annotated[str, typer.Option(help="Only for this unit.")] = "",
    actor: ActorOption = "",
    purpose: PurposeOption = "",
    patience_seconds: Annotated[float, typer.Option("--wait", help="Seconds to wait for the router.")] = 30.0,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Put a fresh address of a large package into the inboxes of its receivers. The router does so by itself while a
    unit has not reported on the document; this is for a unit that has, and needs the file again."""
    decided = decision(actor, purpose)
    chosen_settings = settings(state)
    chosen = Placings(chosen_settings).of_package(package, unit)
    if not chosen:
        raise CommandError(f"No message brings package {package} to {unit or 'anybody'}.")
    answers = asyncio.run(renew(chosen_settings, chosen, Wish(decided.by, decided.why), patience_seconds))
    for receiver, answer in answers.items():
        show_line(f"{receiver}: {answer or NOT_ANSWERED}")
    if any(answer != "done" for answer in answers.values()):
        raise typer.Exit(1)
