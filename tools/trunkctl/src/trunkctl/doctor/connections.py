"""Does each server answer, and does its clock agree with the one here?"""

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import urllib3

from trunkctl import broker
from trunkctl.doctor.asking import why_not
from trunkctl.doctor.finding import Finding, Level, ok
from trunkctl.doctor.sources import SERVER_TIMEOUT_SECONDS, Sources

CLOCK_WARNING_SECONDS, CLOCK_FAILURE_SECONDS = 5.0, 60.0
"""Differences from which on a clock is reported. HTTP gives the time in whole seconds."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One attempt to reach a server."""

    server: str
    place: str
    """Host and port, without user and password."""
    answer: str = ""
    """The server's description of itself."""
    problem: str = ""
    """Why there is no answer; empty = it answered."""
    is_writable: bool = True
    """Whether it accepts writes: a database without a primary does not."""


@dataclass(frozen=True, slots=True)
class ClockSeen:
    """The time that a server gave, compared with the middle of the request here."""

    server: str
    ahead_seconds: float | None
    """How far the server's clock is ahead; None = it gave no time."""


def judge_connection(connection: Connection) -> list[Finding]:
    """The server must answer, and accept writes."""
    if connection.problem:
        act = f"Is {connection.server} up, and are address, user and password of this session right?"
        says = f"{connection.server} at {connection.place} does not answer: {connection.problem}"
        return [Finding(Level.FAILED, says, act)]
    if not connection.is_writable:
        says = f"{connection.server} at {connection.place} has no primary: nothing can be written"
        return [Finding(Level.FAILED, says, "Bring the majority of the replica set's members up.")]
    return ok(f"{connection.server} at {connection.place}{f': {connection.answer}' if connection.answer else ''}")


def judge_clocks(clocks: Sequence[ClockSeen]) -> list[Finding]:
    """Reports every clock that differs or could not be read."""
    findings = []
    for clock in clocks:
        if clock.ahead_seconds is None:
            findings.append(Finding(Level.UNKNOWN, f"the clock of {clock.server}: it told no time"))
        elif abs(clock.ahead_seconds) >= CLOCK_WARNING_SECONDS:
            way = "ahead of" if clock.ahead_seconds > 0 else "behind"
            level = Level.FAILED if abs(clock.ahead_seconds) >= CLOCK_FAILURE_SECONDS else Level.WARNING
            says = f"the clock of {clock.server} is {abs(clock.ahead_seconds):.0f} s {way} the one here"
            findings.append(Finding(level, says, "Find out which of the two is wrong, and repair its time service."))
    return findings or ok(f"{', '.join(clock.server for clock in clocks)} agree with the clock here")


def see_broker(sources: Sources) -> Connection:
    """A session over AMQP, as the services and units open it."""
    url = sources.settings.amqp_url.get_secret_value()

    async def open_and_close() -> None:
        async with broker.session(url):
            pass

    return _attempt("broker", url, lambda: asyncio.run(open_and_close()))


def see_management(sources: Sources) -> Connection:
    """The broker's management API, and the broker's version."""
    return _attempt("broker's management", sources.settings.rabbitmq_management_url, _version_of(sources))


def see_database(sources: Sources) -> Connection:
    """Whether any member answers, and whether one takes writes."""
    place = sources.settings.mongo_uri.get_secret_value()
    hello: dict[str, object] = {}
    connection = _attempt("database", place, lambda: hello.update(sources.database.admin.command("hello")))
    if connection.problem:
        return connection
    is_writable = bool(hello.get("isWritablePrimary", hello.get("primary")))
    return Connection(connection.server, connection.place, is_writable=is_writable)


def see_object_store(sources: Sources) -> Connection:
    """Whether the store answers and knows the keys."""
    place = f"s3://{sources.settings.s3_endpoint}"
    return _attempt("object store", place, lambda: asyncio.run(sources.objects.ping()))


def see_clocks(sources: Sources) -> list[ClockSeen]:
    """The clocks of broker, database and object store; one that does not answer does not delay the others."""
    questions: tuple[tuple[str, Callable[[Sources], datetime]], ...] = (
        ("broker", _broker_time),
        ("database", _database_time),
        ("object store", _store_time),
    )
    return [_clock(sources, server, ask) for server, ask in questions]


def _version_of(sources: Sources) -> Callable[[], str]:
    return lambda: f"RabbitMQ {sources.broker.version()}"


def place_of(url: str) -> str:
    """Host and port of an address, without its user and password, whatever characters these contain."""
    after_password = url.partition("://")[2].rpartition("@")[2]
    return re.split(r"[/?#]", after_password, maxsplit=1)[0]


def _attempt(server: str, url: str, ask: Callable[[], object]) -> Connection:
    place = place_of(url)
    try:
        answer = ask()
    except Exception as error:  # whatever it is, it is the answer to the question
        return Connection(server, place, problem=why_not(error))
    return Connection(server, place, answer if isinstance(answer, str) else "")


def _clock(sources: Sources, server: str, ask: Callable[[Sources], datetime]) -> ClockSeen:
    began, before = sources.now, time.monotonic()
    try:
        server_time = ask(sources)
    except Exception:  # who does not answer is told by the check of connections
        return ClockSeen(server, None)
    passed_seconds = time.monotonic() - before
    return ClockSeen(server, (server_time - began).total_seconds() - passed_seconds / 2)


def _broker_time(sources: Sources) -> datetime:
    return _http_date(sources.broker.http.get("/whoami").headers["date"])


def _database_time(sources: Sources) -> datetime:
    local_time: datetime = sources.database.admin.command("hello")["localTime"]
    return local_time if local_time.tzinfo else local_time.replace(tzinfo=UTC)


def _store_time(sources: Sources) -> datetime:
    settings = sources.settings
    address = f"{'https' if settings.s3_secure else 'http'}://{settings.s3_endpoint}/"
    answer = urllib3.request("GET", address, timeout=SERVER_TIMEOUT_SECONDS, retries=False)
    return _http_date(answer.headers["date"])


def _http_date(text: str) -> datetime:
    """HTTP truncates the time to whole seconds: adds half a second, the mean of the rest."""
    date = parsedate_to_datetime(text)
    return date.replace(tzinfo=date.tzinfo or UTC, microsecond=500_000)
