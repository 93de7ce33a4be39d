"""A model of the database, in the shape of the driver's collections, as far as the services use them.

Each request takes effect at one moment, at the server; then the answer is on its way. Values are kept as BSON keeps
them: whole milliseconds in UTC, lists for tuples, plain texts for enums. What the model does not know it refuses, so
that a service which begins to use it is noticed. ``test_database_contract`` asks the model and the server the same.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextvars import copy_context
from datetime import UTC, datetime
from enum import Enum
from itertools import islice
from types import SimpleNamespace
from typing import Any

from bson.errors import InvalidDocument
from pymongo import ReturnDocument
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    DuplicateKeyError,
    OperationFailure,
    ServerSelectionTimeoutError,
)

from common.database import database_errors_as_outages
from tests.simulation.loop import CURRENT, Process, VirtualLoop

Document = dict[str, Any]
MISSING = object()
DUPLICATE_KEY = 11000
SELECTION_SECONDS = 5.0
"""How long a driver looks for a server that is away."""


def stored(value: Any) -> Any:
    """A value as BSON keeps it; always a copy."""
    kind = type(value)
    if kind is str or kind is int or value is None or kind is bool or kind is float or kind is bytes:
        return value
    if kind is dict:
        return {str(key): stored(each) for key, each in value.items()}
    if kind is list or kind is tuple:
        return [stored(each) for each in value]
    if isinstance(value, datetime):
        utc = value.astimezone(UTC)
        return utc.replace(microsecond=utc.microsecond // 1000 * 1000)
    if isinstance(value, Enum):
        return stored(value.value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bytes):
        return bytes(value)
    raise InvalidDocument(f"cannot encode {kind.__name__}")


class Server:
    """All databases."""

    def __init__(self, loop: VirtualLoop, latency: Callable[[], float]) -> None:
        self.loop = loop
        self.latency = latency
        self.is_down = False
        self.rows: dict[str, dict[Any, Document]] = {}
        """By ``<service>.<collection>``, then by ``_id``."""
        self.before_step: Callable[[Process | None, str], str] = lambda process, what: ""
        """Asked before each request takes effect: ``before`` or ``after`` = the request fails so; may crash."""
        self.after_step: Callable[[Process | None, str], None] = lambda process, what: None
        self.now: Callable[[], datetime] = lambda: datetime.now(UTC)
        """The server's clock."""
        self.requests = 0

    async def request(self, what: str, action: Callable[[], Any]) -> Any:
        """Send a request and wait for its answer."""
        self.requests += 1
        future = self.loop.create_future()
        self.loop.call_later(self.latency(), self._arrive, what, action, future, CURRENT.get(), context=_SERVER)
        return await future

    def _arrive(
        self, what: str, action: Callable[[], Any], future: "asyncio.Future[Any]", process: Process | None
    ) -> None:
        if self.is_down:
            away = ServerSelectionTimeoutError("no server")
            self.loop.call_later(SELECTION_SECONDS, _fail, future, away, context=_SERVER)
            return
        failure = self.before_step(process, what)
        if process is not None and not process.is_alive:
            return
        if failure == "before":
            _fail(future, AutoReconnect("connection closed"))
            return
        try:
            result = action()
        except Exception as error:
            _fail(future, error)
            return
        self.after_step(process, what)
        if failure == "after":
            _fail(future, AutoReconnect("connection closed"))
        elif not future.done():
            future.set_result(result)


def _server_context() -> Any:
    context = copy_context()
    context.run(CURRENT.set, None)
    return context


_SERVER = _server_context()


def _fail(future: "asyncio.Future[Any]", error: Exception) -> None:
    if not future.done():
        future.set_exception(error)


class ModelDatabase:
    """In place of ``common.database.Database``."""

    def __init__(self, server: Server, service: str) -> None:
        self._server = server
        self._service = service

    def collection(self, name: str) -> "Collection":
        return Collection(self._server, f"{self._service}.{name}")

    async def ping(self) -> None:
        await self._server.request("ping", lambda: None)

    async def server_time(self) -> datetime:
        with database_errors_as_outages():
            local_time: datetime = await self._server.request("hello", self._server.now)
        return local_time


