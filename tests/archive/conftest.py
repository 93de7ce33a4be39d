"""A database of its own for each test module, the real object store, and facts to archive."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest
import pytest_asyncio
from pydantic import SecretStr

from common.buckets import make_missing as make_buckets
from common.database import Database
from common.domain.envelope import Attachment, DocumentType, Envelope, Organization, Signer
from common.domain.ids import document_key, event_id, package_id
from common.domain.names import Label, Lane, PackageKind
from common.domain.reason import Reason
from common.envelopes import to_json
from common.facts import BaseFact, DocumentRefused, DocumentVerified, NoticeAccepted, ObjectRef, PackageRefused
from common.objects import Objects, content_ref
from common.settings import ServiceSettings

SENDER, RECEIVER = "000.00.14.H29", "000.00.09.H29"
AT = datetime(2026, 11, 22, 8, 30, tzinfo=UTC)


@pytest_asyncio.fixture
async def own_database(settings: ServiceSettings) -> AsyncIterator[Database]:
    """A database of the test's own, empty."""
    database = Database(settings, f"archive_test_{secrets.token_hex(4)}")
    yield database
    await database.client.drop_database(database.collection("x").database.name)
    database.client.close()


class Remembering:
    """An announcer that remembers."""

    def __init__(self) -> None:
        self.facts: list[BaseFact] = []

    async def announce(self, fact: BaseFact) -> None:
        self.facts.append(fact)


@pytest.fixture
def announced() -> Remembering:
    return Remembering()


@pytest.fixture(scope="module")
def settings(stack: SimpleNamespace) -> ServiceSettings:
    return ServiceSettings(
        mongo_uri=SecretStr(stack.mongo_uri),
        s3_endpoint=stack.s3_endpoint,
        s3_access_key=SecretStr(stack.s3_access_key),
        s3_secret_key=SecretStr(stack.s3_secret_key),
    )


@pytest.fixture(scope="module")
def database_name(settings: ServiceSettings) -> Iterator[str]:
    """Service name of a database that is dropped after the module."""
    name = f"archive_test_{secrets.token_hex(4)}"
    yield name

    async def drop() -> None:
        await Database(settings, name).client.drop_database(f"trunk_{name}")

    asyncio.run(drop())


@pytest_asyncio.fixture
async def database(settings: ServiceSettings, database_name: str) -> AsyncIterator[Database]:
    opened = Database(settings, database_name)
    yield opened
    opened.client.close()


@pytest.fixture
def objects(settings: ServiceSettings) -> Objects:
    store = Objects(settings)
    make_buckets(store.client)
    return store


class Material:
    """One document of one unit: its bytes, its envelope, and the facts that may be told about it."""

    def __init__(self, type_name: str = "Công văn") -> None:
        self.document_id = f"{SENDER},2026/11/22,{secrets.token_hex(8)}/TB"
        self.subject = document_key(SENDER, self.document_id)
        self.package_bytes = f"<edXML>{self.document_id}</edXML>".encode()
        self.files = [b"%PDF-1.7 " + secrets.token_bytes(40), b"%PDF-1.7 annex " + secrets.token_bytes(40)]
        self.envelope = self._envelope(type_name)
        self.envelope_bytes = to_json(self.envelope)
        self.report_bytes = b'{"verdict": "valid", "id": "' + self.subject.encode() + b'"}'
        self.package_id = package_id(SENDER, ref_of(self.package_bytes).sha256)

    def _envelope(self, type_name: str) -> Envelope:
        return Envelope(
            sender=Organization(code=SENDER),
            receivers=(Organization(code=RECEIVER),),
            document_id=self.document_id,
            number="15",
            notation="TB",
            promulgation_date=date(2026, 11, 22),
            type=DocumentType(name=type_name),
            subject="Về việc nghỉ lễ",
            signer=Signer(full_name="Nguyễn Văn A"),
            attachments=tuple(
                Attachment(
                    content_id=f"a{n}",
                    name=f"{n}.pdf",
                    content_type="application/pdf",
                    size_bytes=len(data),
                    sha256=ref_of(data).sha256,
                )
                for n, data in enumerate(self.files, start=1)
            ),
        )

    def _base(self, step: str, kind: PackageKind = PackageKind.NEW) -> dict[str, Any]:
        return {
            "event_id": event_id(self.package_id, step),
            "occurred_at": AT,
            "subject": self.subject,
            "package_id": self.package_id,
            "sender": SENDER,
            "document_id": self.document_id,
            "kind": kind,
            "lane": Lane.NORMAL,
            "submitted_at": AT,
        }

    def _carried(self) -> dict[str, Any]:
        return {"package": ref_of(self.package_bytes), "envelope": ref_of(self.envelope_bytes)}

    def verified(self, *evidence: bytes) -> DocumentVerified:
        return DocumentVerified(
            **self._base("document.verified"),
            **self._carried(),
            label=Label.ORIGINAL,
            report=ref_of(self.report_bytes),
            policy_version="2026-11",
            evidence={ref_of(each).sha256: len(each) for each in evidence},
        )

    def refused(self, reason: Reason = Reason.E_SIG_REVOKED) -> DocumentRefused:
        return DocumentRefused(
            **self._base("document.refused"),
            **self._carried(),
            reason=reason,
            report=ref_of(self.report_bytes),
            policy_version="2026-11",
        )

    def turned_away(self, reason: Reason = Reason.E_FROM, *, with_bytes: bool = True) -> PackageRefused:
        package = ref_of(self.package_bytes) if with_bytes else None
        return PackageRefused(**self._base("package.refused"), reason=reason, package=package)

    def notice(self) -> NoticeAccepted:
        return NoticeAccepted(**self._base("notice.accepted", PackageKind.RECALL), **self._carried())

    async def store(self, objects: Objects) -> "Material":
        for data in (self.package_bytes, self.envelope_bytes, self.report_bytes, *self.files):
            await objects.put_content(data)
        return self


def ref_of(data: bytes) -> ObjectRef:
    return content_ref(hashlib.sha256(data).hexdigest(), len(data))
