"""Passwords of broker users, as far as they are kept in the users file."""

import json
import secrets
from collections.abc import Container
from pathlib import Path

from common.facts.flows import OPERATOR, SERVICES
from common.topology import READER
from trunkctl import trunk_file
from trunkctl.broker_admin import BrokerAdmin
from trunkctl.command_error import CommandError

PASSWORD_BYTES = 24
PEOPLE = (OPERATOR, READER)
"""Broker users of persons with trunkctl: they see the broker's figures."""


def rotate(admin: BrokerAdmin, users_file: Path, user: str, given: Container[str] = ()) -> None:
    """Give a service, the operator or the reader a new random password.

    Raises ``CommandError`` for any other user, and as ``choose_password`` does.
    """
    if user not in (*SERVICES, *PEOPLE):
        raise CommandError(f"{user} is no service: a unit's password is changed by `trunkctl units rotate`.")
    admin.set_password(user, choose_password(users_file, user, given), "monitoring" if user in PEOPLE else "")


def choose_password(users_file: Path, user: str, given: Container[str] = ()) -> str:
    """Write a new random password for a user into the file, and return it.

    The file comes before the broker: ``topology apply`` finishes what was broken off in between. given: users whose
    passwords somebody else chooses. Raises ``CommandError`` for them, for users that the file does not know, and if the
    file cannot be written.
    """
    expect_kept(users_file, user, given)
    password = secrets.token_urlsafe(PASSWORD_BYTES)
    try:
        trunk_file.write_private(users_file, json.dumps(trunk_file.passwords(users_file) | {user: password}, indent=1))
    except OSError as error:
        raise CommandError(f"{users_file} cannot be written, so nothing was changed: {error}") from error
    return password


def expect_kept(users_file: Path, user: str, given: Container[str] = ()) -> None:
    """Raise ``CommandError`` unless the password of this user is the file's to keep."""
    if user not in trunk_file.passwords(users_file) or user in given:
        raise CommandError(
            f"The password of {user} is not kept in {users_file}. Change it where it is kept, "
            "then `trunkctl topology apply` puts it into force."
        )
