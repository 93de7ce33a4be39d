"""Message objects: facts, submissions, inbox messages, orders to place one, dead letters, the broker's reports."""

import inspect
from functools import cache
from typing import Any

from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from apidocs.headers import (
    KNOWN_TO_ANSWERS,
    OF_ANSWERS,
    OF_FACTS,
    OF_PACKAGE_FACTS,
    OF_PACKAGES,
    Schema,
    bearing,
)
from common import headers
from common.domain.reason import Reason
from common.facts import FACT_TYPES, BaseFact, ObjectPlace, PackageFact, name_of
from common.topology import DELIVERY_LIMIT
from intake.submission import Reference
from router.placing import PlaceOrder

SCHEMAS = "#/components/schemas/{model}"
JSON = headers.JSON_TYPE
FACTS: dict[str, type[BaseFact]] = {name_of(kind): kind for kind in FACT_TYPES}
"""Every fact by its name."""
EDXML: Schema = {
    "type": "string",
    "contentMediaType": headers.EDXML_TYPE,
    "description": "An edXML package of QCVN 102:2016/BTTTT, byte for byte; see docs/edxml.md.",
}


class Receipt(BaseModel):
    """The trunk has taken responsibility for a package (``accepted``), keeps it until the document has come that
    it is about (``waiting``), or holds it back for now (``held``)."""

    receipt: str = Field(pattern="^(accepted|waiting|held)$")
    package_id: str = Field(pattern="^[0-9a-f]{32}$")
    document_id: str
    sha256: str = Field(pattern="^([0-9a-f]{64})?$")
    submitted_at: str = Field(json_schema_extra={"format": "date-time"})
    reason: Reason | None = None
    """Of a package that waits or is held: why."""
    description: str | None = None
    """The same, for people."""


class FetchReference(ObjectPlace):
    """Where a package of more than 8 MiB is to be fetched, and until when."""

    url: str = Field(json_schema_extra={"format": "uri"})
    expires_at: str = Field(json_schema_extra={"format": "date-time"})


@cache
def schemas() -> dict[str, Schema]:
    """Every JSON schema by its name."""
    models: list[type[BaseModel]] = [*FACT_TYPES, Reference, Receipt, FetchReference, PlaceOrder]
    _, generated = models_json_schema([(model, "validation") for model in models], ref_template=SCHEMAS)
    described: dict[str, Schema] = generated["$defs"]
    for kind in FACT_TYPES:
        required = described[kind.__name__]["required"]
        described[kind.__name__]["required"] = ["fact", *required]
    return described


def fact(name: str) -> Schema:
    """The message that carries a fact."""
    kind = FACTS[name]
    summary = f"{inspect.getdoc(kind)} At most {kind.MAX_BYTES // 1024} KiB."
    always = (*OF_FACTS, *OF_PACKAGE_FACTS) if issubclass(kind, PackageFact) else OF_FACTS
    return _message(name, summary, JSON, _schema(kind), bearing(always))


def submissions() -> dict[str, Schema]:
    """What units publish."""
    limit = headers.SUBMIT_INLINE_LIMIT_BYTES // 2**20
    return {
        "package": _message(
            "package", f"A package of at most {limit} MiB.", headers.EDXML_TYPE, EDXML, bearing(()), type_="",
        ),
        "package.reference": _message(
            "package by reference",
            "A larger package, uploaded before to the address that `trunkctl upload-url` gives.",
            headers.REFERENCE_TYPE,
            _schema(Reference),
            bearing(()),
            type_="",
        ),
    }  # fmt: skip


def inbox() -> dict[str, Schema]:
    """What the router places in inboxes; the AMQP property ``type`` tells the messages apart."""
    of_documents = bearing(OF_PACKAGES, (headers.LABEL, headers.UNSIGNED_ANNEXES))
    of_receipts = bearing(OF_ANSWERS, (*KNOWN_TO_ANSWERS, headers.REASON))
    of_refusals = bearing((*OF_ANSWERS, headers.REASON), KNOWN_TO_ANSWERS)
    reference = _schema(FetchReference)
    return {
        "receipt": _message("receipt", inspect.getdoc(Receipt) or "", JSON, _schema(Receipt), of_receipts),
        "refusal": _message(
            "refusal", "Status 02 of the trunk: a package, or one of its receivers, is refused.",
            headers.EDXML_TYPE, EDXML, of_refusals,
        ),
        "document": _message(
            "document", "A document, a recall, an update or a replacement, as its sender submitted it.",
            headers.EDXML_TYPE, EDXML, of_documents,
        ),
        "document.reference": _message(
            "document by reference", "The same, of more than 8 MiB.", headers.REFERENCE_TYPE, reference, of_documents,
            type_="document",
        ),
        "status": _message(
            "status", "A receiver's status, or status 13: the sender asks for the document back.",
            headers.EDXML_TYPE, EDXML, bearing(OF_PACKAGES),
        ),
    }  # fmt: skip


def internal() -> dict[str, Schema]:
    """What no unit and no fact says: the router's orders, dead letters, the broker's reports."""
    order = _message(
        "place", "The router's order to itself: try to put this message into its inbox.", JSON, _schema(PlaceOrder),
        bearing((headers.EVENT_ID,)),
    )  # fmt: skip
    dead = {
        "name": "dead letter",
        "summary": f"A message that this service rejected, or failed to handle {DELIVERY_LIMIT} times, unchanged. "
        "The broker adds `x-death`, whose first entry names queue and reason.",
    }
    report = {
        "name": "broker report",
        "summary": "An event of the broker (its fields are the headers), or a warning or error of its log (the body).",
    }
    return {"place": order, "dead.letter": dead, "broker.report": report}


def _schema(model: type[BaseModel]) -> Schema:
    return {"$ref": SCHEMAS.format(model=model.__name__)}


def _message(
    name: str, summary: str, content_type: str, payload: Schema, borne: Schema, type_: str | None = None
) -> Schema:
    type_ = name if type_ is None else type_
    binding: dict[str, Any] = {"bindingVersion": "0.3.0"} | ({"messageType": type_} if type_ else {})
    message = {"name": name, "summary": summary, "contentType": content_type, "headers": borne, "payload": payload}
    if headers.PACKAGE_ID in borne["properties"]:
        message["correlationId"] = {"location": f"$message.header#/{headers.PACKAGE_ID}"}
    return message | {"bindings": {"amqp": binding}}
