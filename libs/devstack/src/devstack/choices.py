"""What a checkout settled at its first start and keeps: ports, passwords, the broker's node name."""

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from devstack import ports

NAMES = (
    *("amqp", "management", "prometheus", "erlang", "epmd"),
    *("postgresql", "mongo"),
    *("s3", "s3_grpc", "filer", "filer_grpc", "master", "master_grpc", "volume", "volume_grpc"),
)


@dataclass(frozen=True)
class Choices:
    """ports: by the names above, 1-65535. Secrets: URL-safe text. node_name: Erlang's, name@localhost."""

    ports: dict[str, int]
    node_name: str
    rabbitmq_password: str
    postgresql_password: str
    s3_access_key: str
    s3_secret_key: str


def load(state_dir: Path) -> Choices | None:
    """What was chosen before, or None at the first start."""
    try:
        return Choices(**json.loads(_path(state_dir).read_text()))
    except FileNotFoundError:
        return None


def settle(state_dir: Path) -> Choices:
    """What was chosen before; else choose and keep it."""
    kept = load(state_dir)
    if kept is None:
        kept = _choose(state_dir)
        write_private(_path(state_dir), asdict(kept))
    return kept


def move(state_dir: Path, kept: Choices) -> Choices:
    """The same secrets on another block of ports: for when a stranger has taken one of ours."""
    moved = Choices(**{**asdict(kept), "ports": _ports(state_dir)})
    write_private(_path(state_dir), asdict(moved))
    return moved


def write_private(path: Path, content: object) -> None:
    """Write JSON that only its owner may read, whole or not at all."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(content, indent=1) + "\n")
    unfinished.replace(path)


def _choose(state_dir: Path) -> Choices:
    return Choices(
        ports=_ports(state_dir),
        node_name=f"trunk-{secrets.token_hex(4)}@localhost",
        rabbitmq_password=secrets.token_urlsafe(18),
        postgresql_password=secrets.token_urlsafe(18),
        s3_access_key=secrets.token_hex(10).upper(),
        s3_secret_key=secrets.token_urlsafe(30),
    )


def _ports(state_dir: Path) -> dict[str, int]:
    return dict(zip(NAMES, ports.free_block(state_dir), strict=False))


def _path(state_dir: Path) -> Path:
    return state_dir / "choices.json"
