"""The services' databases, read by an operator."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient, ReadPreference
from pymongo.errors import PyMongoError

from trunkctl.command_error import CommandError
from trunkctl.settings import ControlSettings

TIMEOUT_MS = 10_000


def connected(settings: ControlSettings, name: str) -> MongoClient[dict[str, Any]]:
    """A client that prefers the primary."""
    return MongoClient(
        settings.mongo_uri.get_secret_value(),
        tz_aware=True,
        serverSelectionTimeoutMS=TIMEOUT_MS,
        read_preference=ReadPreference.PRIMARY_PREFERRED,
        appname=name,
    )


@contextmanager
def asking() -> Iterator[None]:
    """Turn what the driver raises into a sentence."""
    try:
        yield
    except PyMongoError as error:
        raise CommandError(
            f"The database does not answer ({type(error).__name__}): is TRUNK_MONGO_URI right, or the trunk down?"
        ) from error
