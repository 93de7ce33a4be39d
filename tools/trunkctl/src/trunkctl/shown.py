"""How the command line shows things: tables for people."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trunkctl.mailbox import Item
from trunkctl.paper_trail import Trail
from trunkctl.parked import Group, Parked
from trunkctl.trunk_file import TrunkFile

WIDTH_OF_LOGS = 170
"""Columns where nobody looks at a terminal."""


def console() -> Console:
    """Standard output; wide enough for tables when it goes into a file."""
    found = Console()
    return found if found.is_terminal else Console(width=WIDTH_OF_LOGS)


def local_time(at: datetime | None) -> str:
    """Seconds precision, in the time zone of this machine."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if at else ""


def rows(table: Table, lines: Iterable[Sequence[object]]) -> Table:
    """Fill a table; whatever came from outside is shown as it is, never as markup."""
    for line in lines:
        table.add_row(*(escape(str(cell)) for cell in line))
    return table


def inbox_table(items: Iterable[Item]) -> Table:
    """What waits for a unit."""
    table = Table("type", "kind", "from", "document", "label / reason", "lane", "package")
    return rows(
        table,
        ((i.type, i.kind, i.sender, i.document_id, i.label or i.reason, i.lane, i.package_id) for i in items),
    )


def park_table(groups: Iterable[Group]) -> Table:
    """The parking lot, one section a group."""
    table = Table("reason", "service", "queue", "document", "parked", "attempts", "replays", "detail")
    for group in groups:
        rows(table, (_parked_row(group, member) for member in group.members))
        table.add_section()
    return table


def trail_tables(found: Trail) -> list[Table]:
    """What happened to a document, and where it stands."""
    history = Table("time", "fact", "unit", "what", title=f"{escape(found.document_id)}  ({found.subject})")
    rows(history, ((local_time(m.at), m.fact, m.unit, m.what) for m in found.moments))
    if not found.standings:
        return [history]
    places = Table("receiver", "state", "since")
    rows(places, ((s.receiver, s.state, local_time(s.updated_at)) for s in found.standings))
    return [history, places]


def address_table(found: TrunkFile) -> Table:
    """Where the trunk on this machine is."""
    table = Table("what", "where")
    rows(
        table,
        [
            ("broker", f"{found.amqp_host}:{found.amqp_port}, vhost {found.vhost}"),
            ("broker's management", f"{found.rabbitmq_management_url}, user {found.rabbitmq_admin_user}"),
            ("object store", found.s3_endpoint),
            ("database", found.mongo_uri.rpartition("@")[2]),
            ("users' passwords", found.users_file),
            ("mails", found.mail_file),
        ],
    )
    health = ((name, f"http://127.0.0.1:{s.http_port}/readyz, process {s.pid}") for name, s in found.services.items())
    return rows(table, health)


def _parked_row(group: Group, member: Parked) -> tuple[object, ...]:
    return (
        *(group.reason, group.service, group.queue, member.document),
        *(member.parked_at[:19], member.attempts, member.replays, member.detail),
    )
