"""`devstack up | down | status | env`: the servers of a checkout from the command line."""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from devstack import cache, progress, servers
from devstack.addresses import Addresses
from devstack.errors import DevstackError

NOT_RUNNING = 3


def main() -> None:
    """Run one command and end with its code: 0 done, 1 could not, 3 not running."""
    options = _options()
    try:
        sys.exit(COMMANDS[options.command](options))
    except DevstackError as error:
        print(f"devstack: {error}", file=sys.stderr)
        sys.exit(1)


def up(options: argparse.Namespace) -> int:
    """Start what does not run and print where it is."""
    with progress.shown() as steps:
        addresses = servers.start(options.state, progress=steps)
    _show(addresses)
    return 0


def down(options: argparse.Namespace) -> int:
    """Stop everything; with --erase remove the data as well."""
    servers.stop(options.state)
    if options.erase:
        cache.erase(options.state)
    return 0


def status(options: argparse.Namespace) -> int:
    """Print where the servers are, if they run."""
    addresses = servers.running(options.state)
    if addresses is None:
        print("not running")
        return NOT_RUNNING
    _show(addresses)
    return 0


def env(options: argparse.Namespace) -> int:
    """Print shell lines that point another checkout or a service at these servers."""
    addresses = servers.running(options.state)
    if addresses is None:
        print("devstack: not running; `devstack up` first", file=sys.stderr)
        return NOT_RUNNING
    for name, value in variables(addresses).items():
        print(f"export {name}='{value}'")
    return 0


COMMANDS = {"up": up, "down": down, "status": status, "env": env}


def variables(addresses: Addresses) -> dict[str, str]:
    """The addresses as the environment variables that devstack itself understands."""
    return {
        "TRUNK_DEV_AMQP_URL": addresses.amqp_url,
        "TRUNK_DEV_RABBITMQ_MANAGEMENT_URL": addresses.rabbitmq_management_url,
        "TRUNK_DEV_RABBITMQ_PROMETHEUS_URL": addresses.rabbitmq_prometheus_url,
        "TRUNK_DEV_MONGO_URI": addresses.mongo_uri,
        "TRUNK_DEV_S3_ENDPOINT": addresses.s3_endpoint,
        "TRUNK_DEV_S3_ACCESS_KEY": addresses.s3_access_key,
        "TRUNK_DEV_S3_SECRET_KEY": addresses.s3_secret_key,
    }


def _show(addresses: Addresses) -> None:
    table = Table("server", "address", "what it is")
    table.add_row("rabbitmq", f"{addresses.amqp_host}:{addresses.amqp_port}", addresses.versions.get("rabbitmq"))
    table.add_row("  management", addresses.rabbitmq_management_url, f"user {addresses.rabbitmq_admin_user}")
    table.add_row("  metrics", addresses.rabbitmq_prometheus_url, "")
    table.add_row("mongo", addresses.mongo_uri.rpartition("@")[2], addresses.versions.get("mongo"))
    table.add_row("s3", addresses.s3_endpoint, addresses.versions.get("s3"))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="devstack", description=__doc__)
    parser.add_argument("command", choices=COMMANDS, help="what to do")
    parser.add_argument("--state", type=Path, default=Path(".devstack"), help="folder of data and logs")
    parser.add_argument("--erase", action="store_true", help="down: remove the data too")
    return parser.parse_args()


if __name__ == "__main__":
    main()
