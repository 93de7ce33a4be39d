"""What a checkout settled at its first start and keeps: ports, passwords, the broker's node name."""

import json
import secrets
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from common.store_access import Role
from devstack import ports
from devstack.private_file import write_private

NAMES = (
    *("amqp", "management", "prometheus", "erlang", "epmd"),
    *("postgresql", "mongo"),
    *("s3", "s3_grpc", "filer", "filer_grpc", "master", "master_grpc", "volume", "volume_grpc"),
    "amqps",
)
"""Names of ports. A new one goes to the end: the others keep their places in the block."""


@dataclass(frozen=True)
class Choices:
    """ports: by the names above, 1-65535. Secrets: URL-safe text. node_name: Erlang's, name@localhost.

    s3_keys and mongo_passwords: by role of ``common.store_access``; an access key and its secret, a password.
    joins: name of the node whose cluster a broker without data joins; empty = none.
    """

    ports: dict[str, int]
    node_name: str
    rabbitmq_password: str
    postgresql_password: str
    s3_access_key: str
    s3_secret_key: str
    s3_keys: dict[str, list[str]] = field(default_factory=dict)
    mongo_passwords: dict[str, str] = field(default_factory=dict)
    joins: str = ""


def load(state_dir: Path) -> Choices | None:
    """What was chosen before, or None at the first start. Names of ports that are new since then get a place."""
    try:
        choices = Choices(**json.loads(_path(state_dir).read_text()))
        return replace(choices, ports=_completed(choices.ports))
    except FileNotFoundError:
        return None


def settle(state_dir: Path) -> Choices:
    """What was chosen before, with secrets for roles that are new; else choose. Kept from then on."""
    before = load(state_dir)
    choices = _with_roles(before or _choose(state_dir))
    if choices != before:
        keep(state_dir, choices)
    return choices


def move(state_dir: Path, choices: Choices) -> Choices:
    """The same secrets on another block of ports: for when a stranger has taken one of ours."""
    moved = Choices(**{**asdict(choices), "ports": _ports(state_dir)})
    keep(state_dir, moved)
    return moved


def keep(state_dir: Path, chosen: Choices) -> None:
    """Choose for a state folder what others have settled."""
    write_private(_path(state_dir), asdict(chosen))


def _choose(state_dir: Path) -> Choices:
    return Choices(
        ports=_ports(state_dir),
        node_name=f"trunk-{secrets.token_hex(4)}@localhost",
        rabbitmq_password=_password(),
        postgresql_password=_password(),
        s3_access_key=_access_key(),
        s3_secret_key=_secret_key(),
    )


def _with_roles(choices: Choices) -> Choices:
    return replace(
        choices,
        s3_keys={role.value: choices.s3_keys.get(role.value) or [_access_key(), _secret_key()] for role in Role},
        mongo_passwords={role.value: choices.mongo_passwords.get(role.value) or _password() for role in Role},
    )


def _access_key() -> str:
    return secrets.token_hex(10).upper()


def _secret_key() -> str:
    return secrets.token_urlsafe(30)


def _password() -> str:
    return secrets.token_urlsafe(18)


def _ports(state_dir: Path) -> dict[str, int]:
    return dict(zip(NAMES, ports.free_block(state_dir), strict=False))


def _completed(saved: dict[str, int]) -> dict[str, int]:
    """The saved ports, and the next ones of their block for names that are missing."""
    spare = (port for port in range(min(saved.values()), sys.maxsize) if port not in saved.values())
    return saved | {name: next(spare) for name in NAMES if name not in saved}


def _path(state_dir: Path) -> Path:
    return state_dir / "choices.json"
