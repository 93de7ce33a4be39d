"""Parts that a plain installation does not have."""

from collections.abc import Iterator
from contextlib import contextmanager

from trunkctl.trouble import Trouble

DEMO_PARTS = ("aiosmtpd", "devstack", "mint")


@contextmanager
def demo_parts(command: str) -> Iterator[None]:
    """For imports of the demo's packages. Raises ``Trouble`` with an explanation if they are not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in DEMO_PARTS:
            raise
        raise Trouble(
            f"`trunkctl {command}` needs parts that are not installed: install trunk-trunkctl[demo]."
        ) from error
