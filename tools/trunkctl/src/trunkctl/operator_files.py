"""Files that an operator names: read whole, with a sentence about one that cannot be read."""

from pathlib import Path

from trunkctl.command_error import CommandError


def bytes_of(path: Path) -> bytes:
    """What a file holds. Raises ``CommandError``."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise CommandError(about(path, error)) from error


def text_of(path: Path) -> str:
    """What a text file holds, in UTF-8. Raises ``CommandError``."""
    try:
        return bytes_of(path).decode()
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} cannot be read: it is no text in UTF-8.") from error


def write_to(path: Path, data: bytes) -> None:
    """Write a file. Raises ``CommandError``."""
    try:
        path.write_bytes(data)
    except OSError as error:
        raise CommandError(about(path, error, "written")) from error


def about(path: Path | str, error: OSError, what: str = "read") -> str:
    """The sentence about a file that cannot be read, or written."""
    return f"{path} cannot be {what}: {error.strerror or error}."
