"""Commands for the unit directory: ``units import``, ``confirm``, ``withdraw``, ``pending``, ``show``, ``history``."""

from datetime import date, datetime, time
from pathlib import Path
from typing import Annotated

import typer

from common.edxml.dates import VIETNAM
from common.objects import Objects
from trunkctl.command_error import CommandError
from trunkctl.commands.announcing import announce
from trunkctl.commands.decisions import ActorOption, PurposeOption, decision
from trunkctl.operator_files import bytes_of
from trunkctl.settings import DEFAULT_STATE, ControlSettings, StateOption, settings
from trunkctl.shown import console, show_line
from trunkctl.units import directory_acts as acts
from trunkctl.units.bucket import DirectoryBucket
from trunkctl.units.changes import Effect, newly_shared
from trunkctl.units.directory_acts import Comparison, short
from trunkctl.units.directory_file import RESERVED, read_strictly
from trunkctl.units.history import Act, Entry
from trunkctl.units.lookup import NONE_YET
from trunkctl.units.shown import change_lines, disabled_lines, history_table, units_table
from trunkctl.words import local_time

units_app = typer.Typer()

VersionArgument = Annotated[str, typer.Argument(metavar="VERSION", help="First digits of the version that waits.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(units_app)


@units_app.command("import")
def units_import(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    removals: Annotated[
        list[str] | None, typer.Option("--remove", metavar="CODE", help="A unit that the file leaves out on purpose.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the changes, and do nothing.")] = False,
    by: ActorOption = "",
    why: PurposeOption = "",
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Show what a directory file changes, then put it into force, or propose it to a second person."""
    chosen, data = settings(state), bytes_of(file)
    bucket = DirectoryBucket(Objects(chosen))
    head = bucket.head()
    after = read_strictly(data, RESERVED | {chosen.rabbitmq_admin_user})
    comparison = Comparison(bucket.directory(head.state.in_force), after)
    _show_changes(comparison)
    acts.expect_removals_named(comparison, removals or (), head.state.disabled)
    if dry_run:
        return
    if comparison.is_same_file:
        _finish(chosen, bucket)
        return
    acts.expect_nothing_pending(head.state)
    who = decision(by, why)
    bucket.keep_version(data)
    entry, noticed = bucket.record(lambda newest: acts.imported(newest, comparison, who))
    _tell_done(chosen, bucket, entry, noticed, comparison)


@units_app.command("confirm")
def units_confirm(
    version: VersionArgument, by: ActorOption = "", why: PurposeOption = "", state: StateOption = DEFAULT_STATE
) -> None:
    """As a second person, put the pending change into force. Again finishes what was broken off."""
    chosen = settings(state)
    bucket = DirectoryBucket(Objects(chosen))
    head = bucket.head()
    if acts.is_in_force(head.state, version):
        _finish(chosen, bucket)
        show_line(f"version {short(head.state.in_force)} is in force already")
        return
    proposal = acts.pending(head.state, version)
    comparison = Comparison(bucket.directory(head.state.in_force), bucket.directory(proposal.version))
    _show_changes(comparison)
    who = decision(by, why)
    entry, noticed = bucket.record(lambda newest: acts.confirmed(newest, comparison, who))
    _tell_done(chosen, bucket, entry, noticed, comparison)


@units_app.command("withdraw")
def units_withdraw(
    version: VersionArgument, by: ActorOption = "", why: PurposeOption = "", state: StateOption = DEFAULT_STATE
) -> None:
    """Withdraw the pending change."""
    chosen = settings(state)
    bucket = DirectoryBucket(Objects(chosen))
    acts.pending(bucket.head().state, version)
    who = decision(by, why)
    entry, _ = bucket.record(lambda newest: acts.withdrawn(newest, version, who))
    show_line(f"version {short(entry.version)} is withdrawn; nothing was changed")
    announce(chosen, bucket)


@units_app.command("pending")
def units_pending(state: StateOption = DEFAULT_STATE) -> None:
    """The change that waits for a second person; exit 1 while one does, so that a timer can watch."""
    bucket = DirectoryBucket(Objects(settings(state)))
    current = bucket.head().state
    if current.pending is None:
        console().print("nothing waits")
        return
    who = current.pending.decision
    show_line(f"version {current.pending.version}, proposed by {who.by} at {local_time(who.at)}: {who.why}")
    _show_changes(Comparison(bucket.directory(current.in_force), bucket.directory(current.pending.version)))
    raise typer.Exit(1)


@units_app.command("show")
def units_show(
    at: Annotated[str, typer.Option(metavar="WHEN", help="A day (its end) or a time, in Ho Chi Minh City.")] = "",
    version: Annotated[
        str, typer.Option(metavar="VERSION", help="Any version, also one that waits, by its first digits.")
    ] = "",
    state: StateOption = DEFAULT_STATE,
) -> None:
    """A directory file, byte for byte, to keep or to edit: the one in force, now or at another time, or any version.

    Its version goes to standard error.
    """
    bucket = DirectoryBucket(Objects(settings(state)))
    if version:
        wanted = bucket.find_version(version)
    else:
        wanted = _in_force_at(bucket, _moment(at)) if at else bucket.head().state.in_force
    if not wanted:
        raise CommandError(NONE_YET)
    data = bucket.version_data(wanted)
    typer.echo(f"version {wanted}", err=True)
    typer.echo(data, nl=False)


@units_app.command("list")
def units_list(state: StateOption = DEFAULT_STATE) -> None:
    """Every unit in force, with its user, and whether it is disabled."""
    bucket = DirectoryBucket(Objects(settings(state)))
    current = bucket.head().state
    console().print(units_table(bucket.directory(current.in_force), current))
    for line in disabled_lines(current):
        show_line(line)


@units_app.command("history")
def units_history(
    unit: Annotated[str, typer.Option(help="Only what concerns this unit.")] = "",
    changes: Annotated[bool, typer.Option("--changes", help="Each change of each version, too.")] = False,
    count: Annotated[int, typer.Option(min=1, help="Newest entries looked at.")] = 50,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Show who did what, when and why, newest last; exit 1 if an entry is missing or altered."""
    bucket = DirectoryBucket(Objects(settings(state)))
    newest = bucket.head().number
    entries, broken = bucket.entries(max(newest - count, 0) + 1, newest)
    shown = [entry for entry in entries if not unit or _concerns(entry, unit)]
    console().print(history_table(shown, bucket.announced()))
    for entry in shown if changes else ():
        for line in entry.changes:
            show_line(f"{entry.number}  {line}")
    for line in broken:
        show_line(line)
    if broken:
        raise typer.Exit(1)


@units_app.command("announce")
def units_announce(state: StateOption = DEFAULT_STATE) -> None:
    """Announce changes as security events that could not be announced before; exit 1 if that fails again."""
    chosen = settings(state)
    if not announce(chosen, DirectoryBucket(Objects(chosen))):
        raise typer.Exit(1)
    console().print("everything is announced")


def _show_changes(comparison: Comparison) -> None:
    shared = newly_shared(comparison.before, comparison.after)
    for line in change_lines(comparison.changes, shared):
        show_line(line)
    count = len(comparison.changes)
    same = "the version in force" if comparison.is_same_file else "no change but of the file's layout"
    show_line(f"{count} changes, {len(comparison.after.units)} units" if count else same)


def _tell_done(
    chosen: ControlSettings, bucket: DirectoryBucket, entry: Entry, noticed: list[str], comparison: Comparison
) -> None:
    for line in noticed:
        typer.echo(line, err=True)
    if entry.act is Act.PROPOSED:
        show_line(f"Waits for a second person: trunkctl units confirm {short(entry.version)}")
    else:
        show_line(f"version {short(entry.version)} is in force")
        if codes := comparison.units_with(Effect.ADDED, Effect.RIGHTS):
            show_line(f"At the broker, if users or inboxes are new: trunkctl units provision {' '.join(codes)}")
    announce(chosen, bucket)


def _finish(chosen: ControlSettings, bucket: DirectoryBucket) -> None:
    """Tell the services and announce what an earlier run wrote into the history, in case it was broken off."""
    for line in bucket.publish_state():
        typer.echo(line, err=True)
    announce(chosen, bucket)


def _in_force_at(bucket: DirectoryBucket, moment: datetime) -> str:
    entry = bucket.in_force_at(moment)
    if entry is not None:
        return entry.state.in_force
    if not bucket.head().number:
        raise CommandError("There is no history of the unit directory yet.")
    first = bucket.entry(1)
    raise CommandError(
        f"The history begins at {local_time(first.decision.at)}. "
        f"In force until then: version {first.before or '(none)'}; since when is not recorded."
    )


def _moment(typed: str) -> datetime:
    """The end of a day, or a time."""
    try:
        if len(typed) <= len("2026-12-01"):
            return datetime.combine(date.fromisoformat(typed), time.max, VIETNAM)
        moment = datetime.fromisoformat(typed)
    except ValueError as error:
        raise typer.BadParameter("--at: 2026-12-01, or 2026-12-01T09:30") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=VIETNAM)


def _concerns(entry: Entry, unit: str) -> bool:
    return entry.unit == unit or any(line.startswith(f"{unit} ") for line in entry.changes)
