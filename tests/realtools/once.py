"""Programs that are run once a file: pyHanko's own command line, qpdf, mutool."""

from collections.abc import Callable
from pathlib import Path

from .tools import command_line, python_of
from .world import PASSWORD, World


def programs(home: Path, world: World) -> dict[str, Callable[[bytes, str], bytes]]:
    """By name: each takes a document and a role of ``world``."""
    return {
        "pyhanko": lambda document, role: _pyhanko(home, world, document, role),
        "qpdf": lambda document, _: command_line(home, lambda source, out: ["qpdf", source, out], document),
        "mutool": lambda document, _: command_line(
            home, lambda source, out: ["mutool", "clean", source, out], document
        ),
    }


def _pyhanko(home: Path, world: World, document: bytes, role: str) -> bytes:
    password = home / "password"
    password.write_bytes(PASSWORD)
    command = [
        python_of(home) / "pyhanko",
        "sign",
        "addsig",
        "--field",
        "1/50,150,150,200/Ky1",
        "--use-pades",
        "pkcs12",
    ]
    return command_line(
        home, lambda source, out: [*command, "--passfile", password, source, out, world.key(role)], document
    )
