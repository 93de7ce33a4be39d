"""The texts of one element as values: trimmed, bounded, with the table's defaults."""

import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from typing import NoReturn, TypeVar

from common.domain.ids import comparable
from common.domain.reason import Reason
from common.edxml.dates import is_wire_form, read_date, read_time
from common.edxml.tolerance import Notes, Tolerance
from common.edxml.tree import Node
from common.edxml.unreadable import Unreadable
from common.edxml.wire import Field

T = TypeVar("T")


class Fields:
    """One element's fields. A missing element reads like an empty one (T9)."""

    def __init__(self, node: Node | None, place: str, notes: Notes) -> None:
        self.place = place
        """The element's name, for sentences."""
        self.notes = notes
        self._node = node or Node(place)

    @property
    def present(self) -> bool:
        """Whether there is anything in it."""
        return not self._node.is_empty()

    def child(self, *fields: Field) -> "Fields":
        """The first child of one of these names that is not empty."""
        return Fields(self._node.first(*fields), fields[0].name, self.notes)

    def children(self, field: Field) -> list["Fields"]:
        """All children of that name that are not empty."""
        return [Fields(node, field.name, self.notes) for node in self._node.all(field) if not node.is_empty()]

    def has(self, field: Field) -> bool:
        """Whether there is a non-empty child of that name."""
        return self._node.first(field) is not None

    def has_blanks(self, field: Field) -> bool:
        """Whether blanks stand around the text of a child that is not broken into lines."""
        node = self._node.first(field)
        return node is not None and "\n" not in node.text and node.text != node.text.strip()

    def texts(self, field: Field) -> tuple[str, ...]:
        """The texts of all children of that name."""
        return tuple(self._checked(node, field) for node in self._node.all(field) if not node.is_empty())

    def text(self, *fields: Field) -> str | None:
        """A trimmed text. Raises ``Unreadable`` (E_LEN) if it is too long."""
        node = self._node.first(*fields)
        return (self._checked(node, fields[0]) or None) if node else None

    def required(self, field: Field, reason: Reason = Reason.E_REQ) -> str:
        """A text that must be there. Raises ``Unreadable`` with ``reason`` if it is not."""
        text = self.text(field)
        if text is None:
            self.refuse(reason, field, "is missing")
        return text

    def identifier(self, field: Field) -> str | None:
        """A text that is compared with others, as it was sent; noted where ``comparable`` changes it (T25)."""
        text = self.text(field)
        if text is None or (plain := comparable(text)) == text:
            return text
        self.notes.add(Tolerance.T25)
        return text if plain else None

    def required_identifier(self, field: Field) -> str:
        """An identifier that must be there. Raises ``Unreadable`` (E_REQ) if it is not."""
        text = self.identifier(field)
        if text is None:
            self.refuse(Reason.E_REQ, field, "is missing")
        return text

    def number(self, field: Field, default: T, greatest: int | None = None) -> int | T:
        """A number from 0 up; the default for anything that is none (T19).

        Raises ``Unreadable`` (E_LEN) above the greatest.
        """
        text = self._short(field)
        if not _is_number(text):
            return self._defaulted(default) if self._node.all(field) else default
        if greatest is not None and int(text) > greatest:
            self.refuse(Reason.E_LEN, field, f"is greater than {greatest}")
        return int(text)

    def flag(self, field: Field) -> bool:
        """True for ``true`` and numbers above 0; false for anything that is no flag (T19)."""
        text = self._short(field).lower()
        if text in {"true", "false"}:
            return text == "true"
        return self.number(field, 0) > 0

    def one_of(self, values: Mapping[str, T], *fields: Field) -> T | None:
        """What a code stands for, with zeros before it or without (T26); None if it is absent.

        Raises ``Unreadable`` (E_ENUM) if it is not in the set.
        """
        text = self.text(*fields)
        if text is None or text in values:
            return values[text] if text else None
        plain = comparable(text)
        if plain in values:
            self.notes.add(Tolerance.T25)
            return values[plain]
        same = [code for code in values if _is_number(plain) and code.lstrip("0") == plain.lstrip("0")]
        if len(same) != 1:
            self.refuse(Reason.E_ENUM, fields[0], "has a value outside its set")
        self.notes.add(Tolerance.T26)
        return values[same[0]]

    def date(self, field: Field) -> date | None:
        """A day in any accepted notation (T12). Raises ``Unreadable`` (E_DATE) if it is none."""
        text = self._noted_date(field)
        try:
            return read_date(text) if text else None
        except ValueError:
            self.refuse(Reason.E_DATE, field, "is no date")

    def time(self, field: Field) -> datetime | None:
        """A time in any accepted notation (T12). Raises ``Unreadable`` (E_DATE) if it is none."""
        text = self._noted_date(field)
        try:
            return read_time(text) if text else None
        except ValueError:
            self.refuse(Reason.E_DATE, field, "is no time")

    def refuse(self, reason: Reason, field: Field, what: str) -> NoReturn:
        """Raises ``Unreadable`` with a sentence that names the place."""
        raise Unreadable(reason, f"{self.place}/{field} {what}.")

    def _short(self, field: Field) -> str:
        """The text of a number or flag; empty if it is missing or too long for one."""
        node = self._node.first(field)
        text = node.text.strip() if node else ""
        return text if len(text) <= field.max_chars else ""

    def _checked(self, node: Node, field: Field) -> str:
        text = node.text.strip()
        if node.cut or (len(text) > field.max_chars and len(unicodedata.normalize("NFC", text)) > field.max_chars):
            self.refuse(Reason.E_LEN, field, f"has more than {field.max_chars} characters")
        return text

    def _noted_date(self, field: Field) -> str | None:
        text = self.text(field)
        if text and not is_wire_form(text):
            self.notes.add(Tolerance.T12)
        return text

    def _defaulted(self, default: T) -> T:
        self.notes.add(Tolerance.T19)
        return default


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
