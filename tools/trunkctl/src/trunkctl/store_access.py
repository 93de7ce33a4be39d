"""``trunkctl stores``: makes and checks what enforces ``common.store_access``."""

import json
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from common import database_users
from common.store_access import Role
from common.store_policies import KeyPair, policy, seaweedfs_config
from trunkctl.command_error import CommandError
from trunkctl.operator_files import text_of
from trunkctl.settings import ControlSettings

TIMEOUT_MS = 10_000
PASSWORDS = TypeAdapter(dict[Role, str])
KEYS = TypeAdapter(dict[Role, KeyPair])


@dataclass(frozen=True, slots=True)
class DatabaseRights:
    """How the rights of the session's database user differ from the operator's; ``skipped``: why nobody can say."""

    differences: tuple[str, ...] = ()
    skipped: str = ""


@dataclass(frozen=True, slots=True)
class DatabaseUsers:
    """The database users that were made; ``skipped``: why they have no rights of their own."""

    made: tuple[str, ...]
    skipped: str


def check_database(settings: ControlSettings) -> DatabaseRights:
    """Compare the session's rights with those of the operator. Raises ``PyMongoError``."""
    with closing(_client(settings.mongo_uri.get_secret_value())) as client:
        if server := database_users.roles_missing(client):
            return DatabaseRights(skipped=_skipped(server))
        return DatabaseRights(tuple(database_users.problems(client, Role.OPERATOR)))


def make_database_users(settings: ControlSettings) -> DatabaseUsers:
    """Make the database's users and their rights. Raises ``CommandError``."""
    uri, file = settings.mongo_admin_uri.get_secret_value(), settings.mongo_users_file
    if not uri or not file:
        raise CommandError(
            "Set TRUNK_MONGO_ADMIN_URI to the database's address as its administrator, and TRUNK_MONGO_USERS_FILE to a "
            f"JSON file with the password of each user: {', '.join(database_users.USERS)}."
        )
    passwords = _passwords(file)
    try:
        with closing(_client(uri)) as client:
            server = database_users.roles_missing(client)
            return DatabaseUsers(tuple(database_users.apply(client, passwords)), _skipped(server) if server else "")
    except PyMongoError as error:
        raise CommandError(f"The database did not make the users: {error}") from error


def identities(keys_file: Path | None) -> dict[str, object]:
    """SeaweedFS's configuration; without a file, ``@<role>_access@`` and ``@<role>_secret@`` stand for the keys."""
    if keys_file is None:
        return seaweedfs_config({role: KeyPair(f"@{role}_access@", f"@{role}_secret@") for role in Role})
    try:
        given = {role: KeyPair(**pair) for role, pair in json.loads(text_of(keys_file)).items()}
        keys = KEYS.validate_python(given)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise CommandError(f"{keys_file} does not hold the keys of roles: {error}") from error
    _expect(keys_file, set(Role) - keys.keys())
    return seaweedfs_config(keys)


def policy_json(role: Role) -> str:
    """The role's policy."""
    return json.dumps(policy(role), indent=1)


def _passwords(file: Path) -> dict[Role, str]:
    try:
        passwords = PASSWORDS.validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise CommandError(f"{file} does not hold the passwords of database users: {error}") from error
    _expect(file, set(database_users.USERS) - passwords.keys())
    return passwords


def _expect(file: Path, missing: set[Role]) -> None:
    if missing:
        raise CommandError(f"{file} says nothing about {', '.join(sorted(missing))}.")


def _skipped(server: str) -> str:
    return f"rights of the database's users: {server} takes users and passwords, and enforces no rights"


def _client(uri: str) -> database_users.Client:
    return MongoClient(uri, serverSelectionTimeoutMS=TIMEOUT_MS, appname="trunkctl-stores")
