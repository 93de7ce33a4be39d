"""The trunk of the compose file carries packages, refuses what it must, and its jobs run twice change nothing."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.system.inboxes import Inboxes
from tests.system.sending import told_once, wanted
from tests.system.trunk import LADDER, SERVICES, eventually, minted, package_id, shown

from .compose import JOBS, Compose, ComposeTrunk

pytestmark = pytest.mark.system


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


def test_a_unit_may_read_no_other_inbox(trunk: ComposeTrunk) -> None:
    one, other, *_ = trunk.units
    with pytest.raises(Exception, match="ACCESS_REFUSED"), trunk.channel(one) as channel:
        channel.basic_get(f"inbox.{other}")


def test_a_password_is_handed_over_by_the_operators_command(trunk: ComposeTrunk, place: Compose) -> None:
    user, password = place.trunkctl("units", "password", trunk.units[0]).split()
    assert trunk.password(user) == password


def test_jobs_run_again_change_nothing(trunk: ComposeTrunk, place: Compose) -> None:
    before = state(trunk, place)
    for job in JOBS:
        place.compose("run", "--rm", "-T", "--no-deps", job)
    assert state(trunk, place) == before
    assert "as described" in place.trunkctl("topology", "check")
    assert "as described" in place.trunkctl("stores", "check")


def test_what_is_kept_survives_new_containers(trunk: ComposeTrunk, place: Compose) -> None:
    before = state(trunk, place)
    place.compose("up", "--detach", "--wait", "--force-recreate", "rabbitmq", "mongodb", "seaweedfs", *SERVICES)
    assert state(trunk, place) == before
    assert not set(LADDER) & set(trunk.depths())


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
        "indexes": json.loads(place.python(place.container("archive"), INDEXES)),
        "buckets": place.python(place.container("archive"), BUCKETS),
    }


INDEXES = """
import json, pymongo
client = pymongo.MongoClient(open('/run/secrets/trunk_mongo_uri').read())
names = sorted(name for name in client.list_database_names() if name.startswith('trunk_'))
print(json.dumps({f'{name}.{kept}': sorted(client[name][kept].index_information())
                  for name in names for kept in sorted(client[name].list_collection_names())}))
"""
BUCKETS = """
import minio
key, secret = (open(f'/run/secrets/trunk_s3_{part}_key').read() for part in ('access', 'secret'))
store = minio.Minio('seaweedfs:8333', key, secret, secure=False)
for bucket in store.list_buckets():
    print(bucket.name, bucket.creation_date, store.get_bucket_versioning(bucket.name).status)
store.get_object_lock_config('archive')  # raises where there is none
print('archive is under object lock')
"""