class Collection:
    """One collection of one client."""

    def __init__(self, server: Server, name: str) -> None:
        self._server = server
        self._name = name
        self._rows = server.rows.setdefault(name, {})

    async def insert_one(self, document: Document) -> Any:
        row = stored(document)
        await self._ask("insert", lambda: self._insert(row))
        return SimpleNamespace(acknowledged=True, inserted_id=document.get("_id"))

    async def insert_many(self, documents: list[Document], ordered: bool = True) -> None:
        rows = [stored(document) for document in documents]

        def insert() -> None:
            errors = []
            for index, row in enumerate(rows):
                try:
                    self._insert(row)
                except DuplicateKeyError:
                    errors.append({"index": index, "code": DUPLICATE_KEY})
                    if ordered:
                        break
            if errors:
                raise BulkWriteError({"writeErrors": errors})

        await self._ask("insert", insert)

    async def find_one(self, query: Document | None = None, projection: Any = None) -> Document | None:
        wanted = stored(query or {})
        row: Document | None = await self._ask("find", lambda: next(self._matching(wanted), None))
        return dict(row) if row is not None else None

    def find(self, query: Document | None = None, projection: Any = None) -> "Cursor":
        return Cursor(self, stored(query or {}))

    async def count_documents(self, query: Document, limit: int | None = None) -> int:
        wanted = stored(query)
        return int(await self._ask("count", lambda: sum(1 for _ in islice(self._matching(wanted), limit))))

    async def update_one(self, query: Document, change: Document, upsert: bool = False) -> Any:
        wanted, changes = stored(query), stored(change)
        before, after = await self._ask("update", lambda: self._update(wanted, changes, upsert=upsert))
        return SimpleNamespace(
            acknowledged=True, matched_count=int(before is not None), modified_count=int(before not in (None, after))
        )

    async def update_many(self, query: Document, change: Document) -> Any:
        wanted, changes = stored(query), stored(change)

        def update() -> int:
            rows = list(self._matching(wanted))
            for row in rows:
                self._change(row, changes)
            return len(rows)

        return SimpleNamespace(matched_count=await self._ask("update", update))

    async def find_one_and_update(
        self,
        query: Document,
        change: Document,
        sort: list[tuple[str, int]] | None = None,
        upsert: bool = False,
        return_document: bool = ReturnDocument.BEFORE,
    ) -> Document | None:
        wanted, changes = stored(query), stored(change)
        before, after = await self._ask("update", lambda: self._update(wanted, changes, upsert=upsert, sort=sort))
        returned: Document | None = after if return_document == ReturnDocument.AFTER else before
        return returned

    async def delete_one(self, query: Document) -> Any:
        wanted = stored(query)
        return SimpleNamespace(deleted_count=await self._ask("delete", lambda: self._delete(wanted, 1)))

    async def delete_many(self, query: Document) -> Any:
        wanted = stored(query)
        return SimpleNamespace(deleted_count=await self._ask("delete", lambda: self._delete(wanted, len(self._rows))))

    def aggregate(self, stages: list[Document]) -> "Cursor":
        return Aggregate(self, stored(stages))

    # at the server

    async def _ask(self, what: str, action: Callable[[], Any]) -> Any:
        return await self._server.request(f"{what} {self._name}", action)

    def _matching(self, query: Document) -> Iterator[Document]:
        identifier = query.get("_id", MISSING)
        if identifier is not MISSING and not isinstance(identifier, dict):
            row = self._rows.get(identifier)
            return iter([row] if row is not None and matches(row, query) else [])
        return (row for row in self._rows.values() if matches(row, query))

    def _insert(self, row: Document) -> None:
        if row["_id"] in self._rows:
            raise DuplicateKeyError(f"duplicate _id {row['_id']}", DUPLICATE_KEY)
        self._rows[row["_id"]] = row

    def _update(
        self, query: Document, change: Document, *, upsert: bool, sort: list[tuple[str, int]] | None = None
    ) -> tuple[Document | None, Document | None]:
        rows = self._matching(query)
        row = next(iter(ordered(rows, sort)) if sort else rows, None)
        if row is None:
            if not upsert:
                check_operators(change)
                return None, None
            first = {name: value for name, value in query.items() if not isinstance(value, dict)}
            row = changed(changed(first, {"$set": change.get("$setOnInsert", {})}), change)
            self._insert(row)
            return None, dict(row)
        return dict(row), dict(self._change(row, change))

    def _change(self, row: Document, change: Document) -> Document:
        after = self._rows[row["_id"]] = changed(row, change)
        return after

    def _delete(self, query: Document, limit: int) -> int:
        chosen = [row["_id"] for row in self._matching(query)][:limit]
        for identifier in chosen:
            del self._rows[identifier]
        return len(chosen)


class Cursor:
    """What a query finds, once somebody asks for it."""

    def __init__(self, collection: Collection, query: Any) -> None:
        self._collection = collection
        self._query = query
        self._sort: list[tuple[str, int]] = []
        self._skip = self._limit = 0

    def sort(self, field: str, direction: int = 1) -> "Cursor":
        self._sort.append((field, direction))
        return self

    def skip(self, count: int) -> "Cursor":
        self._skip = count
        return self

    def limit(self, count: int) -> "Cursor":
        self._limit = count
        return self

    async def to_list(self, length: int | None = None) -> list[Document]:
        rows: list[Document] = await self._collection._ask("find", self._rows)
        return rows if length is None else rows[:length]

    async def _each(self) -> AsyncIterator[Document]:
        for row in await self.to_list():
            yield row

    def __aiter__(self) -> AsyncIterator[Document]:
        return self._each()

    def _rows(self) -> list[Document]:
        rows: Iterable[Document] = self._collection._matching(self._query)
        if self._sort:
            rows = ordered(rows, self._sort)
        chosen = list(rows)[self._skip :]
        return [dict(row) for row in (chosen[: self._limit] if self._limit else chosen)]


