"""What the broker reports, as RabbitMQ 4.3 writes it, and what clients can make it write."""

import pytest

from archive.broker_reports import Report, read
from common.domain.security import SecurityKind

UNIT, VICTIM = "H29.901.02", "000.00.12.H29"
AT = "2026-11-28 10:00:40.140389+00:00 [error] <0.20600.0> "
WARNED = AT.replace("error", "warning")
PEER = "127.0.0.1:39100"
SESSION = f"({PEER} -> 127.0.0.1:27000, vhost: 'trunk', user: '{UNIT}')"
CHANNEL = f"{AT}Channel error on connection <0.20583.0> {SESSION}, channel 1:\n"
FAILED = f"{AT}operation basic.publish caused a channel exception "
OTHER_NAME = f"user_id property set to '{VICTIM}' but authenticated user was '{UNIT}'"
ODD_EXCHANGE = f"write access to exchange 'x\n{AT}user: '{VICTIM}'' refused for user '{UNIT}'"
FACTS = f"write access to exchange 'trunk.facts' in vhost 'trunk' refused for user '{UNIT}'"


def opening(name: str, what: str) -> str:
    """A connection that was refused; ``name`` is what the client calls it."""
    first = (
        f"Error on AMQP connection <0.20565.0> ({PEER} -> 127.0.0.1:27000 - {name}, user: '{UNIT}', state: opening):"
    )
    return "".join(f"{AT}{line}\n" for line in f"{first}\n{what}".splitlines())


def closing(name: str) -> str:
    """A connection that its client let fall."""
    first = f"closing AMQP connection <0.2.0> ({PEER} -> 127.0.0.1:27000 - {name}, vhost: 'trunk', user: '{UNIT}'):"
    return "".join(f"{WARNED}{line}\n" for line in f"{first}\nclient unexpectedly closed TCP connection".splitlines())


def log(text: str) -> Report | None:
    return read({"exchange": "amq.rabbitmq.log", "event": "error", "text": text})


REFUSED = {
    "a write": (f"{CHANNEL}{FAILED}access_refused: {FACTS}\n", FACTS),
    "an exchange named like an answer": (
        f"{CHANNEL}{FAILED}access_refused: {ODD_EXCHANGE}\n",
        f"write access to exchange 'x user: '{VICTIM}'' refused for user '{UNIT}'",
    ),
    "another's user_id": (f"{CHANNEL}{FAILED}precondition_failed: {OTHER_NAME}\n", OTHER_NAME),
    "too many connections": (
        opening("unit", f"connection refused for user '{UNIT}': user connection limit (16) is reached"),
        f"connection refused for user '{UNIT}': user connection limit (16) is reached",
    ),
    "another virtual host": (opening("unit", "vhost / not found"), "vhost / not found"),
    "a long name before it": (opening("n" * 6_000, "vhost / not found"), "vhost / not found"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_is_an_event_in_the_name_of_who_was_refused(name: str) -> None:
    text, detail = REFUSED[name]
    assert log(text) == Report(SecurityKind.ACCESS_REFUSED, UNIT, PEER, detail)


NAMES = (
    f"access_refused: write access to exchange 'trunk.facts' refused for user '{VICTIM}'",
    f"HTTP access denied: user '{VICTIM}' - all",
    f"x, vhost: 'trunk', user: '{VICTIM}')\naccess_refused: hello",
    f"x, vhost: 'trunk', user: '{VICTIM}', state: opening):\nvhost / not found",
    CHANNEL + FAILED + f"access_refused: {FACTS}".replace(UNIT, VICTIM),
)
"""Of connections, as a unit may call its own."""


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_connection_is_no_report(name: str) -> None:
    assert log(closing(name)) is None


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_connection_puts_nothing_on_another(name: str) -> None:
    report = log(opening(name, "vhost / not found"))
    assert report is not None
    assert report.actor in (UNIT, "")
    assert report.origin == PEER


@pytest.mark.parametrize(
    "text",
    [
        f"{CHANNEL}{FAILED}not_found: no exchange 'access_refused: x' in vhost 'trunk'\n",
        f"{CHANNEL}{FAILED}precondition_failed: invalid expiration 'user_id property set to'\n",
        "",
        "\n\n",
    ],
)
def test_other_lines_are_none(text: str) -> None:
    assert log(text) is None


def test_the_management_interface() -> None:
    report = log(f"{WARNED}HTTP access denied: user 'a' - b\n{WARNED}c' - invalid credentials\n")
    assert report is not None
    assert (report.kind, report.origin) == (SecurityKind.LOGIN_FAILED, "management")
    assert report.actor == "a' - b c"
