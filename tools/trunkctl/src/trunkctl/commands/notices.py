"""Commands for notifications that were not sent: ``notices list``, ``notices resend``."""

import asyncio
from typing import Annotated

import typer

from trunkctl.notices import ENDED, UNSENT, Notices, Wish, failing_table, resend, unsent_table
from trunkctl.settings import DEFAULT_STATE, StateOption, settings
from trunkctl.shown import console
from trunkctl.trouble import Trouble

notices_app = typer.Typer(no_args_is_help=True, help="Notifications (mails, webhooks) that were not sent.")

UnitOption = Annotated[str, typer.Option(help="Only those to this unit.")]
Keys = Annotated[list[str] | None, typer.Argument(metavar="[ID…]", help="As `notices list` shows them.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(notices_app, name="notices")


@notices_app.command("list")
def notices_list(
    unit: UnitOption = "",
    size: Annotated[int, typer.Option("--page", min=1, max=1000, help="Notifications shown.")] = 50,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Destinations that do not answer, and notifications that wait, failed or were given up."""
    notices = Notices(settings(state))
    if failing := notices.failing():
        console().print(failing_table(failing))
    page = notices.unsent(UNSENT, unit, size)
    console().print(unsent_table(page) if page else "every notification was sent")


@notices_app.command("resend")
def notices_resend(
    keys: Keys = None,
    unit: UnitOption = "",
    everything: Annotated[bool, typer.Option("--all", help="Everything that failed or was given up.")] = False,
    actor: Annotated[str, typer.Option("--by", envvar="TRUNK_ACTOR", help="Who decides; it is recorded.")] = "",
    purpose: Annotated[str, typer.Option("--why", help="Why; it is recorded.")] = "",
    patience_seconds: Annotated[float, typer.Option("--wait", help="Seconds to wait for the notifier.")] = 30.0,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Try once more to send what failed or was given up, with all patience."""
    if not actor.strip() or not purpose.strip():
        raise typer.BadParameter("say who decides and why: --by and --why")
    if not (keys or unit or everything):
        raise typer.BadParameter("say which: IDs, --unit or --all")
    chosen_settings = settings(state)
    chosen = [row for row in Notices(chosen_settings).unsent(ENDED, unit) if not keys or row["_id"] in keys]
    if not chosen:
        raise Trouble("No such notification has failed or was given up.")
    answers = asyncio.run(resend(chosen_settings, chosen, Wish(actor.strip(), purpose.strip()), patience_seconds))
    done = [key for key, answer in answers.items() if answer == "done"]
    console().print(f"{len(done)} of {len(answers)}: sending again")
    for key, answer in answers.items():
        if answer != "done":
            text = answer or "not answered yet: it is carried out when the notifier gets to it"
            console().print(f"{key}: {text}", markup=False, highlight=False, soft_wrap=True)
    if len(done) < len(answers):
        raise typer.Exit(1)
