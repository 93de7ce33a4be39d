"""Commands about the ledger's log: ``log verify``, ``log prove``, ``log check``, ``log tidy``, ``log public-key``."""

import os
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from common.ledger import entry_of
from common.objects import LOG, Objects
from common.store_access import Role
from common.tlog.audit import Claim, Fault
from common.tlog.checkpoint import open_checkpoint
from common.tlog.merkle import ProofInvalid
from common.tlog.names import CHECKPOINT
from common.tlog.note import NoteInvalid, SignerKey, VerifierKey
from common.tlog.tree import Tree
from trunkctl.archive_store import ArchiveStore
from trunkctl.command_error import CommandError
from trunkctl.databases import connected
from trunkctl.log import evidence
from trunkctl.log import tidy as tidying
from trunkctl.log.reading import Bucket, Folder, LogReader, SingleFiles
from trunkctl.log.rows import LedgerRows
from trunkctl.log.tidied import note_tidied
from trunkctl.log.tidy import TidyStore
from trunkctl.log.verify import Outcome, verify
from trunkctl.pace import Pace
from trunkctl.settings import DEFAULT_STATE, ControlSettings, StateOption, settings
from trunkctl.shown import show_json, show_line
from trunkctl.store_patience import NoAnswer, Unreadable

log_app = typer.Typer(no_args_is_help=True, help="The log that proves the ledger.")

KeysOption = Annotated[
    list[str] | None,
    typer.Option("--key", help="Public key of the log; repeatable. None = TRUNK_LOG_PUBLIC_KEYS, or this machine's."),
]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(log_app, name="log")


@log_app.callback()
def _group() -> None:
    """The log that proves the ledger."""


