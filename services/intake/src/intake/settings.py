"""Settings of intake alone."""

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
    """Limits, waiting times and budgets of intake."""

    inline_limit_bytes: int = SUBMIT_INLINE_LIMIT_BYTES
    """Largest package inside a message; larger ones are uploaded and submitted by reference."""
    package_limit_bytes: int = 200 * MIB
    """Largest package, however it is submitted."""

    one_object: bool = False
    """Whether a package is stored as one object, which the archive locks where it lies. Processes of the former release
    park the facts about such a package. So turn it on when none of them runs, and off before you go back."""

    unit_packages_per_minute: int = 1_200
    """Packages of one unit and lane that are taken a minute; further ones wait in the unit's own queue. 0 = no
    limit."""
    unit_bytes_per_minute: int = 1024 * MIB
    """Bytes of one unit and lane that are taken a minute. 0 = no limit."""
    under_way_at_least: int = Field(default=1, ge=1)
    """Packages that this process lets be under way even while they are slow; further ones wait in their units'
    queues."""
    under_way_at_most: int = Field(default=64, ge=1)
    """Packages that this process lets be under way at most."""
    under_way_tolerance: float = Field(default=2.0, gt=1.0)
    """How many times as long as usual packages may take before fewer of them may be under way."""
    awaited_document_hours: float = 24.0
    """How long a package waits for the document that it is about, before it is refused."""
    waiting_packages_per_unit: int = 1_000
    """Packages of one unit that may wait at a time; further ones are refused at once."""
    undecided_holder_minutes: float = 10.0
    """How long a package waits while another one, which may still be refused, holds its DocumentId. Then it is refused
    as a duplicate. 0 = at once."""
    waiting_sweep_seconds: float = 2.0
    """Pause between two searches for waiting packages whose document has come or whose deadline has passed."""

    redrive_after_seconds: float = 1_800.0
    """How long a normal package may be open before its fact is published again; the pauses double, up to a day."""
    urgent_redrive_after_seconds: float = 600.0
    """The same for an urgent package."""
    redrives_per_minute: int = 600
    """Facts published again at most, by all processes together. Those that an operator asked for do not count."""
    redrive_below_depth: int = 1_000
    """While a queue behind intake holds so many messages or more, nothing is published again: packages are slow there,
    not lost."""
    redrive_sweep_seconds: float = 10.0
    """Pause between two searches for open packages whose time has come."""

    terms_table: Path | None = None
    """TOML file that replaces the shipped table of terms; see ``intake/ends.toml`` for its shape."""

    door_closes_at: int = 100_000
    """When a queue behind intake holds so many messages, intake takes no more submissions of its lane. That is about
    230 MB of facts, or what the archive gets of 20,000 letters, two days of the city's traffic."""
    door_opens_at: int = 80_000
    """When all of these queues hold fewer messages, intake takes submissions again."""
    door_seconds: float = 1.0
    """Pause between two questions for the depths of the queues."""

    @property
    def rate_limits(self) -> RateLimits:
        """Limits for each unit and lane."""
        return RateLimits(self.unit_packages_per_minute, self.unit_bytes_per_minute)

    @property
    def under_way_bounds(self) -> Bounds:
        """Bounds of the number of packages under way."""
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
