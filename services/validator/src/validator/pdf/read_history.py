"""The history of any file that pyHanko reads, object by object."""

from collections import defaultdict
from collections.abc import Collection, Iterator

from pyhanko.pdf_utils import generic

from validator.pdf.history import TRAILER, History, Place, PlainObject, references
from validator.pdf.pyhanko_internals import own_trailer
from validator.pdf.pyhanko_values import from_pyhanko
from validator.pdf.reader import Reader
from validator.pdf.schema import TRAILER_KEYS
from validator.pdf.values import Ref, Value


class ReadHistory(History):
    """What each revision changed. Methods raise pyHanko's errors for what cannot be read."""

    def __init__(self, reader: Reader) -> None:
        super().__init__(reader)
        self._objects: dict[tuple[Ref, int], PlainObject] = {}
        self._uses: dict[int, dict[int, list[Place]]] = {}

    def get(self, reference: Ref, revision: int) -> PlainObject:
        """The same instance whenever it is asked for again."""
        key = reference, revision
        if key not in self._objects:
            read = self.stream(reference, revision)
            self._objects[key] = PlainObject(from_pyhanko(read), isinstance(read, generic.StreamObject))
        return self._objects[key]

    def trailer(self, revision: int) -> "dict[str, Value]":
        """That revision's own entries."""
        entries = from_pyhanko(own_trailer(self.reader, revision))
        return entries if isinstance(entries, dict) else {}

    def uses(self, number: int, revision: int) -> list[Place]:
        """Of the objects that ``revision`` has; those that it replaced do not count."""
        return self._uses_until(revision).get(number, [])

    def mentioned(self, numbers: Collection[int], revision: int) -> set[int]:
        """See ``History``."""
        known = self._uses_until(revision)
        return {number for number in numbers if any(not _is_idle(place) for place in known.get(number, ()))}

    def _uses_until(self, revision: int) -> dict[int, list[Place]]:
        if revision not in self._uses:
            places: dict[int, list[Place]] = defaultdict(list)
            for reference, place in self._all_references(revision):
                places[reference.number].append(place)
            self._uses[revision] = dict(places)
        return self._uses[revision]

    def _all_references(self, revision: int) -> Iterator[tuple[Ref, Place]]:
        tables: set[int] = set()
        for each in range(revision + 1):
            info = self.reader.xrefs.get_xref_container_info(each)
            tables |= {info.stream_ref.idnum} if info.stream_ref is not None else set()
        for reference, path in references(self.whole_trailer(revision)):
            yield reference, Place(TRAILER, path)
        for number in self.defined_until(revision) - tables:
            try:
                value = self.get(self.reference(number, revision), revision).value
            except MemoryError:
                raise
            except Exception:  # noqa: S112 - what nobody can read refers to nothing
                continue
            for reference, path in references(value):
                yield reference, Place(number, path)


def _is_idle(place: Place) -> bool:
    """An entry of a trailer that no standard knows."""
    return place.holder == TRAILER and place.path[0] not in TRAILER_KEYS


def read_history_of(reader: Reader) -> ReadHistory:
    """The history of the document behind ``reader``, made once."""
    if "read_history" not in reader.memo:
        reader.memo["read_history"] = ReadHistory(reader)
    history: ReadHistory = reader.memo["read_history"]
    return history
