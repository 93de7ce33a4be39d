"""File names from outside: what is left of them when they can do no harm."""

import re
import unicodedata

NAMELESS = "attachment"


def clean(name: str) -> str:
    """The last part of a path, without control and direction marks and without dots or blanks at its ends."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    shown = "".join(char for char in last if unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"})
    return shown.strip().strip(".").strip() or NAMELESS


def escapes(entry: str) -> bool:
    """Whether an archive's entry name leaves the folder it would be unpacked into."""
    parts = entry.replace("\\", "/").split("/")
    return "\0" in entry or parts[0] == "" or ".." in parts or re.match("[A-Za-z]:", entry) is not None
