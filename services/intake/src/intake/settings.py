"""What intake alone needs to know."""

from datetime import timedelta
from pathlib import Path

from pydantic import Field

from common.domain.names import Lane
from common.edxml import Limits
from common.headers import SUBMIT_INLINE_LIMIT_BYTES
from common.settings import ServiceSettings
from intake.pace import Bounds
from intake.rate_limits import RateLimits

MIB = 1024 * 1024


class IntakeSettings(ServiceSettings):
    """Limits of what may enter."""

    inline_limit_bytes: int = SUBMIT_INLINE_LIMIT_BYTES
    """Largest package inside a message; larger ones are uploaded and submitted by reference."""
    package_limit_bytes: int = 200 * MIB
    """Largest package at all."""

    one_object: bool = False
    """Whether a package is stored as one object, which the archive locks where it lies. Processes of the former release
    park the facts about such a package, so turn it on when none runs, and off before you go back."""

    unit_packages_per_minute: int = 1_200
    """Packages of one unit and lane that are taken a minute; what it submits beyond them waits in its own queue. 0 = no
    limit."""
    unit_bytes_per_minute: int = 1024 * MIB
    """Bytes of one unit and lane that are taken a minute."""
    under_way_at_least: int = Field(default=1, ge=1)
    """Packages that this process lets be under way in any case; further ones wait for their turn in their units'
    queues."""
    under_way_at_most: int = Field(default=64, ge=1)
    """Packages that it lets be under way at most, on a machine that carries them."""
    under_way_tolerance: float = Field(default=2.0, gt=1.0)
    """How many times as long as usual packages may take before fewer are let in."""
    awaited_document_hours: float = 24.0
    """How long a package waits for the document that it is about, before it is refused."""
    waiting_packages_per_unit: int = 1_000
    """Packages of one unit that may wait so; from then on they are refused at once."""
    undecided_holder_minutes: float = 10.0
    """How long a package waits while another one, which may still be refused, holds its DocumentId; then it is refused
    as a duplicate. 0 = at once."""
    waiting_sweep_seconds: float = 2.0
    """How often packages are looked for whose document has come or whose time is over."""

    redrive_after_seconds: float = 1_800.0
    """How long a normal package may be open before its fact is published again; the pauses double, up to a day."""
    urgent_redrive_after_seconds: float = 600.0
    """The same for an urgent package."""
    redrives_per_minute: int = 600
    """Facts published again at most, by all processes together; what an operator asks for does not count."""
    redrive_below_depth: int = 1_000
    """Messages in a queue behind intake from which on nothing is published again: the trunk is slow, not lossy."""
    redrive_sweep_seconds: float = 10.0
    """How often open packages are looked for whose time has come."""

    terms_table: Path | None = None
    """TOML file that replaces the shipped table of terms; see ``intake/ends.toml`` for its shape."""

    door_closes_at: int = 100_000
    """Messages in one queue behind intake from which on it takes no more submissions of that lane: about 230 MB of
    facts, or what the archive gets of 20,000 letters, two days of the city's traffic."""
    door_opens_at: int = 80_000
    """Messages below which it takes submissions again."""
    door_seconds: float = 1.0
    """How often the queues are asked."""

    @property
    def rate_limits(self) -> RateLimits:
        """What is taken of one unit and lane a minute."""
        return RateLimits(self.unit_packages_per_minute, self.unit_bytes_per_minute)

    @property
    def under_way_bounds(self) -> Bounds:
        """How many packages may be under way."""
        most = max(self.under_way_at_least, self.under_way_at_most)
        return Bounds(self.under_way_at_least, most, self.under_way_tolerance)

    @property
    def redrive_budgets(self) -> dict[Lane, timedelta]:
        """How long a package of a lane may be open before its fact is published again."""
        return {
            Lane.NORMAL: timedelta(seconds=self.redrive_after_seconds),
            Lane.URGENT: timedelta(seconds=self.urgent_redrive_after_seconds),
        }

    @property
    def limits(self) -> Limits:
        """Limits of the parser."""
        return Limits(max_package_bytes=self.package_limit_bytes)
