"""Up to which time the messages of an inbox have been read, and whether the broker has lost its data. Pure.

The router only sees when an inbox is empty. Messages that a unit has taken and not acknowledged are not counted, and
return to the inbox when the unit disconnects, or after ``ACK_TIMEOUT``. So a message that was placed long enough before
the inbox was empty has been read. Nothing is known about an inbox that is never empty.

Every inbox is empty, too, when the broker has lost its data. The *mark* tells the two apart: one message in a queue
that nobody reads. If it is missing, the data were lost. It is then set again, so that another loss is noticed, and
empty inboxes do not count until all inboxes have been rebuilt.

The broker shows a queue without a leader as empty as well. So several looks have to agree
(``common.service.zero_depths``), and a document on which its unit has reported nothing does not count as read, whatever
the inbox showed.
"""

from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict

ACK_TIMEOUT = timedelta(minutes=30)
"""How long a reader may take to acknowledge a message before the broker takes it back."""
BROKER_ROUNDS = timedelta(minutes=5)
"""How much later than ``ACK_TIMEOUT`` the broker may take a message back."""
CLOCKS_APART = timedelta(minutes=10)
"""How much the clocks of two replicas may differ, each being up to five minutes wrong. One may note that a message was
placed, another that the inbox was empty or the mark missing."""
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class Mark(BaseModel):
    """The saved state of the mark."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    is_set: bool = False
    """Whether the broker has ever confirmed the mark."""
    lost_at: datetime | None = None
    """When the mark was last found missing; None once all inboxes have been rebuilt since."""


def seen(mark: Mark, messages: int, now: datetime) -> Mark:
    """The state of the mark when its queue holds so many messages."""
    if not mark.is_set or messages:
        return mark
    return mark.model_copy(update={"lost_at": now})


def read_until(emptied_at: datetime | None) -> datetime:
    """Messages placed up to this time have been read. ``emptied_at``: when the inbox was last empty; None = never."""
    return emptied_at - ACK_TIMEOUT - BROKER_ROUNDS - CLOCKS_APART if emptied_at else NEVER


def placed_until(lost_at: datetime) -> datetime:
    """Messages placed after this time were placed after the loss that was noticed at ``lost_at``.

    Some messages placed before it may be placed twice; receivers recognise them by their event id.
    """
    return lost_at + CLOCKS_APART
