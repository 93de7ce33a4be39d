"""Commands about the archive: ``archive check``, ``archive reconcile``."""

import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated

import typer
from pymongo.errors import PyMongoError

from common.objects import Objects
from common.tlog.note import VerifierKey
from trunkctl.archive_check import Fault, Stores, faults_of
from trunkctl.archive_missing import KEPT_FACTS, by_ledger, by_store, or_lost
from trunkctl.archive_records import ArchiveRecords, Row, read
from trunkctl.archive_store import ArchiveStore
from trunkctl.command_error import CommandError
from trunkctl.commands.log import bucket, trusted, verified
from trunkctl.databases import connected
from trunkctl.log.reading import Bucket
from trunkctl.log.rows import Adopted, LedgerRows
from trunkctl.log.verify import leaves_since
from trunkctl.pace import Pace
from trunkctl.reconcile import Services
from trunkctl.settings import DEFAULT_STATE, ControlSettings, StateOption, settings
from trunkctl.shared_reads import SharedReads
from trunkctl.shown import show_line
from trunkctl.store_patience import NoAnswer, Unreadable

archive_app = typer.Typer(no_args_is_help=True, help="What the archive keeps.")

AT_ONCE = 8
"""Records that are checked at the same time; each holds one MiB at most."""
MIB = 1024 * 1024
PROGRESS_EVERY = 1_000
RANGE = re.compile(r"(\d+)-(\d+)(?:/(\d+))?")
"""Of ``--adopted``."""
RECONCILED = timedelta(days=7)
"""How far back records are compared unless a time is named."""


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(archive_app, name="archive")


@archive_app.callback()
def _group() -> None:
    """What the archive keeps."""


@archive_app.command("check")
def check(
    identifiers: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]…", help="Package ids, document keys or DocumentIds; none = all.")
    ] = None,
    after: Annotated[str, typer.Option(help="Go on behind this package id, where an earlier check has stopped.")] = "",
    adopted: Annotated[
        list[str] | None,
        typer.Option(help="START-END/KEPT: entries of the log that a restore has lost but for so many; repeatable."),
    ] = None,
    lost: Annotated[
        list[str] | None,
        typer.Option(help="Package id whose record a restore has lost, and which nobody submits again; repeatable."),
    ] = None,
    rate: Annotated[
        float,
        typer.Option(min=0, help="MiB a second that the object store is read at most; 0 = all it gives."),
    ] = 0,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Compare records, objects, ledger and log: a line a fault, exit 1 if there is any. Reads every byte it compares.

    Without ids it also verifies the log and compares it with the whole ledger, and notes the result for the monitoring.
    Where the archive is empty it ends with 1 and notes nothing.
    """
    own, begun_at, is_whole = settings(state), datetime.now(UTC), not identifiers and not after
    tally, ledger = _Tally(after), LedgerRows.of(connected(own, "trunkctl-log"))
    pace = Pace(rate * MIB)
    with closing(ArchiveRecords(own)) as records, ThreadPoolExecutor(AT_ONCE) as pool:
        store = ArchiveStore(Objects(own).client, pace=pace)
        judge = partial(_judge, SharedReads(store))
        pages = _named(records, identifiers, tally) if identifiers else records.pages(after)
        try:
            for page in pages:
                tally.add_page(page, pool.map(judge, page))
                tally.add(Fault(record_id, "", what) for record_id, what in ledger.record_faults(page))
            if is_whole:
                known = or_lost(records.known, lost or own.archive_lost)
                tally.add(by_ledger(ledger.entries_of(KEPT_FACTS), known, begun_at))
                tally.add(by_store(store.puts(), known, begun_at))
        except (NoAnswer, PyMongoError) as error:
            raise CommandError(f"A store does not answer ({error}). {tally}") from error
    if is_whole and own.log_public_keys:
        _compare_log(ledger, tally, bucket(own, pace), trusted(None, state), _ranges(adopted or own.log_adopted))
    elif is_whole:
        typer.echo("The log was not compared: TRUNK_LOG_PUBLIC_KEYS does not say which key signs it.", err=True)
    if is_whole and not tally.records and not tally.faults and ledger.is_empty():
        raise CommandError("There is no record and no entry of the ledger: nothing was checked.")
    show_line(f"{tally.records} records checked, {tally.faults} faults")
    if is_whole and own.log_public_keys:
        _note(own, begun_at, tally)
    if tally.faults:
        raise typer.Exit(1)


@archive_app.command("reconcile")
def reconcile(
    since: Annotated[
        datetime | None, typer.Option(help="Packages submitted from then on (local time); none = of the last 7 days.")
    ] = None,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Compare what intake, router and archive have on record: a line a difference, exit 1 if there is any."""
    services, until = Services(settings(state)), datetime.now(UTC)
    packages = differences = 0
    for page in services.pages(since.astimezone() if since else until - RECONCILED, until):
        packages += len(page)
        for difference in services.differences(page):
            show_line(f"{difference.package_id} {difference.what}")
            differences += 1
    show_line(f"{packages} finished packages compared, {differences} differences")
    if differences:
        raise typer.Exit(1)


