"""What servers said about the lists they gave, to ask them next time for newer ones alone."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from common.containment import contained
from validator.pki.atomic_file import replace_file

STATE = ".fetched.json"
"""What servers said about the lists they gave, by address: ETag, date, and the files that hold the lists."""
CONDITIONS = {"If-None-Match": "etag", "If-Modified-Since": "last-modified"}
"""Headers of a request by what the server said."""
FILES = "files"


def remembered(headers: Mapping[str, str], files: Iterable[str]) -> dict[str, Any]:
    """What to keep of an answer. ``files``: names of the files that hold its lists."""
    return {name: headers.get(said, "") for name, said in CONDITIONS.items()} | {FILES: list(files)}


def conditions_of(known: Any, folder: Path) -> dict[str, str]:
    """Headers that ask for a newer list alone; none where a file of the last answer is gone.

    What a server said may be no text that a header can hold: then it is asked for the whole list.
    """
    with contained(lambda _: None):
        files = [folder / "crls" / str(name) for name in known[FILES]]
        values = {name: str(known[name]) for name in CONDITIONS if known.get(name)}
        if files and all(file.is_file() for file in files):
            return {name: value for name, value in values.items() if value.isascii() and value.isprintable()}
    return {}


def read_state(folder: Path) -> dict[str, Any]:
    """The state file; empty where it cannot be read."""
    state: Any = {}
    with contained(lambda _: None):
        state = json.loads((folder / "crls" / STATE).read_bytes())
    return state if isinstance(state, dict) else {}


def write_state(folder: Path, state: Mapping[str, Any]) -> None:
    """Replace the state file. Raises ``OSError``."""
    replace_file(folder / "crls" / STATE, json.dumps(state, indent=1).encode())
