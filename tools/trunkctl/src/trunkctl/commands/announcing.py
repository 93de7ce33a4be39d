"""Announces what was done to units, or says on standard error that it could not, and how it is made up for."""

import typer

from common.failure import TrunkFailure
from trunkctl.settings import ControlSettings
from trunkctl.trouble import Trouble
from trunkctl.units.announce import catch_up
from trunkctl.units.bucket import DirectoryBucket

LATER = (
    "What was done is in force and in the history, but not announced as a security event yet: {why} "
    "The next command that changes units makes up for it, or `trunkctl units announce`."
)


def announce(settings: ControlSettings, bucket: DirectoryBucket) -> bool:
    """Announce every entry that was not announced yet. Returns whether that worked."""
    try:
        catch_up(settings, bucket)
    except (Trouble, TrunkFailure) as error:
        typer.echo(LATER.format(why=error), err=True)
        return False
    return True
