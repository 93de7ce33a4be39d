"""How the command line shows things: tables for people, JSON for programs."""

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from common.store_access import Role
from trunkctl.words import words

if TYPE_CHECKING:  # nearly every command shows something, and few show these
    from trunkctl.inbox_item import Item
    from trunkctl.paper_trail import Trail
    from trunkctl.trunk_file import TrunkFile

WIDTH_OF_LOGS = 170
"""Columns where nobody looks at a terminal."""


def console() -> Console:
    """Standard output; wide enough for tables when it goes into a file. Names such as ``:x:`` are no emoji."""
    terminal = Console(emoji=False)
    return terminal if terminal.is_terminal else Console(width=WIDTH_OF_LOGS, emoji=False)


def show_differences(differences: Iterable[str]) -> None:
    """How a server differs from its description, a line each. Raises ``typer.Exit`` (1) if it does."""
    listed = list(differences)
    for line in listed:
        show_line(line)
    if listed:
        raise typer.Exit(1)
    console().print("as described")


def rows(table: Table, lines: Iterable[Sequence[object]]) -> Table:
    """Fill a table with words. What came from outside is neither markup nor an order to the terminal.

    The only place where a table gets its lines, so that no value of a program is shown as such. An id that is wider
    than its column goes on below, whole, so that it can be copied.
    """
    for line in lines:
        table.add_row(*(Text(printable(words(cell)), overflow="fold") for cell in line))
    return table


def printable(text: str) -> str:
    """With a sign in the place of every character that moves the cursor or turns the direction of writing."""
    return "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text)


def one_line(text: str) -> str:
    """Printable, and without a line of its own: a name must not look like an answer."""
    return printable(text).replace("\n", "\ufffd")


def show_json(text: str) -> None:
    """JSON on standard output, in UTF-8. What would act in a terminal stands there as ``\\u009b``: it says the same."""
    safe = "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)
    typer.echo(safe.encode())


def show_line(text: str) -> None:
    """One line on standard output, whatever comes from outside in it."""
    console().print(one_line(text), markup=False, highlight=False, soft_wrap=True)


def inbox_table(items: "Iterable[Item]") -> Table:
    """What waits for a unit."""
    table = Table("type", "kind", "from", "document", "label / reason", "lane", "package")
    return rows(
        table,
        ((i.type, i.kind, i.sender, i.document_id, i.label or i.reason, i.lane, i.package_id) for i in items),
    )


def trail_tables(trail: "Trail") -> list[Table]:
    """What happened to a document, where it stands, and which packages about it wait for something."""
    history = Table("time", "fact", "unit", "what", title=escape(one_line(f"{trail.document_id}  ({trail.subject})")))
    rows(history, ((m.at, m.fact, m.unit, m.what) for m in trail.moments))
    places = Table("receiver", "state", "since")
    rows(places, ((s.receiver, s.state, s.updated_at) for s in trail.standings))
    waits = Table("package that waits", "unit", "since", "until", "for what")
    rows(waits, ((w.package_id, w.unit, w.since, w.until, w.what) for w in trail.waits))
    return [history, *(table for table in (places, waits) if table.row_count)]


def address_table(trunk: "TrunkFile") -> Table:
    """Where the trunk on this machine is."""
    table = Table("what", "where")
    rows(
        table,
        [
            ("broker", f"{trunk.amqp_host}:{trunk.amqp_port}, vhost {trunk.vhost}"),
            ("broker's management", f"{trunk.rabbitmq_management_url}, user {trunk.rabbitmq_admin_user}"),
            ("object store", trunk.s3_endpoint),
            ("database", trunk.mongo_uris[Role.OPERATOR].rpartition("@")[2]),
            ("users' passwords", trunk.users_file),
            ("mails", trunk.mail_file),
        ],
    )
    health = ((name, f"http://127.0.0.1:{s.http_port}/readyz, process {s.pid}") for name, s in trunk.services.items())
    return rows(table, health)
