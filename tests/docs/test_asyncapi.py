"""docs/asyncapi: as generated, as the specification wants it, and as the services really are."""

import ast
import importlib
import inspect
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from apidocs import documents, messages
from apidocs.headers import HEADERS, TRACE
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from jsonschema.validators import validator_for

from common import headers, topology
from common.domain.names import Label, Lane, PackageKind
from common.domain.reason import Reason
from common.facts import BaseFact, ObjectRef
from intake.submission import Reference
from router.compose import Answer, receipt
from router.inbox import Inbox, MessageType, Slip
from router.settings import RouterSettings

ROOT = Path(__file__).parents[2]
DIGEST = "ab" * 32


@pytest.mark.parametrize("name", documents.NAMES)
def test_the_committed_document_is_the_generated_one(name: str) -> None:
    committed = (ROOT / "docs" / "asyncapi" / f"{name}.yaml").read_text(encoding="utf-8")
    assert committed == documents.written(name), "run `make asyncapi`"


def test_no_document_is_left_over() -> None:
    assert {file.stem for file in (ROOT / "docs" / "asyncapi").glob("*.yaml")} == set(documents.NAMES)


@pytest.mark.parametrize("name", documents.NAMES)
def test_the_specification_finds_no_fault(name: str, asyncapi_schema: dict[str, Any]) -> None:
    told = yaml.safe_load(documents.written(name))
    faults = [
        f"{error.json_path}: {error.message[:200]}" for error in Draft7Validator(asyncapi_schema).iter_errors(told)
    ]
    assert faults == []


def test_the_specification_would_find_one(asyncapi_schema: dict[str, Any]) -> None:
    told = yaml.safe_load(documents.written("router"))
    told["operations"]["send.delivery.placed"]["action"] = "shout"
    assert list(Draft7Validator(asyncapi_schema).iter_errors(told))


@pytest.mark.parametrize("name", documents.NAMES)
def test_every_reference_leads_somewhere_and_every_part_is_used(name: str) -> None:
    told = documents.document(name)
    found = set(_references(told))
    for reference in found:
        place: Any = told
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
    parts = {f"#/components/{kind}/{each}" for kind in told["components"] for each in told["components"][kind]}
    assert parts <= found


