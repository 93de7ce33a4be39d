"""Commands for broker users: ``users rotate``."""

from typing import Annotated

import typer

from trunkctl import topology_job, users
from trunkctl.settings import DEFAULT_STATE, StateOption, settings
from trunkctl.shown import show_line
from trunkctl.trunk_file import passwords

users_app = typer.Typer(no_args_is_help=True, help="The broker's users: services and the operator.")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(users_app, name="users")


@users_app.command("rotate")
def users_rotate(
    user: Annotated[str, typer.Argument(help="A service's name, operator, or reader.")],
    disconnect: Annotated[bool, typer.Option("--disconnect", help="End the sessions that are open, too.")] = False,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """A new password for a service or the operator, written to the users file and put into force at once."""
    control_settings = settings(state)
    admin = topology_job.admin(control_settings)
    given = passwords(control_settings.given_users_file) if control_settings.given_users_file else {}
    users.rotate(admin, control_settings.users_file, user, given)
    show_line(f"{user} has a new password: {control_settings.users_file}")
    if disconnect:
        show_line(f"{admin.end_sessions(user, 'password changed')} sessions ended")
