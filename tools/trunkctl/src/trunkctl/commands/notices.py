"""Commands for notifications that were not sent: ``notices list``, ``notices resend``."""

import asyncio
import shlex
from collections.abc import Iterator
from typing import Annotated

import typer

from trunkctl.command_error import CommandError
from trunkctl.notices import ENDED, UNSENT, Notices, Row, Wish, failing_table, resend, unsent_table
from trunkctl.settings import DEFAULT_STATE, StateOption, settings
from trunkctl.shown import console, show_line

notices_app = typer.Typer(no_args_is_help=True, help="Notifications (mails, webhooks) that were not sent.")

NOTHING_UNSENT = "nothing waits, has failed or was given up"
NOTHING_MORE = "no more"
NOT_ANSWERED = "not answered yet: it is carried out when the notifier gets to it"
UnitOption = Annotated[str, typer.Option(help="Only those to this unit.")]
Keys = Annotated[list[str] | None, typer.Argument(metavar="[ID…]", help="As `notices list` shows them.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(notices_app, name="notices")


@notices_app.command("list")
def notices_list(
    unit: UnitOption = "",
    after: Annotated[str, typer.Option(help="Continue after this ID.")] = "",
    size: Annotated[int, typer.Option("--page", min=1, max=1000, help="Notifications shown.")] = 50,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Destinations that do not answer, and notifications that wait, failed or were given up."""
    notices = Notices(settings(state))
    if failing := notices.failing():
        console().print(failing_table(failing))
    page = notices.unsent(UNSENT, unit, after, size)
    console().print(
        unsent_table(page) if page else NOTHING_MORE if after else "nothing waits, has failed or was given up"
    )
    if len(page) == size:
        show_line(f"more: --after {shlex.quote(page[-1]['_id'])}")


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
    """Send notifications again that failed or were given up, with the full time limit."""
    if not actor.strip() or not purpose.strip():
        raise typer.BadParameter("say who decides and why: --by and --why")
    if not (keys or unit or everything):
        raise typer.BadParameter("say which: IDs, --unit or --all")
    chosen_settings, wish = settings(state), Wish(actor.strip(), purpose.strip())
    answers: dict[str, str] = {}
    for page in _chosen(Notices(chosen_settings), keys or [], unit):
        answers |= asyncio.run(resend(chosen_settings, page, wish, patience_seconds))
    unknown = [key for key in dict.fromkeys(keys or []) if key not in answers]
    if not answers and not unknown:
        raise CommandError("No such notification has failed or was given up.")
    _show(answers | dict.fromkeys(unknown, "no such notification has failed or was given up"))


def _chosen(notices: Notices, keys: list[str], unit: str) -> Iterator[list[Row]]:
    pages = notices.named(keys) if keys else notices.all_unsent(ENDED, unit)
    for page in pages:
        chosen = [row for row in page if row["state"] in ENDED and unit in ("", row["unit"])]
        if chosen:
            yield chosen


def _show(answers: dict[str, str]) -> None:
    """Prints one line for each notification that is not sent again. Raises ``typer.Exit`` (1) if there is any."""
    others = {key: text for key, text in answers.items() if text != "done"}
    show_line(f"{len(answers) - len(others)} of {len(answers)}: sending again")
    for key, text in others.items():
        show_line(f"{key}: {text or NOT_ANSWERED}")
    if others:
        raise typer.Exit(1)