@pytest.mark.parametrize("service", topology.SERVICES)
def test_the_framework_sees_the_same_queues(service: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    app = importlib.import_module(f"{service}.main").build().app()
    seen = json.loads(app.schema.to_specification().to_json())
    consumed = {each["address"] for each in seen["channels"].values() if "amqp" in each.get("bindings", {})}
    ours = {each["address"] for each in documents.document(service)["channels"].values() if _is_queue(each)}
    assert ours == consumed == set(topology.consumed_queues(service))


@pytest.mark.parametrize("service", topology.SERVICES)
def test_no_service_offers_a_page_to_publish_from(
    service: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    app = importlib.import_module(f"{service}.main").build().app()
    assert {path for path, _ in app.routes} == {"/livez", "/readyz", "/metrics"}


@pytest.mark.parametrize("service", topology.SERVICES)
def test_services_announce_the_facts_of_the_table(service: str) -> None:
    assert _facts_made(ROOT / "services" / service / "src") == set(topology.FACTS_MADE[service])


def test_every_fact_has_one_maker() -> None:
    made = [fact for facts in topology.FACTS_MADE.values() for fact in facts]
    assert sorted(made) == sorted(messages.FACTS)


def test_every_header_is_described() -> None:
    ours = {value for name, value in vars(headers).items() if name.isupper() and str(value).startswith("x-")}
    assert set(HEADERS) - {TRACE} == ours


@pytest.mark.parametrize("name", messages.FACTS)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_facts_are_as_their_schema_says(name: str, data: st.DataObject) -> None:
    fact = data.draw(_fact(messages.FACTS[name]))
    _fits(json.loads(fact.model_dump_json(exclude_none=True)), messages.FACTS[name].__name__)


def test_a_reference_is_as_its_schema_says() -> None:
    example = {"bucket": "uploads", "key": "000.00.14.H29/3f2a-letter.edxml", "size": 73400320, "sha256": DIGEST}
    Reference.model_validate(example)
    _fits(example, "Reference")


async def test_inbox_messages_are_as_their_schema_says() -> None:
    now, size = datetime.now(UTC), 9 * 2**20
    answer = Answer(
        id="p/receipt", to="A", package_id="0" * 32, document_key="k", document_id="d", kind=PackageKind.NEW,
        lane=Lane.NORMAL, at=now, submitted_at=now, sha256=DIGEST,
    )  # fmt: skip
    _fits(json.loads(receipt(answer)), "Receipt")
    large = ObjectRef(bucket="content", key="k", sha256=DIGEST, size_bytes=size)
    parcel = await Inbox(_Nobody(), _Store(), RouterSettings()).parcel(large)
    assert parcel.content_type == messages.inbox()["document.reference"]["contentType"]
    _fits(json.loads(parcel.body), "FetchReference")


def test_inbox_headers_are_as_described() -> None:
    told = {
        "event_id": "e", "package_id": "0" * 32, "document_key": "k", "document_id": "d", "sender": "A",
        "kind": PackageKind.NEW, "lane": Lane.URGENT,
    }  # fmt: skip
    described = messages.inbox()
    assert {message["bindings"]["amqp"]["messageType"] for message in described.values()} == {*MessageType}
    full = Slip(type=MessageType.DOCUMENT, **told, label=Label.ORIGINAL, unsigned_annexes=2).headers(DIGEST)
    blank = told | {"document_key": "", "document_id": ""}
    unread = Slip(type=MessageType.REFUSAL, **blank, reason=Reason.E_XML).headers("")
    for borne, name in ((full, "document"), (unread, "refusal")):
        Draft7Validator(described[name]["headers"]).validate(borne)
        assert set(borne) <= set(described[name]["headers"]["properties"])


class _Nobody:
    async def announce(self, fact: BaseFact) -> None: ...

    async def send(self, exchange: str, routing_key: str, body: bytes, **told: Any) -> None: ...


class _Store:
    async def get(self, ref: ObjectRef) -> bytes:
        raise AssertionError("a large package is not fetched")

    async def presigned_get(self, ref: ObjectRef, expires: timedelta) -> str:
        return "https://store.example/content/k"


def _fits(told: Any, model: str) -> None:
    schema = {"$ref": f"#/components/schemas/{model}", "components": {"schemas": messages.schemas()}}
    validator_for(schema, default=Draft7Validator)(schema).validate(told)


def _fact(kind: type[BaseFact]) -> st.SearchStrategy[BaseFact]:
    """Facts of a kind with every field drawn; times bear a zone."""
    fields = {"occurred_at": st.datetimes(timezones=st.just(UTC)), "fact": st.just(kind.model_fields["fact"].default)}
    fields |= {
        name: st.datetimes(timezones=st.just(UTC))
        for name, field in kind.model_fields.items()
        if field.annotation is datetime
    }
    return st.builds(kind, **{name: each for name, each in fields.items() if name in kind.model_fields})


def _is_queue(channel: dict[str, Any]) -> bool:
    return bool(channel["bindings"]["amqp"]["is"] == "queue")


def _references(told: Any) -> list[str]:
    if isinstance(told, dict):
        own = [told["$ref"]] if "$ref" in told else []
        return own + [found for each in told.values() for found in _references(each)]
    return [found for each in told for found in _references(each)] if isinstance(told, list) else []


def _facts_made(source: Path) -> set[str]:
    """Facts that the code makes: their classes named anywhere but in types, patterns and isinstance."""
    names = {kind.__name__: name for name, kind in messages.FACTS.items()}
    made = set()
    for file in source.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        aside = {id(node) for each in ast.walk(tree) for part in _asides(each) for node in ast.walk(part)}
        named = (node for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in aside)
        made |= {names[node.id] for node in named if node.id in names}
    return made


def _asides(node: ast.AST) -> list[ast.AST]:
    match node:
        case ast.arg(annotation=ast.AST() as annotation) | ast.AnnAssign(annotation=annotation):
            return [annotation]
        case ast.FunctionDef(returns=ast.AST() as returns) | ast.AsyncFunctionDef(returns=ast.AST() as returns):
            return [returns]
        case ast.MatchClass(cls=cls):
            return [cls]
        case ast.Call(func=ast.Name(id="isinstance" | "cast")):
            return list(node.args)
        case ast.Subscript(slice=inner):
            return [inner]
        case ast.BinOp(op=ast.BitOr()):
            return [node.left, node.right]
    return []


def test_docstrings_of_facts_are_summaries() -> None:
    for name, kind in messages.FACTS.items():
        assert messages.fact(name)["summary"].startswith(inspect.getdoc(kind) or "-")
