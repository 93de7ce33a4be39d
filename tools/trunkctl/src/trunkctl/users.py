"""``trunkctl users``: new passwords for broker users whose passwords are kept in the users file."""

import json
import secrets
from collections.abc import Container
from pathlib import Path

from trunkctl import trunk_file
from trunkctl.broker_admin import BrokerAdmin
from trunkctl.trouble import Trouble

PASSWORD_BYTES = 24


def rotate(admin: BrokerAdmin, users_file: Path, user: str, given: Container[str] = ()) -> None:
    """Give a user a new random password, in the file first: ``topology apply`` finishes what was broken off.

    given: users whose passwords somebody else chooses. Raises ``Trouble`` for them, for users that the file does not
    know, and when the file cannot be written.
    """
    known = trunk_file.passwords(users_file)
    if user not in known or user in given:
        raise Trouble(
            f"The password of {user} is not kept in {users_file}. Change it where it is kept, "
            "then `trunkctl topology apply` puts it into force."
        )
    changed = known | {user: secrets.token_urlsafe(PASSWORD_BYTES)}
    try:
        trunk_file.write_private(users_file, json.dumps(changed, indent=1))
    except OSError as error:
        raise Trouble(f"{users_file} cannot be written, so nothing was changed: {error}") from error
    admin.set_password(user, changed[user])
