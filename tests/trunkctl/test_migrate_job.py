"""Making buckets and indexes on the real servers: again changes nothing, what is missing or other is told."""

import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pymongo
import pytest
from pydantic import SecretStr

from common import indexes
from common.indexes import INDEXES, Index
from common.objects import BUCKETS
from common.topology import SERVICES
from trunkctl import migrate_job
from trunkctl.command_error import CommandError
from trunkctl.settings import ControlSettings

BIN = Path(__file__).parents[2] / ".venv" / "bin"
Client = pymongo.MongoClient[dict[str, Any]]


@pytest.fixture(scope="module")
def settings(stack: SimpleNamespace) -> ControlSettings:
    return ControlSettings(
        mongo_uri=SecretStr(stack.mongo_uri),
        s3_endpoint=stack.s3_endpoint,
        s3_access_key=SecretStr(stack.s3_access_key),
        s3_secret_key=SecretStr(stack.s3_secret_key),
    )


@pytest.fixture
def client(stack: SimpleNamespace) -> Iterator[Client]:
    with pymongo.MongoClient(stack.mongo_uri) as opened:
        yield opened


@pytest.fixture
def ours(client: Client) -> Iterator[tuple[Index, ...]]:
    """The same indexes, in databases of this test alone."""
    mark = secrets.token_hex(4)
    yield tuple(replace(index, service=f"{index.service}_test_{mark}") for index in INDEXES)
    for service in SERVICES:
        client.drop_database(f"trunk_{service}_test_{mark}")


def present(client: Client, wanted: tuple[Index, ...]) -> dict[str, Any]:
    """Every index of these collections, as the server describes it."""
    places = sorted({(index.database, index.collection) for index in wanted})
    return {f"{place}": client[place[0]][place[1]].index_information() for place in places}


def test_made_once_and_the_second_run_changes_nothing(
    settings: ControlSettings, client: Client, ours: tuple[Index, ...]
) -> None:
    assert len([line for line in migrate_job.check(settings, ours) if line.endswith("missing")]) >= len(ours)
    made = migrate_job.apply(settings, ours)
    assert [line for line in made if line.startswith("index")] == [f"index {index.place}" for index in ours]
    before = present(client, ours)
    assert migrate_job.apply(settings, ours) == []
    assert present(client, ours) == before
    assert migrate_job.check(settings, ours) == []


def test_a_dropped_index_is_told_and_made_again(
    settings: ControlSettings, client: Client, ours: tuple[Index, ...]
) -> None:
    migrate_job.apply(settings, ours)
    gone = ours[-1]
    client[gone.database][gone.collection].drop_index(gone.name)
    assert migrate_job.check(settings, ours) == [f"index {gone.place}: missing"]
    assert migrate_job.apply(settings, ours) == [f"index {gone.place}"]


def test_another_index_of_that_name_is_told_and_left(
    settings: ControlSettings, client: Client, ours: tuple[Index, ...]
) -> None:
    index = ours[0]
    client[index.database][index.collection].create_index(["sender"], name=index.name)
    (line,) = migrate_job.check(settings, (index,))
    assert line == f"index {index.place}: other: sender 1"
    with pytest.raises(CommandError, match="Drop it"):
        migrate_job.apply(settings, (index,))


@pytest.mark.parametrize("stage", ["validation", "routing", "archiving"])
def test_only_what_waits_is_in_the_index_by_which_it_is_found(
    settings: ControlSettings, client: Client, ours: tuple[Index, ...], stage: str
) -> None:
    migrate_job.apply(settings, ours)
    index = next(index for index in ours if index.fields[0] == stage)
    collection = client[index.database][index.collection]
    documents = [{"_id": str(n), "lane": "normal", "submitted_at": n, stage: 1 if n > 990 else 2} for n in range(1000)]
    collection.insert_many(documents)
    asked = collection.find({stage: 1, "lane": "normal"}).sort("submitted_at", 1).limit(1)
    assert [found["submitted_at"] for found in asked] == [991]
    assert index.name in str(asked.clone().explain())


@pytest.mark.parametrize(
    ("place", "query"),
    [
        (("intake", "packages"), {"document_id": "x"}),
        (("router", "deliveries"), {"document_key": {"$in": ["x"]}}),
        (("router", "deliveries"), {"state": {"$in": ["SENT", "ARRIVED"]}}),
    ],
)
def test_queries_use_their_index(
    settings: ControlSettings,
    client: Client,
    ours: tuple[Index, ...],
    place: tuple[str, str],
    query: dict[str, Any],
) -> None:
    migrate_job.apply(settings, ours)
    (index,) = (
        index
        for index in ours
        if index.service.startswith(place[0]) and index.collection == place[1] and index.fields[0] in query
    )
    collection = client[index.database][index.collection]
    collection.insert_many([{"_id": str(n), index.fields[0]: str(n)} for n in range(2000)])
    assert index.name in str(collection.find(query).explain())


def test_names_are_distinct_and_databases_are_those_of_services() -> None:
    assert len({index.place for index in INDEXES}) == len(INDEXES)
    assert {index.service for index in INDEXES} <= set(SERVICES)
    assert isinstance(indexes.SCHEMA_VERSION, int)


def test_buckets_are_made_too(settings: ControlSettings, ours: tuple[Index, ...]) -> None:
    migrate_job.apply(settings, ours)
    found = [line for line in migrate_job.check(settings, ()) if line.startswith("bucket")]
    assert found == []
    assert BUCKETS


def test_the_command_tells_by_its_exit_code(stack: SimpleNamespace, client: Client) -> None:
    """On this checkout's own databases: an index less does no harm, and is there again at the end."""
    environment = {
        "TRUNK_MONGO_URI": stack.mongo_uri,
        "TRUNK_S3_ENDPOINT": stack.s3_endpoint,
        "TRUNK_S3_ACCESS_KEY": stack.s3_access_key,
        "TRUNK_S3_SECRET_KEY": stack.s3_secret_key,
        "PATH": "/usr/bin:/bin",
    }

    def run(*options: str) -> tuple[int, str]:
        command = [str(BIN / "trunkctl"), "migrate", *options]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    assert run()[0] == 0
    assert run() == (0, "as described already\n")
    assert run("--check") == (0, "as described\n")
    index = INDEXES[0]
    client[index.database][index.collection].drop_index(index.name)
    assert run("--check") == (1, f"index {index.place}: missing\n")
    assert run() == (0, f"made index {index.place}\nas described\n")
