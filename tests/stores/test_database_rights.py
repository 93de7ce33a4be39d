"""The database's users: only with a password, one a role; and the rights of each, where the server enforces any."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pymongo
import pytest
from pymongo.errors import OperationFailure

from common import database_users
from common.indexes import database_name
from common.store_access import DATABASE_GRANTS, Action, Role
from common.topology import SERVICES
from devstack.servers import Addresses

Client = database_users.Client
AUTHENTICATION_FAILED, UNAUTHORIZED = 18, 13


def connected(uri: str) -> Client:
    return pymongo.MongoClient(uri, serverSelectionTimeoutMS=10_000)


@pytest.fixture
def administrator(addresses: Addresses) -> Iterator[Client]:
    with closing(connected(addresses.mongo_uri)) as client:
        yield client


@pytest.fixture
def enforced(administrator: Client) -> None:
    """Skips where the server has no rights to enforce."""
    if server := database_users.roles_missing(administrator):
        pytest.skip(f"rights of database users skipped: {server} takes users and passwords, and enforces no rights")


def code_of(ask: Callable[[], Any]) -> int | None:
    """Of the server's refusal; None = it took it."""
    try:
        ask()
    except OperationFailure as error:
        return error.code
    return None


def test_nobody_gets_in_without_a_password(addresses: Addresses) -> None:
    place = addresses.mongo_uri.rpartition("@")[2]
    with closing(connected(f"mongodb://{place}")) as client:
        collection = client[database_name("archive")]["records"]
        for ask in (collection.find_one, lambda: collection.insert_one({}), client.list_database_names):
            assert code_of(ask) == UNAUTHORIZED


def test_one_users_password_is_not_anothers(addresses: Addresses) -> None:
    place = addresses.mongo_uri.rpartition("@")[2]
    password = addresses.mongo_uris[Role.INTAKE].partition("://intake:")[2].partition("@")[0]
    for user, guess in ((Role.ARCHIVE, password), (Role.INTAKE, "wrong"), ("nobody", password)):
        with closing(connected(f"mongodb://{user}:{guess}@{place}")) as client:
            assert code_of(client[database_name("intake")]["packages"].find_one) == AUTHENTICATION_FAILED


@pytest.mark.parametrize("role", database_users.USERS)
def test_every_role_gets_in_as_itself(addresses: Addresses, role: Role) -> None:
    with closing(connected(addresses.mongo_uris[role])) as client:
        users = client.admin.command("connectionStatus")["authInfo"]["authenticatedUsers"]
        assert [user["user"] for user in users] == [role.value]


def test_making_users_again_changes_passwords_and_nothing_else(addresses: Addresses, administrator: Client) -> None:
    before = {role: uri.partition(f"://{role}:")[2].partition("@")[0] for role, uri in addresses.mongo_uris.items()}
    passwords = {Role(role): password for role, password in before.items()}
    assert database_users.apply(administrator, passwords) == []
    place = addresses.mongo_uri.rpartition("@")[2]
    try:
        database_users.apply(administrator, {**passwords, Role.ROUTER: "another-password-1"})
        with closing(connected(addresses.mongo_uris[Role.ROUTER])) as client:
            assert code_of(client[database_name("router")]["documents"].find_one) == AUTHENTICATION_FAILED
        with closing(connected(f"mongodb://router:another-password-1@{place}")) as client:
            assert client[database_name("router")]["documents"].find_one() is None
    finally:
        database_users.apply(administrator, passwords)


ASKED: dict[Action, Callable[[Any], Any]] = {
    Action.FIND: lambda collection: collection.find_one({"_id": 1}),
    Action.INSERT: lambda collection: collection.insert_one({}),
    Action.UPDATE: lambda collection: collection.update_one({"_id": 1}, {"$set": {"a": 1}}),
    Action.CREATE_INDEX: lambda collection: collection.create_index("a"),
    Action.LIST_INDEXES: lambda collection: collection.index_information(),
    Action.LIST_COLLECTIONS: lambda collection: collection.database.list_collection_names(),
}
FOR_NOBODY: dict[str, Callable[[Any], Any]] = {
    "remove": lambda collection: collection.delete_one({"_id": 1}),
    "drop": lambda collection: collection.drop(),
    "drop an index": lambda collection: collection.drop_index("b"),
    "rename": lambda collection: collection.rename("other"),
    "drop the database": lambda collection: collection.database.client.drop_database(collection.database.name),
    "make a user": lambda collection: collection.database.client.admin.command(
        "createUser", "another", pwd="another-password-1", roles=[]
    ),
}


@pytest.mark.usefixtures("enforced")
@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("role", database_users.USERS)
def test_each_user_may_do_what_the_table_says_and_nothing_else(
    addresses: Addresses, administrator: Client, role: Role, service: str
) -> None:
    administrator[database_name(service)]["rights"].create_index("b")
    granted = {
        action
        for grant in DATABASE_GRANTS
        if grant.role is role and service in grant.services
        for action in grant.actions
    }
    with closing(connected(addresses.mongo_uris[role])) as client:
        collection = client[database_name(service)]["rights"]
        may = {action for action, ask in ASKED.items() if code_of(lambda ask=ask: ask(collection)) != UNAUTHORIZED}
        assert may == granted
        for name, ask in FOR_NOBODY.items():
            assert code_of(lambda ask=ask: ask(collection)) == UNAUTHORIZED, name


@pytest.mark.usefixtures("enforced")
@pytest.mark.parametrize("role", database_users.USERS)
def test_the_server_tells_the_rights_of_the_table(addresses: Addresses, role: Role) -> None:
    with closing(connected(addresses.mongo_uris[role])) as client:
        assert database_users.problems(client, role) == []
