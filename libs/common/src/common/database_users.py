"""Makes and checks the users of the database: one for each role of ``store_access.py``, with a database role."""

from collections.abc import Mapping
from typing import Any

from pymongo import MongoClient

from common.store_access import DATABASE_GRANTS, Role
from common.store_policies import database_role, database_role_name

Client = MongoClient[dict[str, Any]]

USERS = tuple(grant.role for grant in DATABASE_GRANTS)
"""The roles that have a database user; its name is that of the role."""


def apply(client: Client, passwords: Mapping[Role, str]) -> list[str]:
    """Make missing users, give existing ones the password and the rights of the table. Returns the users made.

    ``client`` is the administrator's. On a server without roles (``roles_missing``) users have all rights.
    Raises ``pymongo.errors.PyMongoError``.
    """
    without_roles = roles_missing(client)
    known = {user["user"] for user in client.admin.command("usersInfo").get("users", [])}
    for role in USERS:
        if not without_roles:
            _give_rights(client, role)
        granted: dict[str, Any] = {"roles": [database_role_name(role)]}
        if without_roles and role in known:
            granted = {}  # FerretDB refuses to change them
        command = "updateUser" if role in known else "createUser"
        client.admin.command(command, role.value, pwd=passwords[role], **granted)
    return [role.value for role in USERS if role not in known]


def roles_missing(client: Client) -> str:
    """Name of a server that has users and passwords but enforces no rights (FerretDB 2); empty = it enforces them."""
    described = client.admin.command("buildInfo").get("ferretdb")
    return f"FerretDB {described['version']}" if described else ""


def problems(client: Client, role: Role) -> list[str]:
    """How the rights of the session differ from those of the role. Only for servers that enforce rights."""
    session = client.admin.command("connectionStatus", showPrivileges=True)["authInfo"]
    return differences(role, session.get("authenticatedUserPrivileges", []))


def differences(role: Role, privileges: list[dict[str, Any]]) -> list[str]:
    """The same for privileges in MongoDB's format: those for the trunk's databases, or for all databases."""
    described = database_role(role)
    wanted = _by_database(described["privileges"] if described else [])
    held = {
        name: actions for name, actions in _by_database(privileges).items() if name.startswith("trunk_") or not name
    }
    names = sorted(wanted.keys() | held.keys())
    return [
        f"database user {role.value}: in {name or 'every database'} {_listed(held.get(name))}, "
        f"not {_listed(wanted.get(name))}"
        for name in names
        if held.get(name) != wanted.get(name)
    ]


def _give_rights(client: Client, role: Role) -> None:
    name, rights = database_role_name(role), database_role(role)
    known = client.admin.command("rolesInfo", name)["roles"]
    client.admin.command("updateRole" if known else "createRole", name, **(rights or {}))


def _by_database(privileges: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Actions by database, or by ``database.collection``; those of the whole server, which name none, are left out."""
    by_database: dict[str, set[str]] = {}
    for privilege in privileges:
        resource = privilege["resource"]
        if (database := resource.get("db")) is not None:
            name = ".".join(filter(None, (database, resource.get("collection"))))
            by_database.setdefault(name, set()).update(privilege["actions"])
    return by_database


def _listed(actions: set[str] | None) -> str:
    return ", ".join(sorted(actions or ())) or "nothing"