def _compare_log(ledger: LedgerRows, tally: "_Tally", files: Bucket, keys: list[VerifierKey], adopted: Adopted) -> None:
    """The ledger as it is now against the leaves of the log, and what was sealed meanwhile against those of now."""
    outcome = verified(files, keys, [])
    tally.faults += len(outcome.faults)
    since = partial(leaves_since, files, keys)
    faults = ledger.faults(outcome.verified, datetime.now(UTC), since=since, adopted=adopted)
    try:
        tally.add(Fault(name, "", what) for name, what in faults)
    except (NoAnswer, Unreadable) as error:
        raise CommandError(f"The object store does not answer ({error}). {tally}") from error
    show_line(f"{outcome.size} entries of the log compared with the ledger")


def _ranges(written: Iterable[str]) -> Adopted:
    """START-END/KEPT of each, or START-END. Raises ``CommandError``."""
    ranges = [RANGE.fullmatch(each) for each in written]
    if None in ranges:
        raise CommandError("Entries of the log are named as START-END/KEPT, such as 1000-1200/7.")
    return {(int(one[1]), int(one[2])): int(one[3]) if one[3] else None for one in ranges if one}


def _note(own: ControlSettings, begun_at: datetime, tally: "_Tally") -> None:
    """The result, told whatever comes of the note: a role that may only read has none."""
    try:
        with closing(ArchiveRecords(own)) as records:
            records.note_check(begun_at, tally.records, tally.faults)
    except PyMongoError as error:
        typer.echo(f"The monitoring does not hear of this check: {error}", err=True)


class _Tally:
    """Prints each fault as it is found, and counts."""

    def __init__(self, after: str) -> None:
        self.records = self.faults = 0
        self._last = after

    def __str__(self) -> str:
        go_on = f" Go on with --after {self._last}." if self._last else ""
        return f"{self.records} records checked, {self.faults} faults until then.{go_on}"

    def add_page(self, page: list[Row], judged: Iterable[list[Fault]]) -> None:
        """In the order of the page."""
        for document, faults in zip(page, judged, strict=True):
            self.add(faults)
            self.records += 1
            self._last = document["_id"]
            if self.records % PROGRESS_EVERY == 0:
                typer.echo(f"… {self.records} records, {self.faults} faults, now at {self._last}", err=True)

    def add(self, faults: Iterable[Fault]) -> None:
        """A line a fault."""
        for fault in faults:
            show_line(" ".join(part for part in fault if part))
            self.faults += 1


def _named(records: ArchiveRecords, identifiers: Iterable[str], tally: _Tally) -> Iterator[list[Row]]:
    for identifier in identifiers:
        rows = records.named(identifier)
        if not rows:
            tally.add([Fault(identifier, "", "no record of it")])
        yield rows


def _judge(store: Stores, document: Row) -> list[Fault]:
    record = read(document)
    if record is None:
        return [Fault(str(document["_id"]), "", "the record in the database cannot be read")]
    return faults_of(record, store)
