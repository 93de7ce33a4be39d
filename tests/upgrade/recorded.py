"""What was recorded from a trunk of the former release: its broker's definitions, and messages of every kind.

``fill_former_trunk.py`` made them, with the code of that release.
"""

import json
from pathlib import Path
from typing import Any

from trunkctl.takeover.origin import FormerMessage

FOLDER = Path(__file__).parent
DEFINITIONS: dict[str, Any] = json.loads((FOLDER / "former_definitions.json").read_text())
MESSAGES: list[dict[str, Any]] = json.loads((FOLDER / "former_messages.json").read_text())


def former_message(message: dict[str, Any]) -> FormerMessage:
    """As the mover sees it."""
    return FormerMessage(
        queue=message["queue"],
        routing_key=message["routing_key"],
        user_id=message["user_id"],
        headers=message["headers"],
    )


def forged(name: str) -> list[dict[str, Any]]:
    """What was forged under this name, wherever it lies."""
    return [message for message in MESSAGES if message.get("body", "").startswith(f"<forged {name}/>")]
