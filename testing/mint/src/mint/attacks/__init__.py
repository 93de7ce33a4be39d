"""Attacks on signed PDFs, made from a sound letter: one function an attack, with the verdict it must get.

Beside the simple wrongs of ``mint.tamper`` and ``mint.wrong`` (which take one document, or one pair of hands) these
prepare documents before they are signed, forge signature messages, and change a document between its two signatures.
Every class that research has published is here; ``registry.Class`` names them.
"""

from mint.attacks import (
    awaited,
    bombs,
    containers,
    fields,
    forgery,
    indexes,
    messages,
    overlays,
    roles,
    saving,
    shadow,
    spelling,
    tables,
)
from mint.attacks.registry import ATTACKS, Attack, Class, Scene

__all__ = [
    "ATTACKS",
    "Attack",
    "Class",
    "Scene",
    "awaited",
    "bombs",
    "containers",
    "fields",
    "forgery",
    "indexes",
    "messages",
    "overlays",
    "roles",
    "saving",
    "shadow",
    "spelling",
    "tables",
]
