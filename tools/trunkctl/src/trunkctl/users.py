"""``trunkctl users``: new passwords for broker users whose passwords are kept in the users file."""

import json
import secrets
from pathlib import Path

from trunkctl import trunk_file
from trunkctl.broker_admin import BrokerAdmin
from trunkctl.trouble import Trouble

PASSWORD_BYTES = 24


def rotate(admin: BrokerAdmin, users_file: Path, user: str) -> None:
    """Give a user a new random password, in the file first: ``topology apply`` finishes what was broken off.

    Raises ``Trouble`` when the password is not kept in the file, or the file cannot be written.
    """
    known = trunk_file.passwords(users_file)
    if user not in known:
        raise Trouble(
            f"{users_file} holds no password of {user}. Where it is kept elsewhere, change it there, "
            "then `trunkctl topology apply` puts it into force."
        )
    changed = known | {user: secrets.token_urlsafe(PASSWORD_BYTES)}
    try:
        trunk_file.write_private(users_file, json.dumps(changed, indent=1))
    except OSError as error:
        raise Trouble(f"{users_file} cannot be written, so nothing was changed: {error}") from error
    admin.set_password(user, changed[user])
