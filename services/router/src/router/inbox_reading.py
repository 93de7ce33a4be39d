"""Until when everything in an inbox has been read, and whether the broker still has what was placed; pure.

What the router knows of reading is that an inbox was empty. A message that was taken and not acknowledged is not in the
count, and comes back when its reader goes away; the broker takes it back by itself after ``ACK_TIMEOUT``. So what was
placed long enough before the inbox was empty has been read. An inbox that is never empty says nothing.

After the broker has lost its data every inbox is empty, too. Against that stands the mark: one message in a queue that
nobody reads. If it is missing, the data were lost; it is set again, so that another loss is seen, and empty inboxes say
nothing until all inboxes have been rebuilt.
"""

from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, ConfigDict

ACK_TIMEOUT = timedelta(minutes=30)
"""After so long the broker takes back a message that its reader does not acknowledge."""
BROKER_ROUNDS = timedelta(minutes=5)
"""How much later than that the broker may do it."""
CLOCKS_APART = timedelta(minutes=10)
"""How much the clocks of two replicas may differ, each up to five minutes wrong: one notes what was placed, another
that an inbox was empty, or that the mark is missing."""
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


class Mark(BaseModel):
    """What the router remembers of the mark."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    is_set: bool = False
    """The broker has confirmed the mark once."""
    lost_at: datetime | None = None
    """When it was found missing last, and inboxes have not been rebuilt since; None = nothing is to be rebuilt."""


def seen(mark: Mark, messages: int, now: datetime) -> Mark:
    """After a look at the queue of the mark."""
    if not mark.is_set or messages:
        return mark
    return mark.model_copy(update={"lost_at": now})


def read_until(emptied_at: datetime | None) -> datetime:
    """What was placed up to this time has been read, if the inbox was empty at the other."""
    return emptied_at - ACK_TIMEOUT - BROKER_ROUNDS - CLOCKS_APART if emptied_at else NEVER


def placed_until(lost_at: datetime) -> datetime:
    """What was placed after this time came after the loss that was noticed at the other. Some of what came before may
    come once more; receivers recognise it."""
    return lost_at + CLOCKS_APART
