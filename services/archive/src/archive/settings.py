"""Settings of the archive alone."""

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, SecretStr

from common.settings import ServiceSettings


def _unless_empty(written: object) -> object:
    """None for an empty text: Compose and Kubernetes pass on an unset variable as an empty one."""
    return None if written == "" else written


Size = Annotated[Annotated[int, Field(ge=0)] | None, BeforeValidator(_unless_empty)]
"""A number of entries; None = not set."""


class ArchiveSettings(ServiceSettings):
    """``TRUNK_*`` settings of the archive."""

    log_key: SecretStr = SecretStr("")
    """Private key that signs the log's checkpoints: 32 random bytes in hex digits. Empty = nothing is sealed."""
    log_origin: str = Field(default="trunk/ledger", pattern=r"^[^\s+]+$")
    """Name of the log and of its key; no other log may have it. Choose a new one if a restore has lost checkpoints."""
    log_former_keys: tuple[str, ...] = ()
    """Public keys of former private keys, as ``trunkctl log public-key`` prints them. Their checkpoints stay valid."""
    log_adopt_size: Size = None
    """After the database was restored from a backup: size of the log in the store from which the sealer continues, or,
    if the store has no log, the size to which the database leads. None or empty = nobody has confirmed it."""
    seal_seconds: float = Field(default=2.0, gt=0)
    """Pause between two rounds of the sealer."""
    retention_table: Path | None = None
    """TOML file that replaces the shipped retention table; see ``archive/retention.toml`` for its shape."""
