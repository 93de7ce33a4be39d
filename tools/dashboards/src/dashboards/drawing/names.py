"""What series are called: their legend, and the words that transformations put in place of tokens."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

RENAMES = "renameByRegex"


def legend(labels: Mapping[str, str], form: str) -> str:
    """The legend's text with the labels' values; without a form all labels."""
    if not form:
        pairs = ", ".join(f'{name}="{value}"' for name, value in labels.items() if name != "__name__")
        return f"{labels.get('__name__', '')}{{{pairs}}}"
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda label: labels.get(label[1], ""), form)


def renamed(name: str, transformations: Sequence[Mapping[str, Any]]) -> str:
    """After all of the panel's renamings. JavaScript's letters are those of ASCII."""
    for each in transformations:
        if each["id"] == RENAMES:
            replacement = re.sub(r"\$(\d)", r"\\g<\1>", each["options"]["renamePattern"])
            name = re.sub(f"^{each['options']['regex']}$", replacement, name, flags=re.ASCII)
    return name
