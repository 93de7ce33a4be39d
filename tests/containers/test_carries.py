"""The trunk of the compose file carries packages, refuses what it must, and its jobs run twice change nothing."""

import json
from pathlib import Path
from typing import Any

import httpx
import pika
import pika.exceptions
import pytest

from tests.system.inboxes import Inboxes
from tests.system.sending import told_once, wanted
from tests.system.trunk import eventually, minted, package_id, sha256, shown

from .compose import JOBS, SERVERS, Compose, ComposeTrunk

pytestmark = pytest.mark.system

MIB = 1024 * 1024
REFERENCE = "application/vnd.trunk.reference+json"


def test_every_package_is_delivered_or_refused_once(trunk: ComposeTrunk, inboxes: Inboxes, tmp_path: Path) -> None:
    entries = minted(trunk, tmp_path, 20, 6, seed=3)
    for entry in entries:
        trunk.submit(entry["sender"], entry["bytes"], urgent=entry["urgent"])
    must = wanted(entries)
    packages = {package_id(entry["sender"], entry["bytes"]): entry["bytes"] for entry in entries}
    items = inboxes.wait(lambda items: told_once(items, set(packages)) >= must)
    found = told_once(items, set(packages))
    assert found == must, f"missing {shown((must - found).items())}\ntoo many {shown((found - must).items())}"
    assert all(item.body == packages[item.package_id] for item in items if item.type == "document")
    assert eventually(lambda: not trunk.depths()), trunk.depths()


def test_large_packages_go_through_the_port_of_the_object_store(
    trunk: ComposeTrunk, place: Compose, inboxes: Inboxes, tmp_path: Path
) -> None:
    """A unit gets an address that it can reach from outside, to put a package there and to fetch one."""
    (entry,) = minted(trunk, tmp_path, 1, seed=4)
    sender, package = entry["sender"], entry["bytes"] + b"\n" * (13 * MIB)
    told = place.trunkctl("upload-url", sender, "large.edxml").split()
    key, url = told[told.index("key") + 1], next(word for word in told if word.startswith("http"))
    httpx.put(url, content=package, timeout=60).raise_for_status()
    named = {"bucket": "uploads", "key": key, "size": len(package), "sha256": sha256(package)}
    trunk.submit(sender, json.dumps(named).encode(), urgent=entry["urgent"], content_type=REFERENCE)
    items = inboxes.wait_for(package_id(sender, package), ["document"])
    (document, *_) = [item for item in items if item.type == "document"]
    assert httpx.get(json.loads(document.body)["url"], timeout=60).content == package


def test_a_unit_may_read_no_other_inbox(trunk: ComposeTrunk) -> None:
    one, other, *_ = trunk.units
    with pytest.raises(Exception, match="ACCESS_REFUSED"), trunk.channel(one) as channel:
        channel.basic_get(f"inbox.{other}")


def test_a_password_is_handed_over_by_the_operators_command(trunk: ComposeTrunk, place: Compose) -> None:
    user, password = place.trunkctl("units", "password", trunk.units[0]).split()
    assert trunk.password(user) == password


def test_the_archive_holds_what_its_records_say(trunk: ComposeTrunk, place: Compose) -> None:
    """Asked with the operator's keys; every fact of the tests above has been kept."""
    assert eventually(lambda: not trunk.depths()), trunk.depths()
    records, faults = place.trunkctl("archive", "check").splitlines()[-1].split(" records checked, ")
    assert int(records) >= 20
    assert faults == "0 faults"


def test_rights_that_the_database_does_not_enforce_are_named(trunk: ComposeTrunk, place: Compose) -> None:
    """FerretDB stands in for MongoDB: it takes the users, and what cannot be checked is not told as checked."""
    printed = place.trunkctl("stores", "check")
    assert "skipped: rights of the database's users: FerretDB" in printed
    assert "as described" in printed


def test_no_service_can_delete_what_it_did_not_take_in(trunk: ComposeTrunk, place: Compose) -> None:
    """With the keys that lie in its own container."""
    for service in ("validator", "router", "archive", "notifier"):
        assert place.python(place.container(service), DELETE).split() == ["AccessDenied"] * 3, service


def test_what_no_service_can_handle_is_parked_and_given_up_by_the_operators_commands(
    trunk: ComposeTrunk, place: Compose
) -> None:
    """A submission of nobody: nobody can be answered, and nobody's name could be used for a replay."""
    before = trunk.parked()
    trunk.submit(trunk.units[0], b"of nobody", user_id=None)
    assert eventually(lambda: trunk.parked() == before + 1, pause_seconds=1.0)
    reason = ("--service", "intake", "--reason", "E_SENDER_UNKNOWN")
    assert "E_SENDER_UNKNOWN" in place.trunkctl("park", "list", *reason)
    given_up = place.trunkctl("park", "discard", *reason, "--by", "operator", "--why", "sent without user_id")
    assert "1 of 1: discard done" in given_up
    assert trunk.parked() == before


