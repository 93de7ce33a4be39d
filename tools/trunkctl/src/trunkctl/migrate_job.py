"""``trunkctl migrate``: makes missing buckets and indexes, or tells what is missing. Takes nothing away."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure

from common import buckets
from common.indexes import INDEXES, Index
from common.objects import Objects
from trunkctl.command_error import CommandError
from trunkctl.settings import ControlSettings
from trunkctl.words import words

TIMEOUT_MS = 10_000

Row = dict[str, Any]
Client = MongoClient[Row]


def apply(settings: ControlSettings, indexes: tuple[Index, ...] = INDEXES) -> list[str]:
    """Make what is missing, and return what was made. Raises ``CommandError`` for an index that differs."""
    made = [f"bucket {bucket}" for bucket in buckets.make_missing(Objects(settings).client)]
    with _connected(settings) as client:
        for index in indexes:
            if _difference(client, index):
                _make(client, index)
                made.append(f"index {index.place}")
    return made


def check(settings: ControlSettings, indexes: tuple[Index, ...] = INDEXES) -> list[str]:
    """What is missing or not as described; empty = as it should be."""
    with _connected(settings) as client:
        compared = [(index, _difference(client, index)) for index in indexes]
    differences = [f"index {index.place}: {difference}" for index, difference in compared if difference]
    return buckets.problems(Objects(settings).client) + differences


@contextmanager
def _connected(settings: ControlSettings) -> Iterator[Client]:
    client: Client = MongoClient(
        settings.mongo_uri.get_secret_value(), serverSelectionTimeoutMS=TIMEOUT_MS, appname="trunkctl-migrate"
    )
    with client:
        yield client


def _difference(client: Client, index: Index) -> str:
    existing = client[index.database][index.collection].index_information().get(index.name)
    if existing is None:
        return "missing"
    fields = tuple(existing["key"])
    only = dict(existing.get("partialFilterExpression", {}))
    same = fields == tuple((name, 1) for name in index.fields) and only == index.where
    return "" if same else f"other: {words(dict(fields))}{f' where {words(only)}' if only else ''}"


def _make(client: Client, index: Index) -> None:
    more: dict[str, Any] = {"partialFilterExpression": index.where} if index.where else {}
    try:
        client[index.database][index.collection].create_index(list(index.fields), name=index.name, **more)
    except OperationFailure as error:
        raise CommandError(
            f"Index {index.place} cannot be made ({error.details.get('codeName') if error.details else error.code}): "
            "another one of that name, or of the same fields, stands there. Drop it and run this again."
        ) from error
