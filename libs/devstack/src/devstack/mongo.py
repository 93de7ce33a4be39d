"""A server that speaks MongoDB's protocol: MongoDB itself where it is installed, else FerretDB 2."""

import shutil
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from devstack import documentdb, ferretdb, processes, waiting
from devstack.checkout import Checkout
from devstack.choices import Choices
from devstack.errors import DevstackError, NotReady, NoWay
from devstack.ports import LOOPBACK
from devstack.processes import Program

SERVER = "mongo"
PORTS = ("postgresql", "mongo")
VARIABLE = "TRUNK_DEV_MONGO_URI"


def from_environment(environment: Mapping[str, str]) -> dict[str, object] | None:
    """The fields of Addresses for a server that somebody else runs; None when none is named."""
    uri = environment.get(VARIABLE)
    return {"mongo_uri": uri} if uri else None


def adopt(fields: Mapping[str, object]) -> str:
    """Make sure that somebody else's server answers; return what it is."""
    uri = str(fields["mongo_uri"])
    if not serves(uri, patience_seconds=10):
        raise NotReady(f"no answer from the server that {VARIABLE} names")
    return f"MongoDB protocol, server {_reported(uri)}, at the address in the environment"


def addresses(choices: Choices) -> dict[str, object]:
    """The fields of Addresses for the server that we run."""
    return {"mongo_uri": f"mongodb://{LOOPBACK}:{choices.ports['mongo']}/"}


def start(checkout: Checkout) -> str:
    """Start the server by the first way that works, wait until it serves, return what it is."""
    if found := shutil.which("mongod"):
        return _start_mongod(checkout, found)
    return _start_ferretdb(checkout)


def ready(choices: Choices) -> bool:
    """Whether it answers what needs its storage."""
    return serves(str(addresses(choices)["mongo_uri"]))


def serves(uri: str, patience_seconds: float = 1.0) -> bool:
    """Whether a server at `uri` answers what needs its storage."""
    client: MongoClient[dict[str, object]]
    milliseconds = int(patience_seconds * 1000)
    with MongoClient(uri, serverSelectionTimeoutMS=milliseconds) as client:
        try:
            client.list_database_names()
        except PyMongoError:
            return False
    return True


def _reported(uri: str) -> str:
    client: MongoClient[dict[str, object]]
    with MongoClient(uri, serverSelectionTimeoutMS=10_000) as client:
        return str(client.server_info()["version"])


def _start_mongod(checkout: Checkout, binary: str) -> str:
    port = checkout.choices.ports["mongo"]
    data = checkout.data("mongodb")
    command = [binary, "--dbpath", str(data), "--port", str(port), "--bind_ip", LOOPBACK]
    program = Program(SERVER, "mongod", [*command, "--nounixsocket"], processes.ordinary_environment())
    with checkout.progress.step("MongoDB (on this machine)"):
        processes.start(checkout.state_dir, program)
        waiting.until_ready(checkout.state_dir, SERVER, lambda: ready(checkout.choices))
    shown = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False).stdout
    return f"MongoDB {shown.splitlines()[0].removeprefix('db version v') if shown else ''} (on this machine)"


def _start_ferretdb(checkout: Checkout) -> str:
    """PostgreSQL starts while Go may still be compiling FerretDB."""
    try:
        with ThreadPoolExecutor(1) as beside:
            compiled = beside.submit(ferretdb.binary, checkout.progress)
            tree = checkout.tree()
            documentdb.start(checkout, tree, SERVER)
            binary = compiled.result()
    except NotReady:
        raise
    except DevstackError as refusal:
        raise NoWay(f"No MongoDB: install mongod, or name one that runs in {VARIABLE} ({refusal}).") from refusal
    with checkout.progress.step(f"FerretDB {ferretdb.VERSION} over PostgreSQL"):
        ferretdb.start(checkout, binary, SERVER)
        waiting.until_ready(checkout.state_dir, SERVER, lambda: ready(checkout.choices))
    return f"FerretDB {ferretdb.VERSION} over PostgreSQL 18 with DocumentDB, standing in for MongoDB"
