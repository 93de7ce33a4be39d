"""Commands about the object store and the database: ``stores``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from common import buckets
from common.objects import Objects
from common.store_access import Role
from trunkctl import access_tables, store_access
from trunkctl.settings import DEFAULT_STATE, StateOption, settings
from trunkctl.shown import show_differences, show_json, show_line

stores_app = typer.Typer(no_args_is_help=True, help="The object store's buckets, and who may do what at the stores.")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(stores_app, name="stores")


@stores_app.command("apply")
def stores_apply(state: StateOption = DEFAULT_STATE) -> None:
    """Make the missing buckets; safe to run again."""
    made = buckets.make_missing(Objects(settings(state, Role.MIGRATE)).client)
    show_line(f"made: {', '.join(made) or 'nothing, all there'}")


@stores_app.command("check")
def stores_check(state: StateOption = DEFAULT_STATE) -> None:
    """List missing or unsafe buckets, and differences of the operator's database rights; exit 1 if there are any."""
    own = settings(state)
    rights = store_access.check_database(own)
    if rights.skipped:
        show_line(f"skipped: {rights.skipped}")
    show_differences([*buckets.problems(Objects(own).client), *rights.differences])


@stores_app.command("users")
def stores_users(state: StateOption = DEFAULT_STATE) -> None:
    """Make the database's users and their rights, with TRUNK_MONGO_ADMIN_URI; safe to run again."""
    users = store_access.make_database_users(settings(state))
    if users.skipped:
        show_line(f"skipped: {users.skipped}")
    show_line(f"made: {', '.join(users.made) or 'nothing, all there'}")


@stores_app.command("identities")
def stores_identities(
    keys: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help='JSON: {"<role>": {"access": "…", "secret": "…"}, …}.'),
    ] = None,
) -> None:
    """SeaweedFS's -s3.config with every role's rights; without --keys, with a placeholder for each key."""
    show_json(json.dumps(store_access.identities(keys), indent=1))


@stores_app.command("policy")
def stores_policy(role: Annotated[Role, typer.Argument(help="Whose policy.")]) -> None:
    """A role's policy for object stores that accept AWS policies."""
    show_json(store_access.policy_json(role))


@stores_app.command("access")
def stores_access() -> None:
    """The rights at the object store and the database, with reasons."""
    typer.echo("\n".join([*access_tables.object_store(), "", *access_tables.database()]))
