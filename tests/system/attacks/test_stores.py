"""Somebody with a service's keys of the object store, and the database's administrator: what nothing prevents, and what
is left of it to be found."""

import io
import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pymongo
import pytest
from minio import Minio
from minio.error import S3Error

from ..conftest import Entry
from ..trunk import STATE, Trunk, eventually
from .aftermath import ATTACKER, Row, Scene

pytestmark = pytest.mark.system

READERS = ("router", "archive")
"""Services whose keys read the bucket ``content`` and do nothing else there."""


def as_service(service: str) -> Minio:
    """The object store with the keys of a service."""
    endpoint = json.loads((STATE / "addresses.json").read_text())["s3_endpoint"]
    identities = json.loads((STATE / "s3-identities.json").read_text())["identities"]
    (keys,) = [each["credentials"][0] for each in identities if each["name"] == service]
    return Minio(endpoint, keys["accessKey"], keys["secretKey"], secure=False, region="us-east-1")


def as_administrator(database: str, collection: str) -> Any:
    """A collection, with every right."""
    uri = json.loads((STATE / "addresses.json").read_text())["mongo_uri"]
    client: Any = pymongo.MongoClient(uri, serverSelectionTimeoutMS=20_000, tz_aware=True)
    return client[database][collection]


@dataclass
class Delivered:
    """A letter that has arrived."""

    entry: Entry
    package: str


@pytest.fixture
def delivered(scene: Scene) -> Delivered:
    entry = scene.letter(lambda e: ATTACKER not in (e["sender"], *e["receivers"]))
    package = scene.trunk.submit(entry["sender"], entry["bytes"], urgent=entry["urgent"])
    scene.inboxes.wait(lambda _: scene.delivered(package) == set(entry["receivers"]))
    return Delivered(entry, package)


def package_object(trunk: Trunk, package: str) -> tuple[str, str]:
    """Bucket and key of the package's bytes."""
    query = {"headers.x-package-id": package, "type": "document"}
    placing = trunk.collection("trunk_router", "placings").find_one(query)
    return placing["package"]["bucket"], placing["package"]["key"]


@pytest.mark.parametrize("service", READERS)
def test_who_may_read_content_sees_documents_and_changes_none(scene: Scene, delivered: Delivered, service: str) -> None:
    bucket, key = package_object(scene.trunk, delivered.package)
    store = as_service(service)
    assert store.get_object(bucket, key).read() == delivered.entry["bytes"], "documents are not encrypted"
    for change in (
        lambda: store.remove_object(bucket, key),
        lambda: store.put_object(bucket, key, io.BytesIO(b"x"), 1),
        lambda: store.fput_object(bucket, f"{key}.other", str(STATE / "trunk.json")),
        lambda: list(store.list_objects(bucket)),
    ):
        with pytest.raises(S3Error) as refused:
            change()
        assert refused.value.code == "AccessDenied"


def ledger(scene: Scene, package: str, receiver: str) -> list[Row]:
    """What the archive recorded about the delivery of a package to a unit."""
    rows = scene.trunk.collection("trunk_archive", "ledger").find({"fact": "delivery.placed"})
    facts = [json.loads(row["body"]) for row in rows]
    return [fact for fact in facts if (fact["package_id"], fact["receiver"]) == (package, receiver)]


def test_a_placing_put_into_the_database_is_delivered_and_stands_in_no_ledger(
    scene: Scene, delivered: Delivered
) -> None:
    placings = as_administrator("trunk_router", "placings")
    own = placings.find_one({"headers.x-package-id": delivered.package, "type": "document"})
    event_id = f"{delivered.package}:placed/{secrets.token_hex(4)}"
    now = datetime.now(UTC)
    planted = {
        **own,
        "_id": event_id,
        "id": event_id,
        "receiver": ATTACKER,
        "headers": {**own["headers"], "x-event-id": event_id},
        "fact": None,
        "decision": "",
        "delivery": "",
        "state": "waiting",
        "placed_at": None,
        "next_attempt_at": now,
        "opened_at": now,
    }
    placings.insert_one(planted)
    receivers = set(delivered.entry["receivers"])
    scene.inboxes.wait(lambda _: ATTACKER in scene.delivered(delivered.package))
    assert scene.delivered(delivered.package) == {*receivers, ATTACKER}, "nothing prevents it"

    assert eventually(lambda: all(ledger(scene, delivered.package, unit) for unit in receivers)), "of each receiver"
    assert all(len(ledger(scene, delivered.package, unit)) == 1 for unit in receivers)
    assert ledger(scene, delivered.package, ATTACKER) == [], "the archive knows nothing of it"
