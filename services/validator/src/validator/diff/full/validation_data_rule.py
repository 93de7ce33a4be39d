"""(a) Validation data rewritten by another tool.

Arrays and entries of DSS and VRI may go, change and come, as long as all of it is streams in their arrays.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from pyhanko.pdf_utils import generic, misc
from pyhanko.pdf_utils.reader import HistoricalResolver, RawPdfPath
from pyhanko.sign.diff_analysis import SuspiciousModification
from pyhanko.sign.diff_analysis.commons import compare_key_refs, safe_whitelist
from pyhanko.sign.diff_analysis.rules_api import Context, ReferenceUpdate, WhitelistRule

from validator.pdf.schema import DSS_ARRAYS, DSS_KEYS, VRI_ARRAYS, VRI_KEYS, VRI_NAME

Old = HistoricalResolver
New = HistoricalResolver


class ValidationDataRule(WhitelistRule):
    """The document security store: arrays of streams, and nothing else, wherever it was changed."""

    def apply(self, old: Old, new: New) -> Iterable[ReferenceUpdate]:
        """Objects of the store that changed or came; in the old document they were used for nothing else."""
        path = RawPdfPath("/Root", "/DSS")
        before, now = yield from _same_or_new(old, old.root, new.root, "/DSS", path)
        if now is None:
            return
        before = before if isinstance(before, generic.DictionaryObject) else generic.DictionaryObject()
        _must_be_dictionary(now, DSS_KEYS, "/DSS")
        for key in DSS_ARRAYS:
            yield from _streams(old, new, before, now, key, path + key)
        yield from self._entries(old, new, before, now, path + "/VRI")

    def _entries(self, old: Old, new: New, before: Any, now: Any, path: RawPdfPath) -> Iterator[ReferenceUpdate]:
        if "/VRI" not in now:
            return
        entries, grown = yield from _same_or_new(old, before, now, "/VRI", path)
        entries = entries if isinstance(entries, generic.DictionaryObject) else generic.DictionaryObject()
        _must_be_dictionary(grown, None, "/VRI")
        for key in grown:
            if key == "/Type":
                continue
            if not VRI_NAME.fullmatch(key):
                raise SuspiciousModification(f"name of a VRI entry: {key}")
            past, item = yield from _same_or_new(old, entries, grown, key, path + key)
            past = past if isinstance(past, generic.DictionaryObject) else generic.DictionaryObject()
            _must_be_dictionary(item, VRI_KEYS, "VRI entry")
            for kind in VRI_ARRAYS:
                yield from _streams(old, new, past, item, kind, path + key + kind)
            yield from _time_stamp(old, new, item)


def _same_or_new(old: Old, before: Any, now: Any, key: str, path: RawPdfPath) -> Any:
    """Yields the object of the entry if it changed, and returns the entry's value before and now."""
    approve = ReferenceUpdate.curry_ref(context_checked=Context.from_absolute(old, path))
    return (yield from misc.map_with_return(compare_key_refs(key, old, before, now), approve))


def _must_be_dictionary(value: Any, keys: frozenset[str] | None, what: str) -> None:
    plain = isinstance(value, generic.DictionaryObject) and not isinstance(value, generic.StreamObject)
    if not plain or (keys is not None and not value.keys() <= keys):
        raise SuspiciousModification(f"{what} holds more than validation data")


def _streams(old: Old, new: New, before: Any, now: Any, key: str, path: RawPdfPath) -> Iterator[ReferenceUpdate]:
    """An array of references to streams: those that are new, and the array itself where it is an object."""
    if key not in now:
        return
    raw = now.raw_get(key)
    if isinstance(raw, generic.IndirectObject):
        past = before.raw_get(key) if key in before else None
        past_reference = past.reference if isinstance(past, generic.IndirectObject) else None
        approve = ReferenceUpdate.curry_ref(context_checked=Context.from_absolute(old, path))
        yield from map(approve, safe_whitelist(old, past_reference, raw.reference))
    array = raw.get_object()
    if not isinstance(array, generic.ArrayObject):
        raise SuspiciousModification(f"{key} is not an array")
    for place in range(len(array)):
        yield from _stream(old, new, array.raw_get(place), key)


def _stream(old: Old, new: New, raw: Any, key: str) -> Iterator[ReferenceUpdate]:
    """One stream of evidence: if it is new, nothing hangs on it but the object that holds its length."""
    stream = raw.get_object() if isinstance(raw, generic.IndirectObject) else None
    if not isinstance(stream, generic.StreamObject):
        raise SuspiciousModification(f"{key} holds something else than streams")
    if not _came_after(old, new, raw.reference):
        return
    yield ReferenceUpdate(raw.reference)
    length = stream.raw_get("/Length") if "/Length" in stream else None
    hanging = new.collect_dependencies(generic.DictionaryObject(stream), since_revision=old.revision + 1)
    for reference in hanging:
        is_length = isinstance(length, generic.IndirectObject) and reference == length.reference
        if not is_length or not isinstance(reference.get_object(), generic.NumberObject):
            raise SuspiciousModification(f"{key} holds a stream with other objects behind it")
        yield ReferenceUpdate(reference)


def _came_after(old: Old, new: New, reference: generic.Reference) -> bool:
    return bool(new.reader.xrefs.get_introducing_revision(reference) > old.revision)


def _time_stamp(old: Old, new: New, item: Any) -> Iterator[ReferenceUpdate]:
    if "/TS" not in item:
        return
    yield from _stream(old, new, item.raw_get("/TS"), "/TS")
