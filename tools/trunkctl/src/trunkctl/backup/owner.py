"""Whose copies lie at a place: two trunks never write to the same one, nor does a trunk that has lost its databases.

A job that ran against empty databases would otherwise leave an empty backup as the newest, and in the end the only one.
"""

from typing import Any

from pymongo import MongoClient

from trunkctl.backup import freshness
from trunkctl.backup.shelf import Shelf
from trunkctl.command_error import CommandError

FILE = "trunk"

Client = MongoClient[dict[str, Any]]


def expect_own(client: Client, shelf: Shelf) -> None:
    """The first backup takes the place; nothing is written to another trunk's. Raises ``CommandError``."""
    if name := freshness.unfinished_restore(client):
        raise CommandError(
            f"These databases hold a part of backup {name}: its restore was not finished. Nothing copied."
        )
    if FILE not in shelf.names(FILE):
        shelf.put(FILE, [freshness.made_trunk_id(client).encode()])
        return
    owner = b"".join(shelf.get(FILE)).decode(errors="replace")
    if owner != freshness.trunk_id(client):
        raise CommandError(
            "The copies there are of another trunk, or of this one before it lost its databases: "
            "restore them, or name another place. Nothing copied."
        )
