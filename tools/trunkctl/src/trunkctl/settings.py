"""What the command line needs to know: ``TRUNK_*`` environment variables, else the trunk on this machine."""

import os
from functools import cache
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import typer
from pydantic import SecretStr

from common.settings import ServiceSettings
from common.store_access import Role
from trunkctl import trunk_file
from trunkctl.command_error import CommandError

ADDRESSES = ("TRUNK_AMQP_URL", "TRUNK_MONGO_URI", "TRUNK_S3_ENDPOINT", "TRUNK_RABBITMQ_MANAGEMENT_URL")
"""One of them set = another trunk is meant, and nothing of this machine's is mixed in."""

StateOption = Annotated[
    Path, typer.Option("--state", envvar="TRUNK_STATE", help="Folder of the trunk on this machine.")
]
DEFAULT_STATE = Path(".devstack")


class ControlSettings(ServiceSettings):
    """Settings of an operator's session; a unit's session needs only ``amqp_url``."""

    role: Role = Role.OPERATOR
    """Whose keys to the object store these are: of a person who acts, or of one who looks."""
    rabbitmq_management_url: str = "http://127.0.0.1:15672"
    rabbitmq_admin_user: str = "guest"
    rabbitmq_admin_password: SecretStr = SecretStr("guest")
    users_file: Path = Path("users.json")
    """JSON of broker users and their passwords; missing ones are made and written back."""
    given_users_file: Path | None = None
    """The same, chosen by somebody else and never written; goes before ``users_file``."""
    trust_dir: Path | None = None
    """Folder with ``roots/``, ``intermediates/`` and ``crls/``."""
    directory_file: Path | None = None
    """Unit directory file; none = the directory in force is read from the object store."""
    city_dir: Path | None = None
    """Keys of the demo city, to sign with."""
    mongo_admin_uri: SecretStr = SecretStr("")
    """Address of the database as its administrator; only ``trunkctl stores users`` needs it."""
    mongo_users_file: Path | None = None
    """JSON of the database's users and their passwords, for ``trunkctl stores users``."""
    log_public_keys: tuple[str, ...] = ()
    """Public keys of the ledger's log, the present one and former ones, as ``trunkctl log public-key`` prints them."""
    log_adopted: tuple[str, ...] = ()
    """START-END/KEPT each: entries of the log that a restore of the database has lost but for so many."""
    archive_lost: tuple[str, ...] = ()
    """Package ids whose records a restore of the database has lost, and which nobody submits again."""
    backup_s3_endpoint: str = ""
    """Host and port of the second store, to which backups go."""
    backup_s3_access_key: SecretStr = SecretStr("")
    backup_s3_secret_key: SecretStr = SecretStr("")
    backup_s3_secure: bool = True
    """Whether the second store is spoken to over TLS."""
    backup_lost: tuple[str, ...] = ()
    """BUCKET/KEY each: objects that are lost for good, and keep no backup from being complete."""
    backup_bucket: str = "trunk-backup"
    """The second store's bucket, which holds all of a backup."""

    @property
    def own_user(self) -> str:
        """The user that ``amqp_url`` names."""
        return unquote(urlsplit(self.amqp_url.get_secret_value()).username or "")

    def passwords(self) -> dict[str, str]:
        """Passwords by broker user, as far as they are known here."""
        given = trunk_file.passwords(self.given_users_file) if self.given_users_file else {}
        return trunk_file.passwords(self.users_file) | given

    def broker_url(self, user: str) -> str:
        """Address at the broker as ``user``, whose password stands in the users file or in ``amqp_url``."""
        parts = urlsplit(self.amqp_url.get_secret_value())
        if user == self.own_user:
            return parts.geturl()
        password = self.passwords().get(user)
        if password is None:
            raise CommandError(
                f"No password of broker user {user}: it is not in {self.users_file}, "
                "and TRUNK_AMQP_URL does not name it."
            )
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{host}"))


@cache
def settings(state: Path = DEFAULT_STATE, role: Role = Role.OPERATOR) -> ControlSettings:
    """The session's settings, read once. ``role``: whose keys to the stores a trunk on this machine gives."""
    if any(name in os.environ for name in ADDRESSES):
        return ControlSettings()
    local = trunk_file.load(state)
    if local is None:
        return ControlSettings()
    values = {name: value for name, value in local.control(role).items() if f"TRUNK_{name}".upper() not in os.environ}
    return ControlSettings(**values)
