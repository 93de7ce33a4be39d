"""Announces changes of units; if that fails, prints on standard error how to announce them later."""

import typer

from common.failure import TrunkFailure
from trunkctl.command_error import CommandError
from trunkctl.settings import ControlSettings
from trunkctl.units.bucket import DirectoryBucket

LATER = (
    "What was done is in force and in the history, but not announced as a security event yet: {why} "
    "The next command that changes units makes up for it, or `trunkctl units announce`."
)


def announce(settings: ControlSettings, bucket: DirectoryBucket) -> bool:
    """Announces every entry that was not announced yet. Returns whether it succeeded."""
    from trunkctl.units.announce import catch_up  # needs the broker's client, which only a change needs

    try:
        catch_up(settings, bucket)
    except (CommandError, TrunkFailure) as error:
        typer.echo(LATER.format(why=error), err=True)
        return False
    return True
