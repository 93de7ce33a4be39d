"""Plain values turned into pyHanko's own kinds of object, and back."""

from functools import lru_cache
from typing import Any

from pyhanko.pdf_utils import generic

from validator.pdf.values import REMEMBERED_NAME_BYTES, REMEMBERED_NAMES, Ref, Value

KEYWORDS = {"true": True, "false": False}


def to_pyhanko(value: Value, owner: Any, handler: Any = None) -> Any:
    """The value as pyHanko would have read it; every part of it is contained in ``owner``, a reference.

    ``handler``: resolves references in it; None = the owner's.
    """
    handler = handler or owner.pdf
    made: Any
    if isinstance(value, str):
        if value.startswith("/"):
            made = generic.NameObject(value)
        elif value in KEYWORDS:
            made = generic.BooleanObject(KEYWORDS[value])
        else:
            made = generic.NullObject() if value == "null" else generic.FloatObject(value)
    elif isinstance(value, Ref):
        made = generic.IndirectObject(value.number, value.generation, handler)
    elif isinstance(value, int):
        made = generic.NumberObject(value)
    elif isinstance(value, bytes):
        made = generic.pdf_string(value)
    elif isinstance(value, list):
        made = generic.ArrayObject(to_pyhanko(each, owner, handler) for each in value)
    else:
        made = generic.DictionaryObject(entries_to_pyhanko(value, owner, handler))
    made.container_ref = owner
    return made


def entries_to_pyhanko(entries: dict[str, Value], owner: Any, handler: Any) -> dict[generic.NameObject, Any]:
    """The entries of a dictionary or of a stream."""
    return {_key(name): to_pyhanko(value, owner, handler) for name, value in entries.items()}


def _key(name: str) -> generic.NameObject:
    """Unlike a value, a key is contained in nothing, so that all dictionaries may share it."""
    return _short_key(name) if len(name) < REMEMBERED_NAME_BYTES else generic.NameObject(name)


@lru_cache(maxsize=REMEMBERED_NAMES)
def _short_key(name: str) -> generic.NameObject:
    return generic.NameObject(name)


def from_pyhanko(value: Any) -> Value:
    """The plain value of an object; of a stream, its entries. Raises ``TypeError`` for what no file can hold."""
    if isinstance(value, generic.IndirectObject):
        return Ref(value.idnum, value.generation)
    if isinstance(value, generic.DictionaryObject):
        return {str(key): from_pyhanko(value.raw_get(key)) for key in value}
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
    if isinstance(value, generic.NameObject | generic.FloatObject):
        return str(value)
    raise TypeError(f"value of kind {type(value).__name__}")
