"""One run of the take-over at a time in a virtual host, under a user of its own.

Nobody keeps the user's password. It may publish in another's name (tag ``impersonator``), and is removed at the end.
The run that is working has an exclusive queue, which the broker removes when its session ends.
"""

import contextlib
import re
import secrets
from collections.abc import Iterator
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from aiormq.connection import Connection
from aiormq.exceptions import ChannelLockedResource

from common.facts.flows import SERVICES
from common.service.connection import channel_for_consuming
from common.topology import dead_letters
from trunkctl.broker_admin import BrokerAdmin
from trunkctl.command_error import CommandError

USER = "take-over"
"""Beginning of the names of the users; author of the markers."""
LOCK = "take-over.lock"
"""The exclusive queue of the run that is working."""


@contextlib.contextmanager
def temporary_user(admin: BrokerAdmin, amqp_url: str) -> Iterator[str]:
    """An address at the broker under a user that exists while the block runs. No other run has the same user."""
    user, password = f"{_users_of(admin)}{secrets.token_hex(4)}", secrets.token_urlsafe(24)
    admin.set_password(user, password, "impersonator")
    configure, write = f"^{re.escape(LOCK)}$", rf"^(amq\.default|{_any_dead_letters()})$"
    rights = {"configure": configure, "write": write, "read": ".*"}
    try:
        admin.put(f"/permissions/{quote(admin.vhost, safe='')}/{quote(user, safe='')}", rights)
        parts = urlsplit(amqp_url)
        host = parts.netloc.rpartition("@")[2]
        path = f"/{quote(admin.vhost, safe='')}"
        yield urlunsplit(parts._replace(netloc=f"{quote(user, safe='')}:{password}@{host}", path=path))
    finally:
        admin.remove_user(user)


async def lock(connection: Connection, admin: BrokerAdmin) -> None:
    """Be the one run in the virtual host, for as long as the session lasts. Raises ``CommandError`` if another is."""
    channel = await channel_for_consuming(connection)
    try:
        await channel.queue_declare(LOCK, exclusive=True, arguments={"x-queue-type": "classic"})
    except ChannelLockedResource as error:
        raise CommandError(
            f"Another take-over is at work in the virtual host {admin.vhost}. "
            "Nothing was changed; run this again once that one has ended."
        ) from error


def remove_users_of_ended_runs(admin: BrokerAdmin, own: str) -> None:
    """Users of runs that were killed. Only the run that holds the lock may do this."""
    for user in admin.rights().users:
        if user.startswith(_users_of(admin)) and user != unquote(own):
            admin.remove_user(user)


def _users_of(admin: BrokerAdmin) -> str:
    """Beginning of the names of all users for the virtual host."""
    return f"{USER}.{quote(admin.vhost, safe='')}."


def _any_dead_letters() -> str:
    return "|".join(dead_letters(service).replace(".", r"\.") for service in SERVICES)
