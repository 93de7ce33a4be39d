"""docs/asyncapi: as generated, as the specification wants it, and as the services really are."""

import ast
import importlib
import inspect
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from apidocs import documents, flows, messages
from apidocs.headers import HEADERS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator
from jsonschema.validators import validator_for

from common import facts, headers
from common.directory import DirectoryReader
from common.domain.directory import Directory, Unit
from common.domain.names import Label, Lane, PackageKind
from common.domain.reason import Reason
from common.facts import ObjectRef
from common.facts.flows import FLOWS, SERVICES, made_by
from common.service import service as chassis
from common.service.health import METRICS_PATHS, Readiness, routes
from intake.submission import Reference
from router.compose import Answer, receipt
from router.inbox import Inbox, MessageHeaders
from router.placing import MessageType, PlaceOrder, Placing, order_message
from router.settings import RouterSettings
from tests.harness.drawn_facts import facts_of

ROOT = Path(__file__).parents[2]
DIGEST = "ab" * 32


@pytest.mark.parametrize("name", documents.NAMES)
def test_the_committed_document_is_the_generated_one(name: str) -> None:
    committed = (ROOT / "docs" / "asyncapi" / f"{name}.yaml").read_text(encoding="utf-8")
    assert committed == documents.written(name), "run `make asyncapi`"


def test_the_committed_table_of_facts_is_the_generated_one() -> None:
    assert (ROOT / "docs" / "asyncapi" / "facts.md").read_text(encoding="utf-8") == flows.page(), "run `make asyncapi`"


def test_no_document_is_left_over() -> None:
    assert {file.stem for file in (ROOT / "docs" / "asyncapi").glob("*.yaml")} == set(documents.NAMES)


@pytest.mark.parametrize("name", documents.NAMES)
def test_the_specification_finds_no_fault(name: str, asyncapi_schema: dict[str, Any]) -> None:
    spec = yaml.safe_load(documents.written(name))
    faults = [
        f"{error.json_path}: {error.message[:200]}" for error in Draft7Validator(asyncapi_schema).iter_errors(spec)
    ]
    assert faults == []


def test_the_specification_would_find_one(asyncapi_schema: dict[str, Any]) -> None:
    spec = yaml.safe_load(documents.written("router"))
    spec["operations"]["send.delivery.placed"]["action"] = "shout"
    assert list(Draft7Validator(asyncapi_schema).iter_errors(spec))


@pytest.mark.parametrize("name", documents.NAMES)
def test_every_reference_leads_somewhere_and_every_part_is_used(name: str) -> None:
    spec = documents.document(name)
    references = set(_references(spec))
    for reference in references:
        place: Any = spec
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
    parts = {f"#/components/{kind}/{each}" for kind in spec["components"] for each in spec["components"][kind]}
    assert parts <= references


