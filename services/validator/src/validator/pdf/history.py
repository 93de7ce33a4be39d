"""The revisions of a file, with their objects as plain values, and who refers to which object.

Two classes read them. ``PlainHistory`` reads the bytes of a file that is laid out plainly and looks only at what it is
asked for. ``ReadHistory`` reads every other file through pyHanko, object by object. Both say the same of a plain file.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

from pyhanko.pdf_utils import generic

from validator.pdf.reader import Reader
from validator.pdf.values import Ref, Value

Steps: TypeAlias = tuple[str | int, ...]
"""Keys and places in arrays, from a value down."""
TRAILER = 0
"""Stands for the trailers where the number of an object is asked for."""


@dataclass(frozen=True, slots=True)
class PlainObject:
    """An object as one revision has it."""

    value: Value
    is_stream: bool = False


class Place(NamedTuple):
    """Where a reference stands."""

    holder: int
    """Number of the object, or ``TRAILER``."""
    path: Steps
    """From the object's value down. Empty = in a version that a later one replaced."""

    def below(self, step: str | int) -> "Place":
        """The place one step further down."""
        return Place(self.holder, (*self.path, step))


class History(ABC):
    """The revisions of the document behind ``reader``."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._reachable: dict[int, set[int]] = {}

    @abstractmethod
    def get(self, reference: Ref, revision: int) -> PlainObject:
        """The object as that revision has it; null where no revision of the file ever defined it."""

    @abstractmethod
    def uses(self, number: int, revision: int) -> list[Place]:
        """Where the objects and trailers up to ``revision`` refer to an object."""

    @abstractmethod
    def mentioned(self, numbers: Collection[int], revision: int) -> set[int]:
        """Those of ``numbers`` to which anything up to ``revision`` refers.

        Entries of a trailer that no standard knows do not count. PDFBox repeats one of LibreOffice
        (/AdditionalStreams) with a number that no object has, and the next tool assigns the number.
        """

    @abstractmethod
    def trailer(self, revision: int) -> "dict[str, Value]":
        """That revision's own entries."""

    def whole_trailer(self, revision: int) -> "dict[str, Value]":
        """The entries of a revision and those it inherits."""
        entries: dict[str, Value] = {}
        for each in range(revision + 1):
            entries |= self.trailer(each)
        return entries

    def value(self, value: "Value | None", revision: int) -> PlainObject:
        """The object that a value leads to, or the value itself; None stands for null."""
        if isinstance(value, Ref):
            return self.get(value, revision)
        return PlainObject("null" if value is None else value)

    def reference(self, number: int, revision: int) -> Ref:
        """The reference to the object of that number in ``revision``."""
        for each in range(revision, -1, -1):
            for part in self.parts(each):
                if number in part.standard_xrefs:
                    return Ref(number, part.standard_xrefs[number][0])
                if number in part.xrefs_in_objstm:
                    break
        return Ref(number, 0)

    def stream(self, reference: Ref, revision: int) -> Any:
        """pyHanko's object of a stream, for its data."""
        own = generic.Reference(reference.number, reference.generation, self.reader)
        return self.reader.get_object(own, revision=revision)

    def reachable(self, revision: int) -> set[int]:
        """Numbers of all objects that a revision uses, each of which is read. Raises what ``get`` raises."""
        if revision not in self._reachable:
            found = set[int]()
            waiting: list[Value] = [self.whole_trailer(revision)]
            while waiting:
                for reference, _ in references(waiting.pop()):
                    if reference.number not in found:
                        found.add(reference.number)
                        waiting.append(self.get(reference, revision).value)
            self._reachable[revision] = found
        return self._reachable[revision]

    def defined_in(self, revision: int) -> set[int]:
        """Numbers of the objects that the tables of one revision list."""
        return self._defined[revision]

    def defined_until(self, revision: int) -> set[int]:
        """Numbers of all objects that any revision up to this one listed."""
        return set[int]().union(*self._defined[: revision + 1])

    def freed_in(self, revision: int) -> set[int]:
        """Numbers that the tables of one revision list as free."""
        return {number for part in self.parts(revision) for number in part.freed}

    def containers_in(self, revision: int) -> set[int]:
        """Numbers of the object streams and cross-reference streams of one revision."""
        used = {number for part in self.parts(revision) for number in part.obj_streams_used}
        info = self.reader.xrefs.get_xref_container_info(revision)
        data = self.reader.xrefs.get_xref_data(revision)
        infos = (info, data.hybrid.meta_info) if data.hybrid else (info,)
        return used | {each.stream_ref.idnum for each in infos if each.stream_ref is not None}

    @cached_property
    def _defined(self) -> list[set[int]]:
        return [
            {number for part in self.parts(revision) for number in (*part.standard_xrefs, *part.xrefs_in_objstm)}
            for revision in range(self.reader.total_revisions)
        ]

    def parts(self, revision: int) -> tuple[Any, ...]:
        """The tables of one revision: two in a hybrid file."""
        return self.reader.tables_in(revision)


def references(value: "Value | None", path: Steps = ()) -> Iterator[tuple[Ref, Steps]]:
    """All references in a value, however deep, each with its path."""
    if isinstance(value, Ref):
        yield value, path
    elif isinstance(value, dict):
        for key, each in value.items():
            if not isinstance(each, str | int | bytes):
                yield from references(each, (*path, key))
    elif isinstance(value, list):
        for place, each in enumerate(value):
            if not isinstance(each, str | int | bytes):
                yield from references(each, (*path, place))


def paths_to(number: int, value: Value) -> list[Steps]:
    """The paths of all references to one object in a value."""
    found: list[Steps] = []
    _collect_paths(number, value, (), found)
    return found


def _collect_paths(number: int, value: Value, path: Steps, found: list[Steps]) -> None:
    if isinstance(value, Ref):
        if value.number == number:
            found.append(path)
    elif isinstance(value, dict | list):
        for step, each in value.items() if isinstance(value, dict) else enumerate(value):
            if not isinstance(each, str | int | bytes):
                _collect_paths(number, each, (*path, step), found)
