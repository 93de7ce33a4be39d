"""Who decides, and why: from options, or asked at a terminal."""

import getpass
import os
import socket
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer

from trunkctl.units.history import Decision

ActorOption = Annotated[str, typer.Option("--by", envvar="TRUNK_ACTOR", help="Who decides; it is recorded.")]
PurposeOption = Annotated[str, typer.Option("--why", help="Why; it is recorded.")]
MAX_LENGTH = 300


def decision(by: str, why: str) -> Decision:
    """The decision from the options, or as typed now. Raises ``BadParameter`` without a terminal."""
    return Decision(
        by=_text("--by", by or _prompt("Who decides")),
        why=_text("--why", why or _prompt("Why")),
        account=account(),
        at=datetime.now(UTC),
    )


def account() -> str:
    """User and machine, as this machine reports them."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        user = f"uid {os.getuid()}"
    return f"{user}@{socket.gethostname()}"


def _prompt(question: str) -> str:
    if not sys.stdin.isatty():
        raise typer.BadParameter("say who decides and why: --by and --why")
    return str(typer.prompt(question))


def _text(option: str, typed: str) -> str:
    text = " ".join(typed.split())
    if not text or not text.isprintable() or len(text) > MAX_LENGTH or not any(map(str.isalnum, text)):
        raise typer.BadParameter(f"{option}: one line of text, at most {MAX_LENGTH} characters")
    return text
