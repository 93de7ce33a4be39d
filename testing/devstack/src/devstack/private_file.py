"""Files of a checkout that other threads and processes read while they are written."""

import json
from pathlib import Path


def write_private(path: Path, content: object) -> None:
    """Write JSON that only its owner may read, whole or not at all."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    unfinished.touch(mode=0o600)
    unfinished.write_text(json.dumps(content, indent=1) + "\n")
    unfinished.replace(path)
