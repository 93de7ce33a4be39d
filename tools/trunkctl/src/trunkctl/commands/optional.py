"""Packages that a plain installation does not have."""

from collections.abc import Iterator
from contextlib import contextmanager

from trunkctl.command_error import CommandError

LOCAL_PACKAGES = ("aiosmtpd", "devstack", "mint")


@contextmanager
def local_packages(command: str) -> Iterator[None]:
    """For imports that a trunk on this machine needs. Raises ``CommandError`` if one of them is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in LOCAL_PACKAGES:
            raise
        raise CommandError(
            f"`trunkctl {command}` needs packages that are not installed: install trunk-trunkctl[local]."
        ) from error
