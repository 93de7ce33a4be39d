"""Commands that bring servers into the described state: ``topology``, ``migrate``."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from common.objects import Objects
from common.store_access import Role
from trunkctl import migrate_job, topology_job
from trunkctl.commands.redrive import ActorOption, PurposeOption
from trunkctl.settings import DEFAULT_STATE, StateOption, settings
from trunkctl.shown import console, show_differences, show_line
from trunkctl.takeover.remains import leftovers
from trunkctl.takeover.session import TakeOverSession
from trunkctl.units import lookup

topology_app = typer.Typer(no_args_is_help=True, help="The broker's exchanges, queues, users and permissions.")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(topology_app, name="topology")
    app.command()(migrate)


CheckOption = Annotated[bool, typer.Option("--check", help="Change nothing: exit 1 and tell what differs.")]


def migrate(check: CheckOption = False, state: StateOption = DEFAULT_STATE) -> None:
    """Make missing buckets and indexes; safe to run again, also while the services run."""
    control_settings = settings(state, Role.MIGRATE)
    if check:
        show_differences(migrate_job.check(control_settings))
        return
    made = migrate_job.apply(control_settings)
    for line in made:
        show_line(f"made {line}")
    console().print("as described" if made else "as described already")


@topology_app.command("apply")
def topology_apply(check: CheckOption = False, state: StateOption = DEFAULT_STATE) -> None:
    """Declare everything for the units of the current directory; safe to run again."""
    control_settings = settings(state)
    if check:
        topology_check(state)
        return
    count = topology_job.apply(control_settings, lookup.current(Objects(control_settings)))
    show_line(f"{count} broker objects as described")


@topology_app.command("adopt")
def topology_adopt(actor: ActorOption = "", purpose: PurposeOption = "", state: StateOption = DEFAULT_STATE) -> None:
    """Record which broker is the trunk's: from then on `topology apply` refuses any other behind the same name."""
    if not actor or not purpose:
        raise typer.BadParameter("say who decides (--by) and why (--why)")
    identity = topology_job.adopt(settings(state), actor, purpose, datetime.now(UTC))
    nodes = "1 node" if identity.nodes == 1 else f"{identity.nodes} nodes"
    show_line(f"the trunk's broker is cluster {identity.cluster_id}, {nodes}")


@topology_app.command("take-over")
def topology_take_over(
    inboxes: Annotated[bool, typer.Option("--inboxes", help="Replace idle inboxes of the former release.")] = False,
    back: Annotated[bool, typer.Option("--back", help="Lead everything to the former release's queues again.")] = False,
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Move messages from the former release's queues to the present ones; exit 1 while it is not finished."""
    if inboxes and back:
        raise typer.BadParameter("either --inboxes or --back")
    control_settings = settings(state)
    session = TakeOverSession(control_settings, lookup.current(Objects(control_settings)), show_line)
    if back:
        session.go_back()
    elif lines := leftovers(session.replace_inboxes() if inboxes else session.run()):
        show_differences(lines)
    else:
        console().print("nothing of the former release is left")


@topology_app.command("check")
def topology_check(state: StateOption = DEFAULT_STATE) -> None:
    """List what differs from the description; exit 1 if anything does."""
    control_settings = settings(state)
    show_differences(topology_job.check(control_settings, lookup.current(Objects(control_settings))))
