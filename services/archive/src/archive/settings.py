"""What the archive alone needs to know."""

from pathlib import Path

from common.settings import ServiceSettings


class ArchiveSettings(ServiceSettings):
    """``TRUNK_*`` settings of the archive."""

    retention_table: Path | None = None
    """TOML file that replaces the shipped retention table; see ``archive/retention.toml`` for its shape."""
