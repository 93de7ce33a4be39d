"""The small tree that is kept of a package: known elements and their texts, without the attachments' content."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from common.edxml.wire import Field

if TYPE_CHECKING:
    from common.edxml.payload import Payload

MAX_TEXT_CHARS = 4096
"""Kept of one element's text, more than any field may have; the rest is dropped and remembered as too long."""


@dataclass(slots=True)
class Node:
    """One known element."""

    name: str
    children: list["Node"] = field(default_factory=list)
    text: str = ""
    cut: bool = False
    """Whether the text was longer than what is kept."""
    href: str | None = None
    """An attribute ``href`` of any prefix: old manifests point with it to the content."""
    payload: "Payload | None" = None
    """The decoded content of a ContentTransferEncoded."""

    def add_text(self, text: str) -> None:
        """Append character data up to the cut."""
        room = MAX_TEXT_CHARS - len(self.text)
        self.cut = self.cut or len(text) > room
        self.text += text[:room]

    def all(self, field: Field) -> list["Node"]:
        """Its children of that name, in order."""
        return [child for child in self.children if child.name == field.name]

    def first(self, *fields: Field) -> "Node | None":
        """Its first child of one of these names that is not empty (T9)."""
        names = {field.name for field in fields}
        return next((child for child in self.children if child.name in names and not child.is_empty()), None)

    def is_empty(self) -> bool:
        """Whether there is nothing in it or below it."""
        if self.text.strip() or self.cut or self.href or self.payload:
            return False
        return all(child.is_empty() for child in self.children)

    def below(self, *path: Field) -> "Node | None":
        """The first non-empty node at the end of a path of names."""
        node: Node | None = self
        for step in path:
            node = node.first(step) if node else None
        return node
