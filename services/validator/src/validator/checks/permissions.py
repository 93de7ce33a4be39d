"""What a signer permits later (DocMDP, FieldMDP, ISO 32000-1 §12.8.2), from all places where it may be said.

A signature may refer to several transforms, and its field may lock others (table 233). The strictest counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pyhanko.pdf_utils import generic

from validator.checks.signature import Signature
from validator.fault import Fault, library_errors_as

UNREADABLE = "permissions not readable"
DOCUMENT, FIELDS = "/DocMDP", "/FieldMDP"
ALL, INCLUDED, EXCLUDED = "/All", "/Include", "/Exclude"
NO_CHANGES, FORM_FILLING, ANNOTATIONS = 1, 2, 3
"""Values of /P (table 254)."""


@dataclass(frozen=True, slots=True)
class Lock:
    """Fields that may not change any more (tables 233, 256)."""

    action: str
    names: frozenset[str] = frozenset()

    def holds(self, name: str) -> bool:
        """Whether it locks the field of that full name. A name stands for the fields below it, too."""
        if self.action == ALL:
            return True
        named = any(name == each or name.startswith(f"{each}.") for each in self.names)
        return named is (self.action == INCLUDED)


@dataclass(frozen=True, slots=True)
class Permissions:
    """What one signature permits."""

    level: int = ANNOTATIONS
    locks: tuple[Lock, ...] = ()


def permissions_of(signature: Signature) -> Permissions:
    """Of its references and its field. Raises ``Fault`` for what cannot be read."""
    field, value = signature.embedded.sig_field, signature.embedded.sig_object
    with library_errors_as("3.0", signature.field, UNREADABLE):
        levels, locks = [ANNOTATIONS], list[Lock]()
        for method, parameters in _references(value, signature.field):
            if method == DOCUMENT:
                levels.append(_level(parameters, signature.field))
            elif method == FIELDS:
                locks.append(_lock(parameters, signature.field))
        own = _dictionary(_entry(field, "/Lock"), signature.field)
        if "/Action" in own:
            locks.append(_lock(own, signature.field))
        if "/P" in own:
            levels.append(_level(own, signature.field))
        return Permissions(min(levels), tuple(locks))


def _references(value: Any, field: str) -> Iterator[tuple[str, Any]]:
    """Each transform's method and its parameters."""
    listed = _entry(value, "/Reference")
    if listed is None:
        return
    if not isinstance(listed, generic.ArrayObject):
        raise Fault("3.0", field, UNREADABLE)
    for place in range(len(listed)):
        each = _dictionary(listed[place], field)
        method = _entry(each, "/TransformMethod")
        if not isinstance(method, generic.NameObject):
            raise Fault("3.0", field, UNREADABLE)
        yield str(method), _dictionary(_entry(each, "/TransformParams"), field)


def _level(parameters: Any, field: str) -> int:
    level = _entry(parameters, "/P")
    if level is None:
        return FORM_FILLING  # the default of table 254
    if not isinstance(level, generic.NumberObject) or not NO_CHANGES <= level <= ANNOTATIONS:
        raise Fault("3.0", field, UNREADABLE)
    return int(level)


def _lock(parameters: Any, field: str) -> Lock:
    action, names = _entry(parameters, "/Action"), _entry(parameters, "/Fields")
    if action == ALL:
        return Lock(ALL)
    if action not in (INCLUDED, EXCLUDED) or not isinstance(names, generic.ArrayObject):
        raise Fault("3.0", field, UNREADABLE)
    return Lock(str(action), frozenset(_text(names[place], field) for place in range(len(names))))


def _text(value: Any, field: str) -> str:
    if isinstance(value, generic.TextStringObject):
        return str(value)
    if isinstance(value, generic.ByteStringObject):
        return bytes(value).decode("latin-1")
    raise Fault("3.0", field, UNREADABLE)


def _dictionary(value: Any, field: str) -> Any:
    """An empty one for nothing."""
    if value is None:
        return generic.DictionaryObject()
    if not isinstance(value, generic.DictionaryObject):
        raise Fault("3.0", field, UNREADABLE)
    return value


def _entry(entries: Any, key: str) -> Any:
    """An entry, references followed; None = there is none."""
    value = entries[key] if key in entries else None  # noqa: SIM401 - ``get`` does not follow
    return None if isinstance(value, generic.NullObject) else value
