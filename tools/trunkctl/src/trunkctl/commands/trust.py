"""Commands for the trust folder: ``trust add``, ``list``, ``remove``, ``refresh``."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from trunkctl.command_error import CommandError
from trunkctl.shown import console, rows, show_line
from trunkctl.trust_folder import FolderCertificate, Place, add, listed, pin_of, remove, unpinned
from trunkctl.words import local_time
from validator.pki.revocation_lists import RevocationLists
from validator.pki.served import served_until
from validator.pki.statement import Crl
from validator.pki.trust_folder import LeftOut
from validator.pki.trust_store import TrustStore
from validator.policy import DEFAULT

VIETNAM = timezone(timedelta(hours=7))

trust_app = typer.Typer(no_args_is_help=True, help="Who is trusted: roots pinned by fingerprint, CAs, time, lists.")

Folder = Annotated[Path, typer.Option("--trust", envvar="TRUNK_TRUST_DIR", help="The trust folder.")]
Typed = Annotated[str, typer.Option("--sha256", help="Fingerprint, typed from the CA's own publication.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(trust_app, name="trust")


@trust_app.command("add")
def trust_add(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="Certificate, PEM or DER.")],
    sha256: Typed,
    trust: Folder,
    place: Annotated[Place, typer.Option("--as", help="What it is trusted for.")] = Place.ROOT,
    name: Annotated[str, typer.Option(help="Name of the hierarchy, for people, e.g. G2.")] = "",
    start: Annotated[str | None, typer.Option("--from", help="Trusted from that time on, ISO 8601.")] = None,
    end: Annotated[str | None, typer.Option("--until", help="Trusted before that time, ISO 8601.")] = None,
    crl: Annotated[list[str] | None, typer.Option(help="Address of a revocation list; may be repeated.")] = None,
) -> None:
    """Add the certificate with that fingerprint from FILE to the trust folder."""
    held = add(trust, file, sha256, place, pin_of(name, _time(start), _time(end), crl or []))
    show_line(f"{held.place} {held.sha256}")
    for other in unpinned(trust):
        show_line(f"does not count, nobody pinned it: {other.sha256} ({other.file.name})")


@trust_app.command("list")
def trust_list(trust: Folder) -> None:
    """List what the folder contains, and what of it is in use."""
    from validator.pki.trust_folder import load

    now = datetime.now(UTC)
    odd: list[LeftOut] = []
    held = listed(trust, odd.append)
    table = Table("for", "counts", "name", "subject", "valid", "SHA-256")
    console().print(rows(table, [_row(each, now) for each in held]))
    if not held:
        for each in odd:
            show_line(f"left out: {each}")
        return
    try:
        used, revocation = load(trust, left_out=lambda each: show_line(f"left out: {each}"))
    except ValueError as error:
        raise CommandError(f"{trust} cannot be used: {error}.") from error
    lists = Table("list of", "number", "from", "until", "in force", "entries")
    lines = [
        (crl.issuer.rfc4514_string(), crl.number, crl.this_update, crl.next_update,
         _in_force(crl, now), len(crl.entries))
        for crl in revocation.crls
    ]  # fmt: skip
    console().print(rows(lists, lines))
    served = Table("certificates of", "can be judged until")
    console().print(rows(served, list(_served(used, revocation, now))))


@trust_app.command("remove")
def trust_remove(sha256: Annotated[str, typer.Argument(help="Fingerprint.")], trust: Folder) -> None:
    """Remove a certificate from the trust folder."""
    for held in remove(trust, sha256):
        show_line(f"removed: {held.place} {held.sha256}")


@trust_app.command("refresh")
def trust_refresh(
    trust: Folder,
    drop: Annotated[list[Path] | None, typer.Option(help="Folder with lists brought as files.")] = None,
) -> None:
    """Fetch newer revocation lists from the addresses given with ``add``; exit 1 if a source gave none."""
    from validator.pki.refresh import refresh

    try:
        taken = refresh(trust, drop or [])
    except (ValueError, OSError) as error:
        raise CommandError(f"{trust} cannot be used: {error}.") from error
    for each in taken:
        show_line(f"{each.source}: {each.outcome}{_named(each.crl)}")
    if not all(each.is_well for each in taken):
        raise typer.Exit(1)


def _served(trust: TrustStore, revocation: RevocationLists, now: datetime) -> Iterator[tuple[object, ...]]:
    """Each authority, and until when its lists say "not revoked" of what it issues."""
    for each in (*trust.roots, *trust.intermediates):
        if now <= each.not_valid_after_utc:
            until = served_until(each, revocation.of(each.subject), now, authorities=each in trust.roots)
            shown = "NO, no list" if until is None else until if until > now else f"NO, ended {local_time(until)}"
            yield each.subject.rfc4514_string(), shown


def _named(crl: Crl | None) -> str:
    """Which list it is, as far as the list says so."""
    number = f", number {crl.number}" if crl and crl.number is not None else ""
    return number + (f", until {local_time(crl.next_update)}" if crl and crl.next_update else "")


def _in_force(crl: Crl, now: datetime) -> str:
    if crl.this_update > now + DEFAULT.clock_grace:
        return "NO, dated ahead"
    if not crl.is_relied_on:
        return "NO, counts for what it lists alone"
    return "yes" if crl.next_update and now < crl.next_update else "NO"


def _row(held: FolderCertificate, now: datetime) -> tuple[object, ...]:
    certificate = held.certificate
    window = held.pin.window if held.pin else None
    ended = certificate.not_valid_after_utc < now or (window is not None and not window.holds(now))
    limits = [
        max(filter(None, (certificate.not_valid_before_utc, window.start if window else None))).date(),
        min(filter(None, (certificate.not_valid_after_utc, window.end if window else None))).date(),
    ]
    counts = "NO, not pinned" if not held.counts else "for the past only" if ended else "yes"
    return (
        held.place, counts, held.pin.name if held.pin else "", certificate.subject.rfc4514_string(),
        f"{limits[0]} – {limits[1]}", held.sha256,
    )  # fmt: skip


def _time(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"{text} is no time in ISO 8601.") from error
    return read.replace(tzinfo=VIETNAM) if read.tzinfo is None else read