class Aggregate(Cursor):
    """``$match``, ``$group`` with sums, and ``$sort``."""

    def _rows(self) -> list[Document]:
        rows: list[Document] = list(self._collection._rows.values())
        for stage in self._query:
            ((name, what),) = stage.items()
            match name:
                case "$match":
                    rows = [row for row in rows if matches(row, what)]
                case "$group":
                    rows = grouped(rows, what)
                case "$sort":
                    rows = ordered(rows, list(what.items()))
                case _:
                    raise OperationFailure(f"stage {name}", 40324)
        return stored(rows)  # type: ignore[no-any-return]


def ordered(rows: Iterable[Document], fields: list[tuple[str, int]]) -> list[Document]:
    """Sorted by several fields; what is missing comes first, and kinds apart, as BSON orders them."""
    result = list(rows)
    for field, direction in reversed(fields):
        result.sort(key=lambda row: _order(value_at(row, field)), reverse=direction < 0)
    return result


def grouped(rows: list[Document], stage: Document) -> list[Document]:
    groups: dict[str, Document] = {}
    for row in rows:
        identifier = _expression(row, stage["_id"])
        group = groups.setdefault(repr(identifier), {"_id": identifier})
        for name, accumulator in stage.items():
            if name != "_id":
                group[name] = group.get(name, 0) + accumulator["$sum"]
    return list(groups.values())


def _expression(row: Document, expression: Any) -> Any:
    if isinstance(expression, dict):
        return {name: _expression(row, each) for name, each in expression.items()}
    if isinstance(expression, str) and expression.startswith("$"):
        value = value_at(row, expression[1:])
        return None if value is MISSING else value
    return expression


def value_at(row: Document, path: str) -> Any:
    """The value under a dotted path."""
    if "." not in path:
        return row.get(path, MISSING)
    value: Any = row
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return MISSING
        value = value[name]
    return value


def matches(row: Document, query: Document) -> bool:
    """Whether a document is selected."""
    for field, condition in query.items():
        if field == "$or":
            if not any(matches(row, each) for each in condition):
                return False
        elif not _fits(value_at(row, field), condition):
            return False
    return True


def _fits(value: Any, condition: Any) -> bool:
    if type(condition) is not dict:
        return value == condition or _equals(value, condition)
    for name in condition:
        if name.startswith("$"):
            return all(_compare(value, operator, operand) for operator, operand in condition.items())
    return _equals(value, condition)


def _equals(value: Any, wanted: Any) -> bool:
    if value is MISSING:
        return wanted is None
    return bool(value == wanted) or (isinstance(value, list) and wanted in value)


def _compare(value: Any, operator: str, operand: Any) -> bool:
    match operator:
        case "$in":
            return any(_equals(value, each) for each in operand)
        case "$nin":
            return not any(_equals(value, each) for each in operand)
        case "$ne":
            return not _equals(value, operand)
        case "$exists":
            return (value is not MISSING) is bool(operand)
        case "$elemMatch":
            return isinstance(value, list) and any(isinstance(each, dict) and matches(each, operand) for each in value)
    if operator not in ("$gt", "$gte", "$lt", "$lte"):
        raise OperationFailure(f"unknown operator: {operator}", 2)
    if type(value) is not type(operand):
        return False
    match operator:
        case "$gt":
            return bool(value > operand)
        case "$gte":
            return bool(value >= operand)
        case "$lt":
            return bool(value < operand)
    return bool(value <= operand)


def _order(value: Any) -> tuple[int, Any]:
    if value is MISSING or value is None:
        return 0, 0
    if isinstance(value, bool):
        return 4, value
    if isinstance(value, int | float):
        return 1, value
    if isinstance(value, str):
        return 2, value
    return (5, value) if isinstance(value, datetime) else (3, repr(value))


OPERATORS = frozenset({"$set", "$unset", "$inc", "$push", "$min", "$max", "$addToSet", "$setOnInsert"})


def check_operators(change: Document) -> None:
    """Raise ``OperationFailure`` for an update that the model does not know."""
    if unknown := change.keys() - OPERATORS:
        raise OperationFailure(f"unknown modifier: {', '.join(sorted(unknown))}", 9)


def changed(row: Document, change: Document) -> Document:
    """The document after an update. Kept documents are never changed in place, since readers share them."""
    check_operators(change)
    after = dict(row)
    for operator, fields in change.items():
        for path, operand in fields.items():
            if operator != "$setOnInsert":
                _apply(after, operator, path, operand)
    return after


def _apply(row: Document, operator: str, path: str, operand: Any) -> None:
    *parents, name = path.split(".")
    place = row
    for parent in parents:
        place[parent] = place = dict(place.get(parent, {}))
    value = place.get(name, MISSING)
    match operator:
        case "$set":
            place[name] = operand
        case "$unset":
            place.pop(name, None)
        case "$inc":
            place[name] = (0 if value is MISSING else value) + operand
        case "$push":
            place[name] = [*([] if value is MISSING else value), operand]
        case "$addToSet":
            before = [] if value is MISSING else value
            place[name] = before if operand in before else [*before, operand]
        case "$min":
            place[name] = operand if value is MISSING or operand < value else value
        case "$max":
            place[name] = operand if value is MISSING or operand > value else value
