"""A real mail server, a real HTTP server, a database of its own, and facts to tell."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from aiosmtpd.smtp import SMTP, Envelope, Session
from pydantic import SecretStr

from common.database import Database
from common.domain.directory import Contact, Directory, Unit
from common.domain.names import Lane, PackageKind, StatusCode
from common.domain.reason import Reason
from common.facts import (
    BaseFact,
    DeliveryPlaced,
    DeliveryRefused,
    DocumentRefused,
    ObjectRef,
    PackageRefused,
    StatusRecorded,
)
from common.settings import ServiceSettings

SENDER, RECEIVER = "000.00.14.H29", "000.00.09.H29"
AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)
SECRET = "a shared secret"
REF = ObjectRef(bucket="content", key="k", sha256="0" * 64, size_bytes=1)


class Facts:
    """Facts about one document."""

    def __init__(self, lane: Lane = Lane.NORMAL) -> None:
        self._base = {
            "occurred_at": AT,
            "subject": secrets.token_hex(16),
            "package_id": secrets.token_hex(16),
            "sender": SENDER,
            "document_id": f"{SENDER},2026/11/22,15/TB",
            "kind": PackageKind.NEW,
            "lane": lane,
        }

    def _with(self, step: str) -> dict[str, Any]:
        return {**self._base, "event_id": f"{self._base['package_id']}:{step}:1"}

    def placed(self, receiver: str = RECEIVER, **other: Any) -> DeliveryPlaced:
        fields = {"subject_text": "Về việc nghỉ lễ", "submitted_at": AT, **other}
        return DeliveryPlaced(**self._with(f"placed.{receiver}") | fields, receiver=receiver)

    def turned_away(self, **other: Any) -> PackageRefused:
        fields = {"reason": Reason.E_SIZE, "detail": "attachment 2", "submitted_at": AT, **other}
        return PackageRefused(**self._with("package.refused") | fields)

    def refused(self, **other: Any) -> DocumentRefused:
        fields = {"reason": Reason.E_SIG_REVOKED, "detail": "signature 1", **other}
        return DocumentRefused(
            **self._with("document.refused") | fields,
            package=REF,
            envelope=REF,
            submitted_at=AT,
            policy_version="1",
        )

    def undelivered(self) -> DeliveryRefused:
        return DeliveryRefused(**self._with("delivery.refused"), receiver="X.99", reason=Reason.E_TO_UNKNOWN)

    def status(self, code: StatusCode, **other: Any) -> StatusRecorded:
        fields = {"told": SENDER, "receiver": RECEIVER, "state": "refused", "description": "riêng tư", **other}
        return StatusRecorded(**self._with(f"status.{code}"), code=code, **fields)


def directory(email: str | None = None, url: str | None = None, secret: str | None = SECRET) -> Directory:
    """Both units with the same contact."""
    contact = Contact(email=email, webhook_url=url, webhook_secret=secret)
    names = {SENDER: "Sở Tư pháp", RECEIVER: "Sở Y tế"}
    units = [Unit(code=code, name=name, valid_from=date(2025, 7, 1), contact=contact) for code, name in names.items()]
    return Directory(units)


class Remembering:
    """An announcer that remembers."""

    def __init__(self) -> None:
        self.facts: list[BaseFact] = []

    async def announce(self, fact: BaseFact) -> None:
        self.facts.append(fact)


@pytest.fixture
def announced() -> Remembering:
    return Remembering()


@dataclass
class Post:
    """A mail server's memory, and what it answers at each stage."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)
    """``MAIL``, ``RCPT`` or ``DATA`` -> what the server says there instead of yes."""

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self.answers.get("MAIL", "250 OK")

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.answers.get("RCPT", "250 OK")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if "DATA" not in self.answers:
            mail = message_from_bytes(envelope.original_content or b"", policy=policy.default)
            assert isinstance(mail, EmailMessage)
            self.mails.append(mail)
        return self.answers.get("DATA", "250 OK")


@pytest_asyncio.fixture
async def post() -> AsyncIterator[Post]:
    handler = Post()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(handler), "127.0.0.1", 0)
    handler.port = server.sockets[0].getsockname()[1]
    async with server:
        yield handler


@dataclass
class Web:
    """An HTTP server's memory, and what it answers."""

    url: str = ""
    status: int = 200
    pause_seconds: float = 0.0
    headers: str = ""
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self.requests.append((headers, body))
        await asyncio.sleep(self.pause_seconds)
        writer.write(
            f"HTTP/1.1 {self.status} X\r\ncontent-length: 0\r\n{self.headers}connection: close\r\n\r\n".encode()
        )
        await writer.drain()
        writer.close()


@pytest_asyncio.fixture
async def web() -> AsyncIterator[Web]:
    memory = Web()
    server = await asyncio.start_server(memory.serve, "127.0.0.1", 0)
    memory.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/hook"
    async with server:
        yield memory


@pytest.fixture(scope="module")
def settings(stack: SimpleNamespace) -> ServiceSettings:
    return ServiceSettings(mongo_uri=SecretStr(stack.mongo_uri))


@pytest.fixture(scope="module")
def database_name(settings: ServiceSettings) -> Iterator[str]:
    """Service name of a database that is dropped after the module."""
    name = f"notifier_test_{secrets.token_hex(4)}"
    yield name

    async def drop() -> None:
        await Database(settings, name).client.drop_database(f"trunk_{name}")

    asyncio.run(drop())


@pytest_asyncio.fixture
async def database(settings: ServiceSettings, database_name: str) -> AsyncIterator[Database]:
    opened = Database(settings, database_name)
    yield opened
    opened.client.close()