@log_app.command("verify")
def verify_log(
    key: KeysOption = None,
    known: Annotated[list[Path] | None, typer.Option(help="A checkpoint kept elsewhere; repeatable.")] = None,
    folder: Annotated[Path | None, typer.Option(help="A copy of the log's files; none = the object store.")] = None,
    save: Annotated[Path | None, typer.Option(help="Keep the newest checkpoint here, for --known.")] = None,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Recompute the whole log from its files alone: a line a fault, exit 1 if there is any, or no log."""
    if folder and not folder.is_dir():
        raise CommandError(f"{folder} is no folder.")
    files = Folder(folder) if folder else bucket(settings(state))
    kept = [Claim(str(path), path.read_bytes()) for path in known or ()]
    outcome = verified(files, trusted(key, state), kept)
    root = outcome.verified.checkpoint.root.hex() if outcome.verified.checkpoint else "none"
    show_line(f"{outcome.size} entries, root {root}, {len(outcome.faults)} faults")
    if not outcome.verified.checkpoint:
        typer.echo("There is no checkpoint that can be trusted: nothing was verified.", err=True)
    if outcome.faults or not outcome.verified.checkpoint:
        raise typer.Exit(1)
    if save and (note := files.read(CHECKPOINT)):
        save.write_bytes(note)


@log_app.command()
def prove(
    identifier: Annotated[str, typer.Argument(metavar="ID", help="Document key, package id or event id.")],
    key: KeysOption = None,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Print a proof for each entry, one JSON line each. It tells what the entry says: give it to nobody else."""
    own = settings(state)
    files, rows = SingleFiles(ArchiveStore(Objects(own).client, LOG)), LedgerRows.of(connected(own, "trunkctl-log"))
    try:
        _prove(files, rows, identifier, trusted(key, state))
    except (NoteInvalid, ProofInvalid, Unreadable, ValueError) as error:
        raise CommandError(f"The log does not prove it: {error}. `trunkctl log verify` says more.") from error
    except NoAnswer as error:
        raise CommandError(f"The object store does not answer ({error}).") from error


def _prove(files: SingleFiles, rows: LedgerRows, identifier: str, keys: list[VerifierKey]) -> None:
    note = files.read(CHECKPOINT)
    entries = rows.named(identifier)
    if note is None or not entries:
        raise CommandError(
            "The log has no checkpoint in sight." if note is None else f"The ledger has no entry of {identifier}."
        )
    not_sealed = 0
    tree = Tree(open_checkpoint(note, keys).size, files.read)
    for row in entries:
        place = rows.place(row, tree.find)
        if place is None or place >= tree.size:
            typer.echo(f"{row['_id']} is not in the log yet", err=True)
            not_sealed += 1
            continue
        proof = evidence.evidence_of(entry_of(row), place, tree, note)
        proof.check(keys)  # the tiles that it was made of are not trusted
        show_json(proof.model_dump_json())
    if not_sealed:
        raise typer.Exit(1)


@log_app.command()
def check(
    proofs: Annotated[Path, typer.Argument(metavar="PROOF", help="What `log prove` printed.")],
    key: KeysOption = None,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Check proofs offline, with the public key alone: a line an entry, exit 1 if any does not hold."""
    keys, wrong = trusted(key, state), 0
    lines = proofs.read_text(encoding="utf-8").splitlines()
    if not lines:
        raise CommandError(f"{proofs} holds no proof.")
    for number, line in enumerate(lines, start=1):
        try:
            proof = evidence.read_evidence(line)
            checkpoint = proof.check(keys)
            entry = proof.entry
        except (ProofInvalid, NoteInvalid) as error:
            show_line(f"line {number}: does not hold: {error}")
            wrong += 1
            continue
        show_line(f"{entry['fact']} {entry['event_id']} recorded {entry['recorded_at']}: in {checkpoint.origin}")
    if wrong:
        raise typer.Exit(1)


@log_app.command()
def tidy(state: StateOption = DEFAULT_STATE) -> None:
    """Remove partial tiles for which a full one stands, as the role `tidy`; exit 1 if one is not right."""
    own, begun_at = settings(state, Role.TIDY), datetime.now(UTC)
    store = TidyStore(Objects(own).client, LOG)
    removed = size_bytes = faults = 0
    try:
        for each in tidying.tidy(store, begun_at):
            if isinstance(each, Fault):
                show_line(f"{each.name}: {each.what}")
                faults += 1
            else:
                removed += 1
                size_bytes += each.size_bytes
    except (NoAnswer, Unreadable) as error:
        raise CommandError(
            f"The object store does not answer ({error}). {removed} partial tiles were removed."
        ) from error
    show_line(f"{removed} partial tiles removed, {size_bytes} bytes, {faults} faults")
    if faults:
        raise typer.Exit(1)
    with closing(connected(own, "trunkctl-log")) as client:
        note_tidied(client, begun_at, removed)


@log_app.command("public-key")
def public_key(state: StateOption = DEFAULT_STATE) -> None:
    """Print the public key of TRUNK_LOG_KEY and TRUNK_LOG_ORIGIN, or of the trunk on this machine."""
    if seed := os.environ.get("TRUNK_LOG_KEY", ""):
        try:
            typer.echo(str(SignerKey.of_seed(os.environ.get("TRUNK_LOG_ORIGIN", "trunk/ledger"), seed).verifier))
        except NoteInvalid as error:
            raise CommandError(f"TRUNK_LOG_KEY: {error}.") from error
        return
    for key in trusted(None, state):
        typer.echo(str(key))


def trusted(keys: list[str] | None, state: Path) -> list[VerifierKey]:
    """The keys that are given, or those of the settings. Raises ``CommandError``."""
    written = keys or settings(state).log_public_keys
    if not written:
        raise CommandError(
            "Which key signs the log? --key or TRUNK_LOG_PUBLIC_KEYS; `trunkctl log public-key` prints it."
        )
    try:
        return [VerifierKey.parse(each) for each in written]
    except NoteInvalid as error:
        raise CommandError(f"A public key of the log cannot be read: {error}.") from error


def bucket(own: ControlSettings, pace: Pace | None = None) -> Bucket:
    """The log in the object store. Raises ``CommandError``."""
    try:
        return Bucket(ArchiveStore(Objects(own).client, LOG, pace=pace))
    except NoAnswer as error:
        raise CommandError(f"The object store does not answer ({error}).") from error


def verified(files: LogReader, keys: list[VerifierKey], kept: list[Claim]) -> Outcome:
    """Verify, and print each fault, and each entry that was sealed twice. Raises ``CommandError``."""

    def tell(fault: Fault) -> None:
        show_line(f"{fault.name}: {fault.what}")

    try:
        outcome = verify(files, keys, kept, tell)
    except (NoAnswer, Unreadable) as error:
        raise CommandError(f"The object store does not answer ({error}).") from error
    for place, first in outcome.verified.repeated:
        show_line(f"entry {place} of the log is entry {first} once more; this is no fault of the log")
    return outcome
