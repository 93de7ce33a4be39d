"""How parked messages are shown."""

from collections.abc import Iterable

from rich.table import Table

from common.service.records import MessageRecord
from trunkctl.park.held import Group, ParkedMessage
from trunkctl.shown import rows
from trunkctl.words import words


def groups_table(groups: Iterable[Group]) -> Table:
    """The causes, largest first."""
    table = Table("service", "source", "reason", "state", "messages", "oldest", title="by cause")
    return rows(table, ((g.service, g.source, g.reason, g.state, g.count, g.oldest) for g in groups))


def page_table(page: Iterable[ParkedMessage]) -> Table:
    """One line a message."""
    table = Table("id", "service", "queue", "published by", "document or package", "reason", "parked", "detail")
    return rows(table, (_line(held) for held in page))


def record_table(service: str, record: MessageRecord) -> Table:
    """Everything about one message, without its body."""
    table = Table("field", "value", title=f"{service}/{record.record_id}")
    values = record.model_dump(exclude={"message": {"body"}})
    return rows(table, ((name, shown) for name, value in values.items() if (shown := words(value))))


def _line(held: ParkedMessage) -> tuple[object, ...]:
    record, about = held.record, held.record.about
    publisher = record.user_id or "(nobody)"
    named = about.document_id or about.package_id
    return (
        *(record.record_id, held.service, record.queue, publisher, named),
        *(record.reason, record.parked_at, record.detail),
    )
