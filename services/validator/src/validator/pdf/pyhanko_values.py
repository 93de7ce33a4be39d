"""Plain values turned into pyHanko's own kinds of object, and back."""

import codecs
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfReadError

from validator.pdf.inconclusive import Inconclusive
from validator.pdf.values import REMEMBERED_NAME_BYTES, REMEMBERED_NAMES, Ref, Value

KEYWORDS = {"true": True, "false": False}
BYTE_ORDER_MARKS = codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF8
"""A string that begins with one of them is not in PDFDocEncoding."""


def _pdf_doc_encoding() -> dict[int, str]:
    """By byte: its character. Bytes without one make a string that is no text."""
    texts = {byte: generic.pdf_string(bytes((byte,))) for byte in range(256)}
    return {byte: str(text) for byte, text in texts.items() if isinstance(text, generic.TextStringObject)}


PDF_DOC_ENCODING = _pdf_doc_encoding()
CHARACTERS = bytes(PDF_DOC_ENCODING)


class ByteName(generic.NameObject):
    """A name beyond ASCII, as pyHanko shows it, which remembers its bytes: ``plain`` has a character for each.

    pyHanko reads UTF-8, and anything else as Latin-1, so that two names may show the same text.
    """

    plain: str

    @classmethod
    def of(cls, plain: str) -> "ByteName":
        """The name of these bytes."""
        raw = plain.encode("latin-1")
        try:
            made = cls(raw.decode("utf-8"))
        except UnicodeDecodeError:
            made = cls(plain)
        made.plain = plain
        return made


def _name(plain: str) -> generic.NameObject:
    return generic.NameObject(plain) if plain.isascii() else ByteName.of(plain)


def to_pyhanko(value: Value, owner: Any, handler: Any = None) -> Any:
    """The value as pyHanko would have read it; every part of it is contained in ``owner``, a reference.

    ``handler``: resolves references in it; None = the owner's.
    """
    made = MAKERS[type(value)](value, owner, handler or owner.pdf)
    made.container_ref = owner
    return made


def _word(value: str, _owner: Any, _handler: Any) -> Any:
    if value.startswith("/"):
        return _name(value)
    if value in KEYWORDS:
        return generic.BooleanObject(KEYWORDS[value])
    return generic.NullObject() if value == "null" else generic.FloatObject(value)


def _string(value: bytes, _owner: Any, _handler: Any) -> Any:
    """As ``generic.pdf_string``, which reads a byte at a time."""
    if value.startswith(BYTE_ORDER_MARKS):
        return generic.pdf_string(value)
    if value.translate(None, CHARACTERS):
        return generic.ByteStringObject(value)
    text = generic.TextStringObject(value.decode("latin-1").translate(PDF_DOC_ENCODING))
    text.autodetected_encoding = generic.TextStringEncoding.PDF_DOC
    return text


MAKERS: dict[type, Callable[[Any, Any, Any], Any]] = {
    str: _word,
    Ref: lambda value, _, handler: generic.IndirectObject(value.number, value.generation, handler),
    int: lambda value, *_: generic.NumberObject(value),
    bytes: _string,
    list: lambda value, *whose: generic.ArrayObject([to_pyhanko(each, *whose) for each in value]),
    dict: lambda value, *whose: generic.DictionaryObject(entries_to_pyhanko(value, *whose)),
}
"""By the kind of a plain value: its twin, not contained in anything yet."""


def entries_to_pyhanko(entries: dict[str, Value], owner: Any, handler: Any) -> dict[generic.NameObject, Any]:
    """The entries of a dictionary or of a stream. Raises ``Inconclusive`` for two keys that pyHanko takes for one."""
    made = {_key(name): to_pyhanko(value, owner, handler) for name, value in entries.items()}
    if len(made) != len(entries):
        raise Inconclusive
    return made


def _key(name: str) -> generic.NameObject:
    """Unlike a value, a key is contained in nothing, so that all dictionaries may share it."""
    return _short_key(name) if len(name) < REMEMBERED_NAME_BYTES else _name(name)


@lru_cache(maxsize=REMEMBERED_NAMES)
def _short_key(name: str) -> generic.NameObject:
    return _name(name)


def from_pyhanko(value: Any) -> Value:
    """The plain value of an object; of a stream, its entries. Raises ``TypeError`` for what no file can hold."""
    if isinstance(value, generic.IndirectObject):
        return Ref(value.idnum, value.generation)
    if isinstance(value, generic.DictionaryObject):
        return {_plain_name(key): from_pyhanko(value.raw_get(key)) for key in value}
    if isinstance(value, generic.ArrayObject):
        return [from_pyhanko(value.raw_get(place)) for place in range(len(value))]
    if isinstance(value, generic.TextStringObject | generic.ByteStringObject):
        return bytes(value.original_bytes)
    if isinstance(value, generic.BooleanObject):
        return "true" if value.value else "false"
    if isinstance(value, generic.NumberObject):
        return int(value)
    if isinstance(value, generic.NullObject):
        return "null"
    if isinstance(value, generic.NameObject):
        return _plain_name(value)
    if isinstance(value, generic.FloatObject):
        return str(value)
    raise TypeError(f"value of kind {type(value).__name__}")


def _plain_name(name: str) -> str:
    """Raises ``PdfReadError`` for one that pyHanko alone has read, and that two different names show as."""
    if name.isascii():
        return str(name)
    if isinstance(name, ByteName):
        return name.plain
    if _may_be_latin_1(name):
        raise PdfReadError("a name that may stand for two")
    return name.encode("utf-8").decode("latin-1")


def _may_be_latin_1(name: str) -> bool:
    """Whether bytes that are no UTF-8 may show as this name as well."""
    try:
        name.encode("latin-1").decode("utf-8")
    except UnicodeEncodeError:
        return False
    except UnicodeDecodeError:
        return True
    return False