@pytest.mark.parametrize("service", SERVICES)
def test_services_consume_the_documented_queues(service: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    any_unit = Directory([Unit(code="{unit}", name="", valid_from=date.min)])
    monkeypatch.setattr(DirectoryReader, "current", any_unit)
    monkeypatch.setattr(DirectoryReader, "is_loaded", True)
    consumed: list[str] = []
    monkeypatch.setattr(chassis, "Consumer", lambda _, __, queues, *___, **____: consumed.extend(queues()))
    monkeypatch.setattr(chassis, "Listener", lambda _, __, stream, *___: consumed.append(stream))
    importlib.import_module(f"{service}.main").build()
    assert sorted(consumed) == sorted(documents.consumed(service))
    ours = {each["address"] for each in documents.document(service)["channels"].values() if _is_queue(each)}
    assert ours == set(consumed)


def test_every_declared_queue_has_a_reader() -> None:
    """But for the mark, and the stream of progress, from which nobody takes anything away."""
    read = {queue for service in SERVICES for queue in documents.consumed(service)}
    assert {*documents.QUEUES} - read == {"inbox.{unit}", "trunk.mark"}


def test_services_serve_probes_and_metrics_alone() -> None:
    """No page that documents messages, since such a page can also publish them."""
    paths = {route.path for route in routes(Readiness("router"))}  # type: ignore[attr-defined]
    assert paths == {"/livez", "/readyz", *METRICS_PATHS}


@pytest.mark.parametrize("service", SERVICES)
def test_services_announce_the_facts_of_the_table(service: str) -> None:
    by_the_chassis = _facts_made(ROOT / "libs" / "common" / "src" / "common" / "service")
    assert by_the_chassis | _facts_made(ROOT / "services" / service / "src") == set(made_by(service))


def test_every_fact_has_a_flow() -> None:
    assert {*FLOWS} == {*messages.FACTS}


def test_every_header_is_described() -> None:
    ours = {value for name, value in vars(headers).items() if name.isupper() and str(value).startswith(("x-", "trace"))}
    assert set(HEADERS) == ours


@pytest.mark.parametrize("name", messages.FACTS)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_facts_are_as_their_schema_says(name: str, data: st.DataObject) -> None:
    fact = data.draw(facts_of(messages.FACTS[name]))
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
    held = replace(answer, is_held=True, reason=Reason.E_ATTEMPTS)
    _fits(json.loads(receipt(held)), "Receipt")
    assert "E_ATTEMPTS" in json.loads(receipt(held))["description"]
    large = ObjectRef(bucket="content", key="k", sha256=DIGEST, size_bytes=size)
    message = await Inbox(_Store(), RouterSettings(), lambda: now).message(_placing(package=large))
    assert message.content_type == messages.inbox()["document.reference"]["contentType"]
    _fits(json.loads(message.body), "FetchReference")


def test_an_order_is_as_its_schema_says() -> None:
    order = order_message(_placing(body=b"{}"), attempt=0)
    assert (order.exchange, order.routing_key) == ("trunk.place", "place.normal")
    _fits(json.loads(order.body), PlaceOrder.__name__)


def test_inbox_headers_are_as_described() -> None:
    package: dict[str, Any] = {
        "package_id": "0" * 32, "document_key": "k", "document_id": "d", "sender": "A",
        "kind": PackageKind.NEW, "lane": Lane.URGENT,
    }  # fmt: skip
    described = messages.inbox()
    assert {message["bindings"]["amqp"]["messageType"] for message in described.values()} == {*MessageType}
    full = MessageHeaders(**package, label=Label.ORIGINAL, unsigned_annexes=2).amqp("e", DIGEST)
    blank = package | {"document_key": "", "document_id": ""}
    unread = MessageHeaders(**blank, reason=Reason.E_XML).amqp("e", "")
    held = MessageHeaders(**blank, reason=Reason.E_ATTEMPTS).amqp("e", "")
    for borne, name in ((full, "document"), (unread, "refusal"), (held, "receipt")):
        Draft7Validator(described[name]["headers"]).validate(borne)
        assert set(borne) <= set(described[name]["headers"]["properties"])


def _placing(**content: Any) -> Placing:
    now = datetime.now(UTC)
    return Placing(
        id="0" * 32 + "/placed/A:1", receiver="A", lane=Lane.NORMAL, type=MessageType.DOCUMENT, headers={},
        opened_at=now, next_attempt_at=now, **content,
    )  # fmt: skip


class _Store:
    async def get(self, ref: ObjectRef) -> bytes:
        raise AssertionError("a large package is not fetched")

    async def presigned_get(self, ref: ObjectRef, expires: timedelta) -> str:
        return "https://store.example/content/k"


def _fits(value: Any, model: str) -> None:
    schema = {"$ref": f"#/components/schemas/{model}", "components": {"schemas": messages.schemas()}}
    validator_for(schema, default=Draft7Validator)(schema).validate(value)


def _is_queue(channel: dict[str, Any]) -> bool:
    return bool(channel["bindings"]["amqp"]["is"] == "queue")


def _references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if "$ref" in part else []
        return own + [reference for each in part.values() for reference in _references(each)]
    return [reference for each in part for reference in _references(each)] if isinstance(part, list) else []


def _facts_made(source: Path) -> set[str]:
    """Facts that the code makes: their classes, or functions that return one, named anywhere but in types, patterns,
    isinstance and keys of tables."""
    names = {kind.__name__: name for name, kind in messages.FACTS.items()}
    for maker, function in inspect.getmembers(facts, inspect.isfunction):
        returned = inspect.signature(function).return_annotation
        if getattr(returned, "__name__", "") in names:
            names[maker] = names[returned.__name__]
    made_names = set()
    for file in source.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        aside = {id(node) for each in ast.walk(tree) for part in _asides(each) for node in ast.walk(part)}
        named = (node for node in ast.walk(tree) if isinstance(node, ast.Name) and id(node) not in aside)
        made_names |= {names[node.id] for node in named if node.id in names}
    return made_names


def _asides(node: ast.AST) -> list[ast.AST]:
    match node:
        case ast.arg(annotation=ast.AST() as annotation) | ast.AnnAssign(annotation=annotation):
            return [annotation]
        case ast.FunctionDef(returns=ast.AST() as returns) | ast.AsyncFunctionDef(returns=ast.AST() as returns):
            return [returns]
        case ast.MatchClass(cls=cls):
            return [cls]
        case ast.Call(func=ast.Name(id="isinstance" | "cast") | ast.Attribute(attr="get")):
            return list(node.args)
        case ast.Dict(keys=keys):
            return [key for key in keys if key is not None]
        case ast.Subscript(slice=inner):
            return [inner]
        case ast.BinOp(op=ast.BitOr()):
            return [node.left, node.right]
    return []


def test_docstrings_of_facts_are_summaries() -> None:
    for name, kind in messages.FACTS.items():
        assert messages.fact(name)["summary"].startswith(inspect.getdoc(kind) or "-")
