"""The base classes of facts, and the types of their fields."""

import json
from base64 import b64decode, b64encode
from datetime import datetime
from itertools import accumulate
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)

from common.domain.ids import event_id
from common.domain.names import DocumentId, Lane, PackageKind, UnitCode

CUT_OFF = "…"
"""The end of a text that was cut."""
MAX_TEXT, MAX_TEXT_BYTES = 600, 2_400
"""Longest text in a fact, in characters and in bytes as JSON, so that no fact exceeds its limit. A control character
takes six bytes."""


def cut(text: str) -> str:
    """The text, cut to a length that every fact can carry."""
    if len(text) <= MAX_TEXT and _json_bytes(text) <= MAX_TEXT_BYTES:
        return text
    sizes = accumulate(map(_json_bytes, text[: MAX_TEXT - 1]))
    fitting = sum(size <= MAX_TEXT_BYTES - _json_bytes(CUT_OFF) for size in sizes)
    return text[:fitting] + CUT_OFF


def _json_bytes(text: str) -> int:
    return len(json.dumps(text, ensure_ascii=False).encode(errors="surrogatepass")) - len('""')


Text = Annotated[str, AfterValidator(cut)]
"""A text for people; a longer one is cut."""
Subject = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,128}$")]
"""The subject under which the ledger records a fact. It has no slash, because the keys of entries begin with
``<subject>/``."""
Identifier = Annotated[str, Field(max_length=255)]
"""An id, at most as long as an AMQP message id."""
MAX_PACKED_BYTES = 3 * 1024
"""Largest size of the compressed bytes that travel with one reference; a fact may have three such references."""


def _of_base64(value: Any) -> Any:
    return b64decode(value, validate=True) if isinstance(value, str) else value


def _to_base64(value: bytes) -> str:
    return b64encode(value).decode()


Packed = Annotated[
    bytes,
    Field(max_length=MAX_PACKED_BYTES),
    BeforeValidator(_of_base64),
    PlainSerializer(_to_base64, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "contentEncoding": "base64", "maxLength": MAX_PACKED_BYTES // 3 * 4}),
]
"""Bytes compressed by ``common.packing``; base64 in JSON."""


class ObjectPlace(BaseModel):
    """Where bytes lie in the object store, and which bytes they must be."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    bucket: str
    key: str
    sha256: str
    size_bytes: int


class ObjectRef(ObjectPlace):
    """Where bytes lie in the object store, and which bytes they must be; small ones may come with it."""

    version_id: Identifier | None = None
    """The version that was put. None in references of earlier releases, and for bytes that are stored under their
    digest."""
    packed: Packed | None = Field(default=None, repr=False)
    """The bytes themselves, if they are in no bucket; None = they are in a bucket. Not recorded in the ledger."""


class BaseFact(BaseModel):
    """A fact. New fields get defaults and unknown fields are ignored, so that releases can work side by side."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    MAX_BYTES: ClassVar[int] = 32 * 1024
    """The former release takes 16 KiB: a fact has more only where its references name versions or carry bytes."""

    fact: str
    """Name of the fact; the routing key is ``<fact>.<lane>``."""
    event_id: Identifier
    """Derived from subject, step and version: the same event always has the same id and the same body."""
    occurred_at: AwareDatetime
    subject: Subject
    """Whose ledger records this fact: a document key (``common.domain.ids.document_key``), or a fixed word."""
    lane: Lane

    @property
    def routing_key(self) -> str:
        """Routing key at the exchange of facts."""
        return f"{self.fact}.{self.lane}"

    def recorded(self) -> dict[str, Any]:
        """The fields that the ledger records, as JSON values: all but packed bytes, because rows of the ledger are
        never removed. The digests of these bytes are recorded.
        """
        fields: dict[str, Any] = _without_packed(self.model_dump(mode="json", exclude_none=True))
        return fields


def _without_packed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {name: _without_packed(inner) for name, inner in value.items() if name != "packed"}


FollowingFact = TypeVar("FollowingFact", bound="PackageFact")


class PackageFact(BaseFact):
    """A fact that a submitted package caused."""

    package_id: Identifier
    """The submitted package that set this off."""
    sender: UnitCode
    document_id: DocumentId
    kind: PackageKind

    def follow(self, fact: type[FollowingFact], step: str, at: datetime, **fields: Any) -> FollowingFact:
        """A fact about the same package that follows from this one.

        ``step``: names the fact among all facts about the package; ``fields``: further fields, and other values for
        those that would be copied. Raises ``pydantic.ValidationError``.
        """
        about = {
            "event_id": event_id(self.package_id, step),
            "occurred_at": at,
            "subject": self.subject,
            "lane": self.lane,
            "package_id": self.package_id,
            "sender": self.sender,
            "document_id": self.document_id,
            "kind": self.kind,
        }
        return fact.model_validate(about | fields)
