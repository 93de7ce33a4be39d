"""The part of the chassis that the router uses."""

from typing import Protocol

from common.facts import BaseFact
from common.service.outgoing import Outgoing


class Sender(Protocol):
    """The part of the chassis that the router uses."""

    async def announce(self, fact: BaseFact) -> None:
        """Publish a fact, and return when the broker has confirmed it. Raises ``Outage``."""

    async def publish(self, message: Outgoing) -> None:
        """Publish a message, and return when the broker has confirmed it. Raises ``PublishRefused``."""

    async def check_publishing(self) -> None:
        """Raises ``Outage`` while nothing can be published."""
