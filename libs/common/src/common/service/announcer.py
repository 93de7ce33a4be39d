"""What a handler may ask of the chassis: to announce a fact. Tests pass one that remembers."""

from typing import Protocol

from common.facts import BaseFact


class Announcer(Protocol):
    """Announces facts."""

    async def announce(self, fact: BaseFact) -> None:
        """Publish, and return when the broker has confirmed."""
