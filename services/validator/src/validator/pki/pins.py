"""``trust.json``: which roots of the trust folder count, and from when until when.

The file looks like ``{"roots": {"<sha256>": {"name": …, "from": …, "until": …, "crls": […]}}}`` and is written by
``trunkctl trust``.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from common.containment import Unusable, raising_unusable
from validator.pki.atomic_file import replace_file
from validator.pki.trust_store import ALWAYS, Window

PINS = "trust.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """What the operator said about one root."""

    name: str = ""
    window: Window = ALWAYS
    crls: tuple[str, ...] = ()
    """Addresses of the hierarchy's revocation lists, for ``trunkctl trust refresh``."""


def read_pins(folder: Path, left_out: Callable[[str, str], None] | None = None) -> dict[str, Pin] | None:
    """The roots that the operator named, by SHA-256; None = there is no such file. Raises ``Unusable``.

    ``left_out``: called with fingerprint and cause for an entry that cannot be read; its root does not count then. A
    root whose addresses cannot be read counts without them. Without ``left_out`` such an entry raises.
    """
    path = folder / PINS
    if not os.path.lexists(path):
        return None
    with raising_unusable(f"{PINS}: not readable"):
        if not path.is_file():
            raise Unusable(f"{PINS}: no file")  # a link that leads nowhere is not the same as no pins
        roots: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["roots"]
        entries = list(roots.items())
    pins: dict[str, Pin] = {}
    for sha256, entry in entries:
        try:
            with raising_unusable(f"{PINS}: {sha256[:64]} not readable"):
                pins[sha256.lower()] = _read(entry)
            pins[sha256.lower()] = replace(pins[sha256.lower()], crls=_addresses(sha256, entry))
        except Unusable as error:
            if left_out is None:
                raise
            left_out(sha256[:64], str(error))
    return pins


def write_pins(folder: Path, pins: Mapping[str, Pin]) -> None:
    """Replace ``trust.json`` in one step."""
    roots = {sha256: _plain(pin) for sha256, pin in sorted(pins.items())}
    replace_file(folder / PINS, json.dumps({"roots": roots}, ensure_ascii=False, indent=1).encode() + b"\n")


def _read(entry: dict[str, Any]) -> Pin:
    start, end = (datetime.fromisoformat(entry[key]) if entry.get(key) else None for key in ("from", "until"))
    if any(limit is not None and limit.tzinfo is None for limit in (start, end)):
        raise ValueError("a time without zone")
    return Pin(name=str(entry.get("name", "")), window=Window(start, end))


def _addresses(sha256: str, entry: dict[str, Any]) -> tuple[str, ...]:
    addresses = entry.get("crls", [])
    if not isinstance(addresses, list) or not all(isinstance(each, str) for each in addresses):
        raise Unusable(f"{PINS}: crls of {sha256[:64]} not a list of texts")
    return tuple(addresses)


def _plain(pin: Pin) -> dict[str, Any]:
    limits = {"from": pin.window.start, "until": pin.window.end}
    return {
        "name": pin.name,
        **{key: limit.isoformat() for key, limit in limits.items() if limit},
        **({"crls": list(pin.crls)} if pin.crls else {}),
    }
