"""Files that are replaced in one step."""

from pathlib import Path


def replace_file(path: Path, data: bytes) -> None:
    """Write beside the file, then rename: readers see the old file or the new one. Makes missing folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(data)
    beside.replace(path)
