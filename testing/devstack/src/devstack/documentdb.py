"""PostgreSQL 18 with the DocumentDB extension, out of the Debian tree: FerretDB's storage."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path

from devstack import processes
from devstack.checkout import Checkout
from devstack.debian_tree import Tree
from devstack.ports import LOOPBACK
from devstack.processes import Program

FOLDER = "postgresql"
BINARIES = "/usr/lib/postgresql/18/bin"
DATA = "/srv/data"
USER = "postgres"
"""PostgreSQL's administrator, and with the same password the database's, whatever server that is."""
ENVIRONMENT = {"LC_ALL": "C.UTF-8", "HOME": "/srv", "PATH": f"{BINARIES}:/usr/bin:/bin"}
# Without TCP: nobody may connect before the extension and the password are there.
LOCAL_ONLY = "-c listen_addresses=''"


def start(checkout: Checkout, tree: Tree, server: str) -> None:
    """Start the server, its data made at the first time; return at once, not when it is ready."""
    data = checkout.data(FOLDER)
    if not (data / "ready").exists():
        with checkout.progress.step("PostgreSQL's data with DocumentDB"):
            _initialise(checkout, tree, data)
    _write_settings(data, checkout.choices.ports["postgresql"])
    processes.start(checkout.state_dir, _program(checkout, tree, server))


def url(checkout: Checkout) -> str:
    """For FerretDB: with the password, which exists for TCP alone."""
    password, port = checkout.choices.postgresql_password, checkout.choices.ports["postgresql"]
    return f"postgres://{USER}:{password}@{LOOPBACK}:{port}/postgres"


def _program(checkout: Checkout, tree: Tree, server: str) -> Program:
    settings = [f"{name}={value}" for name, value in ENVIRONMENT.items()]
    settings.append(f"{processes.MARK}={processes.mark(checkout.state_dir, server)}")
    command = ["env", "-i", *settings, f"{BINARIES}/postgres", "-D", DATA]
    inside = tree.command(checkout.data(FOLDER), USER, command)
    # SIGINT is PostgreSQL's fast shutdown: it does not wait for clients to leave.
    return Program(server, "postgres", inside, processes.ordinary_environment(), signal.SIGINT)


def _initialise(checkout: Checkout, tree: Tree, data: Path) -> None:
    os.chown(data, *tree.owner(USER))

    def inside(*program: str) -> None:
        tree.run(data, USER, program, ENVIRONMENT)

    inside("rm", "-rf", DATA)
    inside(
        *("initdb", "-D", DATA, "-U", USER, "-E", "UTF8", "--locale=C.UTF-8"),
        *("--auth-local=trust", "--auth-host=scram-sha-256"),
    )
    _write_settings(data, checkout.choices.ports["postgresql"])
    inside("sh", "-ec", _first_start(checkout.choices.postgresql_password))
    (data / "ready").touch()


def _first_start(password: str) -> str:
    """A shell script that makes the extension and the password in one short-lived server."""
    statements: Sequence[str] = (
        "CREATE EXTENSION documentdb CASCADE",
        f"ALTER ROLE {USER} PASSWORD '{password}'",
    )
    options = " ".join(f'-c "{statement}"' for statement in statements)
    return f"""
pg_ctl -D {DATA} -w -l /srv/first-start.log -o "{LOCAL_ONLY}" start >/dev/null
psql -v ON_ERROR_STOP=1 -h /srv -p "$(cat /srv/port)" -U {USER} -q {options} postgres
pg_ctl -D {DATA} -w -m fast stop >/dev/null
"""


def settings(port: int) -> str:
    """The settings that differ from PostgreSQL's own.

    Shared memory by files, since /dev/shm may be tiny; autovacuum often, since without fresh
    statistics a look-up by a secondary index takes 35 ms instead of 0.6.
    """
    return f"""\
listen_addresses = '{LOOPBACK}'
port = {port}
unix_socket_directories = '/srv'
dynamic_shared_memory_type = mmap
shared_preload_libraries = 'pg_cron,pg_documentdb_core,pg_documentdb'
cron.database_name = 'postgres'
cron.host = '/srv'
documentdb.localhost_connection_string = 'host=/srv'
cron.log_statement = off
max_connections = 200
max_wal_size = 512MB
autovacuum_naptime = 10s
jit = off
deadlock_timeout = 10ms
log_checkpoints = off
"""


def _write_settings(data: Path, port: int) -> None:
    folder = data / "data"
    (data / "port").write_text(f"{port}\n")
    (folder / "trunk.conf").write_text(settings(port))
    (folder / "trunk.conf").chmod(0o644)
    main = folder / "postgresql.conf"
    if "trunk.conf" not in main.read_text():
        with main.open("a") as file:
            file.write("include 'trunk.conf'\n")
