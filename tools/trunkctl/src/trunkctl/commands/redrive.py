"""Commands after a loss: ``redrive`` publishes open packages again, ``inboxes rebuild`` places unread messages."""

import asyncio
from datetime import datetime
from typing import Annotated

import typer

from trunkctl.command_error import CommandError
from trunkctl.requests import EVERYTHING, NOT_ANSWERED, Wish, ask, packages_of
from trunkctl.settings import DEFAULT_STATE, StateOption, settings
from trunkctl.shown import show_line

inboxes_app = typer.Typer(no_args_is_help=True, help="The units' inboxes, after the broker has lost its data.")

Identifiers = Annotated[
    list[str] | None, typer.Argument(metavar="[ID…]", help="Package ids or DocumentIds, as `track` shows them.")
]
ActorOption = Annotated[str, typer.Option("--by", envvar="TRUNK_ACTOR", help="Who decides; it is recorded.")]
PurposeOption = Annotated[str, typer.Option("--why", help="Why; it is recorded.")]
WaitOption = Annotated[float, typer.Option("--wait", help="Seconds to wait for the service's answer.")]
SinceOption = Annotated[
    datetime | None,
    typer.Option(help="Place again everything placed since then (local time), whatever is known to have been read."),
]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("redrive")(redrive)
    app.add_typer(inboxes_app, name="inboxes")


def redrive(
    identifiers: Identifiers = None,
    all_open: Annotated[bool, typer.Option("--all-open", help="Every package that is not finished.")] = False,
    actor: ActorOption = "",
    purpose: PurposeOption = "",
    patience_seconds: WaitOption = 30.0,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Publish the saved facts of packages again; services do not repeat what they have done."""
    wish = _wish("intake", "redrive", actor, purpose)
    if bool(identifiers) == all_open:
        raise typer.BadParameter("say which: IDs, or --all-open")
    chosen = settings(state)
    named = {EVERYTHING: [EVERYTHING]} if all_open else packages_of(chosen, identifiers or [])
    unknown = [identifier for identifier, packages in named.items() if not packages]
    wanted = list(dict.fromkeys(package for packages in named.values() for package in packages))
    answers = asyncio.run(ask(chosen, wish, wanted, patience_seconds)) if wanted else {}
    _show(answers | dict.fromkeys(unknown, "intake has decided nothing about such a package"))


@inboxes_app.command("rebuild")
def rebuild(
    units: Annotated[list[str] | None, typer.Argument(metavar="[UNIT…]", help="Codes of units.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="The inboxes of all units.")] = False,
    since: SinceOption = None,
    actor: ActorOption = "",
    purpose: PurposeOption = "",
    patience_seconds: WaitOption = 60.0,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Place messages again that may be unread, under the same event ids, so that units recognise repeats."""
    wish = _wish("router", "rebuild", actor, purpose)
    if bool(units) == everything:
        raise typer.BadParameter("say which: UNITs, or --all")
    after = f"/{since.astimezone().isoformat()}" if since else ""
    wanted = [f"{unit}{after}" for unit in ([EVERYTHING] if everything else units or [])]
    _show(asyncio.run(ask(settings(state), wish, wanted, patience_seconds)))


def _wish(service: str, action: str, actor: str, purpose: str) -> Wish:
    if not actor.strip() or not purpose.strip():
        raise typer.BadParameter("say who decides and why: --by and --why")
    return Wish(service, action, actor.strip(), purpose.strip())  # type: ignore[arg-type]


def _show(answers: dict[str, str]) -> None:
    """Prints one line each. Raises ``CommandError`` for an empty request, ``typer.Exit(1)`` if not all was done."""
    if not answers:
        raise CommandError("Nothing was asked for.")
    for identifier, answer in answers.items():
        show_line(f"{'all' if identifier.startswith(EVERYTHING) else identifier}: {answer}")
    if any(not answer.startswith("done") or answer == NOT_ANSWERED for answer in answers.values()):
        raise typer.Exit(1)
