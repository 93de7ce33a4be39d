"""Commands for parked messages: ``park list``, ``show``, ``replay``, ``discard``, ``restore``."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from common.facts import OperatorAction
from common.facts.flows import SERVICES
from common.objects import Objects
from common.service.bodies import ParkedBodies
from common.service.records import MessageRecord, RecordState
from trunkctl.command_error import CommandError
from trunkctl.operator_files import write_to
from trunkctl.park.decide import Decision, Outcome, decide
from trunkctl.park.held import PAGE_SIZE, HeldMessages, ParkedMessage, Selection
from trunkctl.park.shown import groups_table, page_table, record_table
from trunkctl.settings import DEFAULT_STATE, ControlSettings, StateOption, settings
from trunkctl.shown import console, show_line

park_app = typer.Typer(no_args_is_help=True, help="Messages that wait for an operator's decision.")

Identifiers = Annotated[
    list[str] | None, typer.Argument(metavar="[ID…]", help="Record ids, package ids or DocumentIds.")
]
ServiceOption = Annotated[str, typer.Option(help="Only what this service keeps.")]
ReasonOption = Annotated[str, typer.Option(help="Only what was parked for this reason.")]
StateFilter = Annotated[
    list[RecordState] | None, typer.Option("--in", help="Only records in this state; may be repeated.")
]
AllOption = Annotated[bool, typer.Option("--all", help="Everything that is parked; never what is quarantined.")]
ActorOption = Annotated[str, typer.Option("--by", envvar="TRUNK_ACTOR", help="Who decides; it is recorded.")]
PurposeOption = Annotated[str, typer.Option("--why", help="Why; it is recorded.")]
PatienceOption = Annotated[float, typer.Option("--wait", help="Seconds to wait for the services.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(park_app, name="park")


@park_app.command("list")
def park_list(
    service: ServiceOption = "",
    reason: ReasonOption = "",
    states: StateFilter = None,
    after: Annotated[str, typer.Option(help="Continue after this SERVICE/ID.")] = "",
    size: Annotated[int, typer.Option("--page", min=1, max=1000, help="Messages shown.")] = PAGE_SIZE,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """What is parked: by cause, then a page of the messages."""
    messages, selection = HeldMessages(settings(state)), _selection((), service, reason, states)
    groups = messages.groups(selection)
    if groups:
        console().print(groups_table(groups))
        page = messages.page(selection, after, size)
        console().print(page_table(page))
        if len(page) == size:
            last = f"{page[-1].service}/{page[-1].record.record_id}"
            show_line(f"more: --after {last}")
    show_line(f"{sum(group.count for group in groups)} parked")


@park_app.command("show")
def park_show(
    identifier: Annotated[str, typer.Argument(metavar="ID")],
    body: Annotated[Path | None, typer.Option(dir_okay=False, help="Write the message's body into this file.")] = None,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Show everything that is known about one message; its body only on demand."""
    chosen = settings(state)
    for held in _held_messages(HeldMessages(chosen), _selection((identifier,), "", "", list(RecordState))):
        record = HeldMessages(chosen).find(held.service, held.record.record_id) or held.record
        console().print(record_table(held.service, record))
        if body:
            write_to(body, _body(chosen, record))
            show_line(f"{body}: {body.stat().st_size} bytes")


@park_app.command("replay")
def park_replay(
    identifiers: Identifiers = None,
    service: ServiceOption = "",
    reason: ReasonOption = "",
    everything: AllOption = False,
    actor: ActorOption = "",
    purpose: PurposeOption = "",
    patience_seconds: PatienceOption = 30.0,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Have parked messages handled again, each in its publisher's name; one that fails does not stop the others."""
    selection = _chosen(identifiers, service, reason, everything, (RecordState.PARKED, RecordState.REPLAYING))
    _decide(settings(state), selection, _decision("replay", actor, purpose), patience_seconds)


@park_app.command("discard")
def park_discard(
    identifiers: Identifiers = None,
    service: ServiceOption = "",
    reason: ReasonOption = "",
    everything: AllOption = False,
    actor: ActorOption = "",
    purpose: PurposeOption = "",
    patience_seconds: PatienceOption = 30.0,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Discard parked messages; the sender of a package is informed. ``park restore`` can undo this for 30 days."""
    states = (RecordState.PARKED, RecordState.QUARANTINED) if identifiers else (RecordState.PARKED,)
    selection = _chosen(identifiers, service, reason, everything, states)
    _decide(settings(state), selection, _decision("discard", actor, purpose), patience_seconds)


@park_app.command("restore")
def park_restore(
    identifiers: Identifiers = None,
    service: ServiceOption = "",
    reason: ReasonOption = "",
    actor: ActorOption = "",
    purpose: PurposeOption = "",
    patience_seconds: PatienceOption = 30.0,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Undo a discard: the messages are parked again."""
    selection = _chosen(identifiers, service, reason, False, (RecordState.DISCARDED,))
    _decide(settings(state), selection, _decision("restore", actor, purpose), patience_seconds)


def _decide(chosen: ControlSettings, selection: Selection, decision: Decision, patience_seconds: float) -> None:
    messages = HeldMessages(chosen)
    held = _held_messages(messages, selection) if selection.identifiers else messages.each(selection)
    outcomes = asyncio.run(decide(chosen, held, decision, patience_seconds))
    done = [outcome for outcome in outcomes if outcome.answer == "done"]
    show_line(f"{len(done)} of {len(outcomes)}: {decision.action} done")
    for outcome in outcomes:
        if outcome.answer != "done":
            show_line(_shown(outcome))
    if len(done) < len(outcomes):
        raise typer.Exit(1)


def _shown(outcome: Outcome) -> str:
    answer = outcome.answer or "not answered yet: it is carried out when the service gets to it"
    return f"{outcome.held.service}/{outcome.held.record.record_id}: {answer}"


def _held_messages(messages: HeldMessages, selection: Selection) -> list[ParkedMessage]:
    held = list(messages.each(selection))
    if not held:
        raise CommandError(f"Nothing of that kind is parked under {', '.join(selection.identifiers)}.")
    return held


def _decision(action: OperatorAction, actor: str, purpose: str) -> Decision:
    if not actor.strip() or not purpose.strip():
        raise typer.BadParameter("say who decides and why: --by and --why")
    return Decision(action, actor.strip(), purpose.strip())


def _chosen(
    identifiers: list[str] | None, service: str, reason: str, everything: bool, states: tuple[RecordState, ...]
) -> Selection:
    if not (identifiers or service or reason or everything):
        raise typer.BadParameter("say which: IDs, --service, --reason or --all")
    return _selection(tuple(identifiers or ()), service, reason, list(states))


def _selection(identifiers: tuple[str, ...], service: str, reason: str, states: list[RecordState] | None) -> Selection:
    if service and service not in SERVICES:
        raise typer.BadParameter(f"no service {service}: {', '.join(SERVICES)}")
    base = Selection(service=service, reason=reason, identifiers=identifiers)
    return Selection(service, reason, tuple(states), identifiers) if states else base


def _body(chosen: ControlSettings, record: MessageRecord) -> bytes:
    if record.message is None:
        raise CommandError("The message itself is not here: it is still in its queue.")
    if record.message.body_ref:
        return asyncio.run(ParkedBodies(Objects(chosen)).get(record.message.body_ref))
    return record.message.body or b""
