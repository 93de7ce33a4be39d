"""Commands for units' access: ``units provision``, ``rotate``, ``disable``, ``enable``, ``password``."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated

import httpx
import typer

from common.domain.directory import BrokerLogin, Directory, Unit
from common.objects import Objects
from trunkctl import topology_job, trunk_file
from trunkctl.broker_admin import Refused
from trunkctl.command_error import CommandError
from trunkctl.commands.announcing import announce
from trunkctl.commands.decisions import ActorOption, PurposeOption, decision
from trunkctl.settings import DEFAULT_STATE, ControlSettings, StateOption, settings
from trunkctl.shown import show_line
from trunkctl.units import lookup
from trunkctl.units.access import DISABLED, BrokerAccess
from trunkctl.units.access_acts import access_entry
from trunkctl.units.bucket import DirectoryBucket
from trunkctl.units.history import Act, Decision, State

CodesArgument = Annotated[list[str], typer.Argument(metavar="UNIT…", help="Codes of units.")]
CodeArgument = Annotated[str, typer.Argument(metavar="UNIT", help="Code of the unit.")]


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(provision)
    app.command()(rotate)
    app.command()(disable)
    app.command()(enable)
    app.command()(password)


def provision(
    units: CodesArgument, by: ActorOption = "", why: PurposeOption = "", state: StateOption = DEFAULT_STATE
) -> None:
    """Make inbox, submit queues, user and rights of units of the directory; again makes only what is missing."""
    session = _Session(settings(state))
    chosen, who = session.units(units), decision(by, why)
    for unit in chosen:
        access = session.record(Act.PROVISIONED, unit, who)
        with _at_broker(f"{unit.code} is in the history as provisioned"):
            former = access.provision(unit)
        show_line(f"{unit.code}: {_described(unit, access)}")
        for user in former:
            show_line(f"{unit.code}: user {user}, which it had before, has no right any more")
    session.announce()


def rotate(
    unit: CodeArgument,
    disconnect: Annotated[bool, typer.Option("--disconnect", help="Close the sessions that are open, too.")] = False,
    by: ActorOption = "",
    why: PurposeOption = "",
    state: StateOption = DEFAULT_STATE,
) -> None:
    """Set a new password for a unit at once. Open sessions continue unless they are closed."""
    session = _Session(settings(state))
    (chosen,) = session.units([unit])
    session.access(session.state).expect_rotatable(chosen)
    access = session.record(Act.ROTATED, chosen, decision(by, why))
    with _at_broker(f"The new password of {chosen.user} is in {access.users_file}"):
        access.rotate(chosen)
    show_line(f"{chosen.user} has a new password: `trunkctl units password {chosen.code}` shows it")
    if disconnect:
        show_line(f"{access.admin.end_sessions(chosen.user, 'password changed')} sessions closed")
    session.announce()


def disable(
    units: CodesArgument, by: ActorOption = "", why: PurposeOption = "", state: StateOption = DEFAULT_STATE
) -> None:
    """Shut units out at once: no log-in, no right, open sessions closed, nothing taken from their submit queues.

    Their inboxes go on filling. Again finishes what was broken off.
    """
    session = _Session(settings(state))
    chosen, who = session.units(units), decision(by, why)
    for unit in chosen:
        known = session.state.disabled.get(unit.code)
        access = session.finish() if known else session.record(Act.DISABLED, unit, who)
        with _at_broker(f"The trunk takes nothing from {unit.code} any more"):
            ended = access.disable(unit)
        was = f" (it was disabled already, by {known.by}: {known.why})" if known else ""
        show_line(f"{unit.code} is disabled{was}; {ended} sessions closed")
    session.announce()


def enable(
    units: CodesArgument, by: ActorOption = "", why: PurposeOption = "", state: StateOption = DEFAULT_STATE
) -> None:
    """Restore the rights that the directory gives to units. Passwords are unchanged; rotate those that leaked."""
    session = _Session(settings(state))
    chosen, who = session.units(units), decision(by, why)
    for unit in chosen:
        known = session.state.disabled.get(unit.code)
        access = session.record(Act.ENABLED, unit, who) if known else session.finish()
        with _at_broker(f"The trunk takes what {unit.code} submits again"):
            access.set_rights(unit)
        show_line(f"{unit.code} is enabled{'' if known else ' (it was already)'}")
    session.announce()


def password(unit: CodeArgument, state: StateOption = DEFAULT_STATE) -> None:
    """The unit's broker user and password, to hand over; ``units provision`` makes them."""
    session = _Session(settings(state))
    (known_unit,) = session.units([unit])
    if known_unit.broker_login is BrokerLogin.CERTIFICATE:
        raise CommandError(
            f"{known_unit.user} logs in with a client certificate whose common name is {known_unit.user}."
        )
    if (kept := session.settings.passwords().get(known_unit.user)) is None:
        raise CommandError(
            f"{known_unit.user} has no password yet: `trunkctl units provision {known_unit.code}` makes one."
        )
    show_line(f"{known_unit.user} {kept}")


class _Session:
    """The common context of these commands: the directory in force, the state of the history, the broker."""

    def __init__(self, chosen: ControlSettings) -> None:
        self.settings = chosen
        self.bucket = DirectoryBucket(Objects(chosen))
        self.state: State = self.bucket.head().state
        self.directory: Directory = self.bucket.directory(self.state.in_force)
        self._admin = topology_job.admin(chosen)

    def units(self, codes: Iterable[str]) -> list[Unit]:
        """Units of the directory. Raises ``CommandError`` for the first code that is not in it."""
        return [lookup.named(self.directory, code) for code in codes]

    def access(self, state: State) -> BrokerAccess:
        """The broker, to be made as the state says."""
        given = self.settings.given_users_file
        passwords = trunk_file.passwords(given) if given else {}
        return BrokerAccess(self._admin, self.settings.users_file, passwords, self.directory, state.disabled)

    def record(self, act: Act, unit: Unit, who: Decision) -> BrokerAccess:
        """Write the act into the history and tell the services; then comes the broker."""
        entry, noticed = self.bucket.record(lambda head: access_entry(head, act, unit.code, who))
        self.state = entry.state
        return self._published(noticed)

    def finish(self) -> BrokerAccess:
        """The same for an act that is in the history: an earlier run may have ended before it told the services."""
        return self._published(self.bucket.publish_state())

    def _published(self, noticed: Iterable[str]) -> BrokerAccess:
        for line in noticed:
            typer.echo(line, err=True)
        return self.access(self.state)

    def announce(self) -> None:
        """Announce what was done."""
        announce(self.settings, self.bucket)


@contextmanager
def _at_broker(done: str) -> Iterator[None]:
    """If the broker's part fails, adds to the error what was done before."""
    try:
        yield
    except (Refused, httpx.HTTPError) as error:
        why = str(error) or type(error).__name__
        raise CommandError(
            f"{done}, but the broker did not do its part: {why}. Run the command again: it also announces what it did."
        ) from error


def _described(unit: Unit, access: BrokerAccess) -> str:
    if unit.code in access.disabled:
        return f"{DISABLED}: queues are there, user {unit.user} may do nothing"
    if unit.broker_login is BrokerLogin.CERTIFICATE:
        return f"user {unit.user} logs in with a client certificate whose common name is {unit.user}"
    return f"user {unit.user} logs in with the password that `trunkctl units password {unit.code}` shows"
