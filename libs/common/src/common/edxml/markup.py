"""Elements as text: prefixed, escaped, left out when empty."""

import re
from collections.abc import Iterable
from datetime import date, datetime

from common.edxml import wire
from common.edxml.dates import write_date, write_time
from common.edxml.wire import Field

Value = str | int | bool | date | datetime | None

_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPES = {ord("&"): "&amp;", ord("<"): "&lt;", ord(">"): "&gt;", ord("\r"): "&#13;"}


def block(field: Field, *inside: str) -> str:
    """An element of elements, left out when it is empty."""
    content = "".join(inside)
    return element(field, content) if content else ""


def listed(field: Field, item: Field, texts: Iterable[str]) -> str:
    """An element of equal elements of text, left out when it is empty."""
    return block(field, *(leaf(item, text) for text in texts))


def element(field: Field, content: str, attributes: str = "") -> str:
    """A prefixed element around what is already markup."""
    tag = f"{wire.PREFIX}:{field}"
    return f"<{tag}{attributes}>{content}</{tag}>"


def leaf(field: Field, value: Value) -> str:
    """An element of text, left out when it is empty."""
    text = _text(value)
    return element(field, _escaped(field, text)) if text else ""


def bare(field: Field, text: str | None) -> str:
    """The same without a prefix."""
    return f"<{field}>{_escaped(field, text)}</{field}>" if text else ""


def _text(value: Value) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(int(value))
        case datetime():
            return write_time(value)
        case date():
            return write_date(value)
        case _:
            return str(value)


def _escaped(field: Field, text: str) -> str:
    if _ILLEGAL.search(text):
        raise ValueError(f"{field} holds a character that XML cannot")
    return text.translate(_ESCAPES)
