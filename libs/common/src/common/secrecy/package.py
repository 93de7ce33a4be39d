"""Where a package may bear a mark: every text of its header, its files' names and descriptions."""

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass

from common.domain.envelope import Message
from common.secrecy.marks import MAX_CHARS, Mark, mark_in_field, mark_in_file_name, mark_in_text
from common.secrecy.markup import Markup, lines_of, readings

NOT_TEXT = frozenset({"code", "document_id", "content_id", "sha256", "content_type", "declared_type", "unit", "email"})
"""Ids and addresses: chosen by rule, not by writers."""


def mark_in_message(message: Message) -> Mark | None:
    """The first mark in a parsed message, with the field that bears it."""
    for place, text in _texts(message, ""):
        look = mark_in_file_name if place.endswith(".name") and place.startswith("attachments") else mark_in_field
        if found := look(text):
            return found.at(place)
    return None


def mark_in_unreadable(source: bytes) -> Mark | None:
    """A stamp in a package that cannot be read: its text as far as it goes, contents left out."""
    for text in readings(source):
        bare = re.sub(r"[A-Za-z0-9+/=]{60,}", " ", text)[: 2 * MAX_CHARS]
        if found := mark_in_text(lines_of(bare, Markup.XML)):
            return found.at("unreadable package")
    return None


def _texts(value: object, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield place, value
    elif isinstance(value, tuple):
        for number, each in enumerate(value, start=1):
            yield from _texts(each, f"{place}[{number}]")
    elif is_dataclass(value):
        for field in fields(value):
            if field.name not in NOT_TEXT:
                yield from _texts(getattr(value, field.name), f"{place}.{field.name}" if place else field.name)
