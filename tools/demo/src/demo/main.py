"""Brings the trunk up, plays the script, looks at what came of it as an operator does, and says whether all is well."""

import asyncio
import logging
import secrets
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from demo import closing, totals
from demo.cases import Case, Kind, Outcome
from demo.desks import open_desks
from demo.play import Play
from demo.screen import screen
from demo.script import Script
from demo.totals import Observed
from demo.trespass import trespasses
from devstack import progress
from mint.city import City
from trunkctl import shown
from trunkctl.local import cast, services
from trunkctl.local.down import down
from trunkctl.local.places import places
from trunkctl.local.up import has_servers, is_up, up
from trunkctl.park.held import HeldMessages
from trunkctl.records import Records
from trunkctl.settings import DEFAULT_STATE, ControlSettings, StateOption
from trunkctl.trunk_file import TrunkFile

ARCHIVE_PATIENCE_SECONDS = 60.0
"""The archive works beside the router, and may be behind when the last inbox has been reached."""


def main() -> None:
    """Console entry point."""
    typer.run(demo)


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave the trunk running afterwards.")] = False,
    patience_seconds: Annotated[
        float, typer.Option("--patience", help="Seconds without any progress after which the rest counts as lost.")
    ] = 120.0,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """A stream of valid and invalid documents on real servers; exit 1 unless everything comes out as it must."""
    raise typer.Exit(run(state, keep=keep, patience_seconds=patience_seconds))


def run(state: Path, *, keep: bool, patience_seconds: float) -> int:
    """The exit code: 0 all as it must be, 1 not. What ran before is left running."""
    began, had_servers, was_up = time.monotonic(), has_servers(state), is_up(state)
    logging.getLogger("pyhanko").setLevel(logging.ERROR)  # it warns of what the demo spoils on purpose
    console = shown.console()
    try:
        with progress.shown() as steps:
            trunk = up(state, steps)
        code = _played(console, state, trunk, patience_seconds)
    finally:
        if not keep and not was_up:
            with progress.shown() as steps:
                down(state, steps, with_servers=not had_servers)
    kept = "and is still running" if keep or was_up else "and was stopped"
    console.print(f"{time.monotonic() - began:.0f} s in all; the trunk is below {state} {kept}.", highlight=False)
    return code


def _played(console: Console, state: Path, trunk: TrunkFile, patience_seconds: float) -> int:
    settings = ControlSettings(**trunk.control())
    city, parked_before = cast.have_city(places(state)), _parked(settings)
    mails_before = _lines(trunk.mail_file)
    play, tried = asyncio.run(_on_stage(console, settings, city, patience_seconds))
    cases = play.ledger.cases
    observed = _observed(settings, play, tried, parked_before)
    equations = totals.sums(cases, observed)
    notes = [f"mails that the notifier sent: {_lines(trunk.mail_file) - mails_before}"]
    if play.of_earlier_runs:
        notes.append(f"inbox messages of earlier runs, taken out: {play.of_earlier_runs}")
    closing.close(console, cases, observed, equations, notes)
    wrong = [*_ended(state), *totals.problems(cases, observed, equations)]
    for line in wrong:
        console.print(line, style="bold red", markup=False, highlight=False)
    if not wrong:
        console.print("Everything came out as it must.", style="bold green")
    return 1 if wrong else 0


async def _on_stage(
    console: Console, settings: ControlSettings, city: City, patience_seconds: float
) -> tuple[Play, dict[str, bool]]:
    acts = Script(city, secrets.token_hex(3).upper()).acts()
    units = [city[code].unit for code in city.codes]
    async with open_desks(settings, units) as desks:
        with screen(console, len(acts)) as shown_to:
            play = Play(desks, shown_to, patience_seconds)
            await play.run(acts)
    return play, await trespasses(settings, units[1], units[2])


def _observed(settings: ControlSettings, play: Play, tried: dict[str, bool], parked_before: int) -> Observed:
    """What an operator sees, once the archive has caught up."""
    records, cases = Records(settings), play.ledger.cases
    documents = [case for case in cases if case.kind is Kind.DOCUMENT]
    verdicts = _archived(records, documents)
    states = records.states({key for key, _ in play.ledger.states})
    return Observed(
        verdicts=verdicts,
        states=states,
        expected_states=play.ledger.states,
        newly_parked=max(0, _parked(settings) - parked_before),
        trespasses=tried,
    )


def _archived(records: Records, documents: list[Case]) -> dict[str, str]:
    deadline = time.monotonic() + ARCHIVE_PATIENCE_SECONDS
    answered = {case.package_id for case in documents if case.outcome is not Outcome.UNANSWERED}
    while True:
        verdicts = records.verdicts(case.package_id for case in documents)
        if answered <= verdicts.keys() or time.monotonic() > deadline:
            return verdicts
        time.sleep(0.5)


def _ended(state: Path) -> list[str]:
    place = places(state)
    running = services.alive(place)
    return [f"{name} has ended; see {place.logs / name}.jsonl" for name, runs in running.items() if not runs]


def _parked(settings: ControlSettings) -> int:
    return HeldMessages(settings).count()


def _lines(file: Path) -> int:
    return file.read_bytes().count(b"\n") if file.exists() else 0
