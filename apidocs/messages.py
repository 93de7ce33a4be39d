"""Message objects: facts, what units submit, what lies in inboxes, and copies of messages that failed."""

import inspect
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel, Field
from pydantic.json_schema import models_json_schema

from apidocs.headers import KNOWN_TO_ANSWERS, OF_ANSWERS, OF_FACTS, OF_PACKAGES, OF_PARKED, OF_RETRIES, Schema, bearing
from common import headers
from common.facts import BaseFact, Fact, ObjectRef
from intake.submission import Reference

SCHEMAS = "#/components/schemas/{model}"
JSON = "application/json"
FACTS: dict[str, type[BaseFact]] = {kind.model_fields["fact"].default: kind for kind in get_args(get_args(Fact)[0])}
"""Every fact by its name."""
EDXML: Schema = {
    "type": "string",
    "contentMediaType": headers.EDXML_TYPE,
    "description": "An edXML package of QCVN 102:2016/BTTTT, byte for byte; see docs/edxml.md.",
}


class Receipt(BaseModel):
    """The trunk has taken responsibility for a package; its signatures are examined next."""

    receipt: str = Field(pattern="^accepted$")
    package_id: str = Field(pattern="^[0-9a-f]{32}$")
    document_id: str
    sha256: str = Field(pattern="^([0-9a-f]{64})?$")
    submitted_at: str = Field(json_schema_extra={"format": "date-time"})


class FetchReference(ObjectRef):
    """Where a package of more than 8 MiB is to be fetched, and until when."""

    url: str = Field(json_schema_extra={"format": "uri"})
    expires_at: str = Field(json_schema_extra={"format": "date-time"})


@cache
def schemas() -> dict[str, Schema]:
    """Every JSON schema by its name."""
    models: list[type[BaseModel]] = [*FACTS.values(), Reference, Receipt, FetchReference]
    _, found = models_json_schema([(model, "validation") for model in models], ref_template=SCHEMAS)
    described: dict[str, Schema] = found["$defs"]
    for kind in FACTS.values():
        required = described[kind.__name__]["required"]
        described[kind.__name__]["required"] = ["fact", *required]
    return described


def fact(name: str) -> Schema:
    """The message that carries a fact."""
    kind = FACTS[name]
    summary = f"{inspect.getdoc(kind)} At most {kind.MAX_BYTES // 1024} KiB."
    return _message(name, summary, JSON, _schema(kind), bearing(OF_FACTS))


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
    """What the router places in inboxes; the AMQP property ``type`` tells them apart."""
    of_documents = bearing(OF_PACKAGES, (headers.LABEL, headers.UNSIGNED_ANNEXES))
    of_receipts = bearing(OF_ANSWERS, KNOWN_TO_ANSWERS)
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
            "status", "What a receiver reports, or status 13: the document is asked back.",
            headers.EDXML_TYPE, EDXML, bearing(OF_PACKAGES),
        ),
    }  # fmt: skip


def copies(park: bool) -> Schema:
    """A copy of a message that could not be handled: body, headers and properties of the original, and these."""
    always = OF_PARKED if park else OF_RETRIES
    sometimes = (headers.USER_ID, headers.REPLAY) + (OF_RETRIES if park else ())
    summary = "Only a person can help; `trunkctl park` shows and replays." if park else "Comes back after a fixed time."
    name = "parked copy" if park else "copy to be tried again"
    return {"name": name, "summary": summary, "headers": bearing(always, sometimes)}


def _schema(model: type[BaseModel]) -> Schema:
    return {"$ref": SCHEMAS.format(model=model.__name__)}


def _message(
    name: str, summary: str, content_type: str, payload: Schema, borne: Schema, type_: str | None = None
) -> Schema:
    type_ = name if type_ is None else type_
    binding: dict[str, Any] = {"bindingVersion": "0.3.0"} | ({"messageType": type_} if type_ else {})
    told = {"name": name, "summary": summary, "contentType": content_type, "headers": borne, "payload": payload}
    if headers.PACKAGE_ID in borne["properties"]:
        told["correlationId"] = {"location": f"$message.header#/{headers.PACKAGE_ID}"}
    return told | {"bindings": {"amqp": binding}}