def test_what_the_broker_reports_is_on_record(trunk: ComposeTrunk, place: Compose) -> None:
    """The plugin and the log exchange of compose's broker, the archive's queue, its ledger: a log-in that failed and a
    publish that was refused are counted."""

    def counted(kind: str) -> float:
        return place.metric(place.container("archive"), "trunk_security_events_total", kind)

    before = {kind: counted(kind) for kind in ("LOGIN_FAILED", "ACCESS_REFUSED")}
    strange = pika.URLParameters(trunk.address)
    strange.credentials = pika.PlainCredentials(trunk.units[0], "guessed")
    with pytest.raises(pika.exceptions.AMQPError):
        pika.BlockingConnection(strange)
    with pytest.raises(Exception, match="ACCESS_REFUSED"), trunk.channel(trunk.units[0]) as channel:
        channel.basic_publish("trunk.facts", "document.verified.normal", b"{}", mandatory=True)
    assert eventually(lambda: all(counted(kind) > count for kind, count in before.items()), pause_seconds=1.0), before


def test_jobs_run_again_change_nothing(trunk: ComposeTrunk, place: Compose) -> None:
    before = state(trunk, place)
    for job in JOBS:
        place.compose("run", "--rm", "-T", "--no-deps", job)
    assert state(trunk, place) == before
    assert "as described" in place.trunkctl("topology", "check")
    assert "as described" in place.trunkctl("migrate", "--check")


def test_what_is_kept_survives_new_containers_of_the_servers(
    trunk: ComposeTrunk, place: Compose, inboxes: Inboxes, tmp_path: Path
) -> None:
    """And the services find them again by themselves."""
    before = state(trunk, place)
    place.compose("up", "--detach", "--wait", "--no-deps", "--force-recreate", *SERVERS)
    assert state(trunk, place) == before
    (entry,) = minted(trunk, tmp_path, 1, seed=5)
    trunk.submit(entry["sender"], entry["bytes"], urgent=entry["urgent"])
    assert inboxes.wait_for(package_id(entry["sender"], entry["bytes"]), ["document"])
    assert eventually(lambda: not trunk.not_ready(), pause_seconds=2.0), trunk.not_ready()
    assert eventually(lambda: not trunk.depths()), trunk.depths()


def state(trunk: ComposeTrunk, place: Compose) -> dict[str, Any]:
    """Every object of the broker, the database's indexes, and the buckets."""
    with trunk.management() as http:
        definitions = http.get("/definitions/trunk").raise_for_status().json()
        users = http.get("/users").raise_for_status().json()
        permissions = http.get("/permissions").raise_for_status().json()
    broker = {kind: sorted(map(str, definitions[kind])) for kind in ("exchanges", "queues", "bindings", "policies")}
    return {
        **broker,
        "users": sorted((user["name"], str(user["tags"])) for user in users),
        "permissions": sorted(map(str, permissions)),
        "indexes": json.loads(migrating(place, INDEXES)),
        "buckets": migrating(place, BUCKETS),
    }


def migrating(place: Compose, code: str) -> str:
    """What a line of Python prints that has the rights of the job that makes buckets and indexes."""
    return place.compose("run", "--rm", "-T", "--no-deps", "--entrypoint=python", "migrate", "-c", code)


INDEXES = """
import json, pymongo
client = pymongo.MongoClient(open('/run/secrets/trunk_mongo_uri').read())
names = sorted(name for name in client.list_database_names() if name.startswith('trunk_'))
print(json.dumps({f'{name}.{kept}': sorted(client[name][kept].index_information())
                  for name in names for kept in sorted(client[name].list_collection_names())}))
"""
DELETE = """
import minio
key, secret = (open(f'/run/secrets/trunk_s3_{part}_key').read() for part in ('access', 'secret'))
store = minio.Minio('seaweedfs:8333', key, secret, secure=False, region='us-east-1')
for bucket in ('uploads', 'content', 'archive'):
    try:
        store.remove_object(bucket, 'any')
        print('deleted')
    except minio.error.S3Error as error:
        print(error.code)
"""
BUCKETS = """
import minio
key, secret = (open(f'/run/secrets/trunk_s3_{part}_key').read() for part in ('access', 'secret'))
store = minio.Minio('seaweedfs:8333', key, secret, secure=False, region='us-east-1')
for bucket in store.list_buckets():
    print(bucket.name, bucket.creation_date, store.get_bucket_versioning(bucket.name).status)
store.get_object_lock_config('archive')  # raises where there is none
print('archive is under object lock')
"""
