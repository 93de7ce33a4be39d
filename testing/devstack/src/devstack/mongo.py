"""A server that speaks MongoDB's protocol: MongoDB itself where it is installed, else FerretDB 2.

Both ask for a password, and each role of ``common.store_access`` has its own user. MongoDB enforces the roles' rights;
FerretDB does not, and the description of the server says so.
"""

import shutil
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from common import database_users
from common.store_access import Role
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
    return {"mongo_uri": uri, "mongo_uris": {role.value: uri for role in database_users.USERS}} if uri else None


def adopt(fields: Mapping[str, object]) -> str:
    """Make sure that somebody else's server answers; return what it is."""
    uri = str(fields["mongo_uri"])
    if not serves(uri, patience_seconds=10):
        raise NotReady(f"no answer from the server that {VARIABLE} names")
    return f"MongoDB protocol, server {_reported(uri)}, at the address in the environment"


def addresses(choices: Choices) -> dict[str, object]:
    """The fields of Addresses for the server that we run."""
    return {"mongo_uri": _administrator_uri(choices), "mongo_uris": _role_uris(choices)}


def start(checkout: Checkout) -> str:
    """Start the server by the first way that works, wait until it serves, make its users, return what it is."""
    mongod = shutil.which("mongod")
    described = _start_mongod(checkout, mongod) if mongod else _start_ferretdb(checkout)
    passwords = {Role(role): password for role, password in checkout.choices.mongo_passwords.items()}
    with _client(_administrator_uri(checkout.choices), patience_seconds=10) as client:
        database_users.apply(client, passwords)
    return described


def ready(choices: Choices) -> bool:
    """Whether it answers everybody who has a password, and nobody else."""
    return _has_administrator(choices) and all(map(serves, _role_uris(choices).values()))


def serves(uri: str, patience_seconds: float = 1.0) -> bool:
    """Whether a server at `uri` answers what needs its storage."""
    with _client(uri, patience_seconds) as client:
        try:
            client.list_database_names()
        except PyMongoError:
            return False
    return True


def _reported(uri: str) -> str:
    with _client(uri, patience_seconds=10) as client:
        return str(client.server_info()["version"])


def _client(uri: str, patience_seconds: float) -> MongoClient[dict[str, Any]]:
    return MongoClient(uri, serverSelectionTimeoutMS=int(patience_seconds * 1000))


def _administrator_uri(choices: Choices) -> str:
    return _uri(choices, documentdb.USER, choices.postgresql_password)


def _role_uris(choices: Choices) -> dict[str, str]:
    return {role.value: _uri(choices, role, choices.mongo_passwords[role.value]) for role in database_users.USERS}


def _uri(choices: Choices, user: str = "", password: str = "") -> str:
    who = f"{user}:{password}@" if user else ""
    return f"mongodb://{who}{LOOPBACK}:{choices.ports['mongo']}/"


def _start_mongod(checkout: Checkout, binary: str) -> str:
    port = checkout.choices.ports["mongo"]
    data = checkout.data("mongodb")
    command = [binary, "--dbpath", str(data), "--port", str(port), "--bind_ip", LOOPBACK, "--auth"]
    program = Program(SERVER, "mongod", [*command, "--nounixsocket"], processes.ordinary_environment())
    with checkout.progress.step("MongoDB (on this machine)"):
        processes.start(checkout.state_dir, program)
        waiting.until_ready(checkout.state_dir, SERVER, lambda: _make_administrator(checkout.choices))
    version = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False).stdout
    return f"MongoDB {version.splitlines()[0].removeprefix('db version v') if version else ''} (on this machine)"


def _make_administrator(choices: Choices) -> bool:
    """Whether MongoDB has its administrator, whom loopback may make as long as there is no user at all."""
    if not _has_administrator(choices):
        with _client(_uri(choices), patience_seconds=1) as client, suppress(PyMongoError):
            client.admin.command("createUser", documentdb.USER, pwd=choices.postgresql_password, roles=["root"])
    return _has_administrator(choices)


def _has_administrator(choices: Choices) -> bool:
    return serves(_administrator_uri(choices)) and not serves(_uri(choices))


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
        waiting.until_ready(checkout.state_dir, SERVER, lambda: _has_administrator(checkout.choices))
    return (
        f"FerretDB {ferretdb.VERSION} over PostgreSQL 18 with DocumentDB, standing in for MongoDB; "
        "takes users and passwords, enforces no rights of theirs"
    )
