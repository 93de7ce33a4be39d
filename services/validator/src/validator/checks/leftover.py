"""(4.1 j) Behind the last signature, new objects that nothing refers to.

Nobody vouches for these bytes, and a reader that mends files finds whatever lies there. Tools do leave things lying
behind: the store of validation data before the last one, renewed document information or metadata that the trailer or
the catalog does not name, numbers. Such an object has no role, so it is judged by its form: it may hold nothing but
what may stand in one of these places. And PDFBox writes a cross-reference stream beside the table that counts where the
file it found was a hybrid one: a reader that finds it must read what the table says.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import SuspiciousModification
from pyhanko.sign.diff_analysis.policies import _find_orphans
from pyhanko.sign.diff_analysis.rules_api import ReferenceUpdate, WhitelistRule

from validator.checks.allowed import DSS_KEYS, VRI_KEYS, VRI_NAME
from validator.checks.quick.bounds import MAX_ENTRIES, Bounds, numbers

STREAM_KEYS = frozenset({"/Length", "/Filter", "/DecodeParms"})
METADATA_KEYS = STREAM_KEYS | {"/Type", "/Subtype"}
INFORMATION_KEYS = frozenset(
    {"/Title", "/Author", "/Subject", "/Keywords", "/Creator", "/Producer", "/CreationDate", "/ModDate", "/Trapped"}
)
TABLE_KEYS = STREAM_KEYS | {"/Type", "/Size", "/Index", "/W", "/Root", "/Info", "/ID", "/Prev"}
WORDS = generic.TextStringObject | generic.ByteStringObject | generic.NameObject


class LeftoverRule(WhitelistRule):
    """New objects that nothing refers to."""

    def apply(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[ReferenceUpdate]:
        """All of them, if they are harmless wherever a reader might find them."""
        own = new.reader.xrefs.get_xref_container_info(new.revision).stream_ref
        containers = {*new.object_streams_used(), own}
        for reference in _find_orphans(new):
            if reference not in containers and not _is_harmless(new(reference)) and not _is_the_table(new, reference):
                raise SuspiciousModification(f"object {reference.idnum} belongs to nothing")
            if old.is_ref_unassignable(reference):
                yield ReferenceUpdate(reference)


def _is_harmless(found: Any) -> bool:
    if isinstance(found, generic.StreamObject):
        return found.keys() <= STREAM_KEYS or (_type(found) == "/Metadata" and found.keys() <= METADATA_KEYS)
    if isinstance(found, generic.DictionaryObject):
        return _is_validation_data(found) or _is_information(found) or _is_nothing(found)
    if isinstance(found, generic.ArrayObject):
        return all(isinstance(found.raw_get(place), generic.IndirectObject) for place in range(len(found)))
    return isinstance(found, generic.NullObject | generic.NumberObject)


def _is_the_table(view: HistoricalResolver, reference: generic.Reference) -> bool:
    """A cross-reference stream that says nothing else than the table of its revision, and leads to the same objects."""
    found = view(reference)
    if not isinstance(found, generic.StreamObject) or _type(found) != "/XRef" or not found.keys() <= TABLE_KEYS:
        return False
    trailer = view.trailer_view
    same = all(_raw(found, key) == _raw(trailer, key) for key in ("/Root", "/Info", "/Size"))
    revision = view.reader.xrefs.get_introducing_revision(reference)
    data = view.reader.xrefs.get_xref_data(revision)
    listed = {number: offset for number, (generation, offset) in data.standard_xrefs.items() if not generation}
    return same and set(_rows(found)) <= {*listed.items(), (0, 0)} and _previous(view, revision) == _raw(found, "/Prev")


def _rows(stream: Any) -> Iterator[tuple[int, int]]:
    """Numbers and offsets; what is in no use has offset 0. What is no plain object of generation 0 has none."""
    Bounds(MAX_ENTRIES).check_stream(stream)
    widths, index = numbers(stream, "/W"), numbers(stream, "/Index") if "/Index" in stream else None
    index = index or [0, *numbers(stream, "/Size")]
    data, width = stream.read_data(DecodePurpose.XREF_STREAM), sum(widths)
    if len(data) != width * sum(index[1::2]):
        raise SuspiciousModification("rows of a cross-reference stream")
    listed = (first + at for first, count in zip(index[::2], index[1::2], strict=True) for at in range(count))
    for place, number in enumerate(listed):
        row = data[place * width : (place + 1) * width]
        behind = widths[0] + widths[1]
        kind, offset, generation = map(int.from_bytes, (row[: widths[0]], row[widths[0] : behind], row[behind:]))
        yield number, 0 if kind == 0 else offset if (kind, generation) == (1, 0) else -1


def _previous(view: HistoricalResolver, revision: int) -> Any:
    """Where the trailer of that revision says that the table before it is."""
    reader = view.reader
    return _raw(reader.trailer._trailer_revisions[reader.total_revisions - 1 - revision], "/Prev")


def _raw(entries: Any, key: str) -> Any:
    return entries.raw_get(key) if key in entries else None


def _type(found: Any) -> str:
    return str(found.raw_get("/Type")) if "/Type" in found else ""


def _is_validation_data(found: Any) -> bool:
    keys = found.keys()
    if _type(found) not in ("", "/DSS", "/VRI"):
        return False
    return keys <= DSS_KEYS or keys <= VRI_KEYS or all(VRI_NAME.fullmatch(key) for key in keys - {"/Type"})


def _is_nothing(found: Any) -> bool:
    """A font that was begun and never filled in."""
    return found.keys() == {"/Type"} and _type(found) == "/Font"


def _is_information(found: Any) -> bool:
    return found.keys() <= INFORMATION_KEYS and all(isinstance(found.raw_get(key), WORDS) for key in found)
