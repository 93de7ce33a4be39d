"""One revision of a file as the difference analysis asks for it, with three things of real tools put right.

Numbers: below a revision's /Size lie numbers that never were an object's: that of a cross-reference stream which does
not list itself, and numbers listed as free from the beginning. The next tool gives them out. Such a number is as good
as new if nothing up to that revision mentions it; if anything does, it is a reference to what comes later.

Pages: a page with an attribute of its own and a page that inherits an equal one are the same page; some tools write
down what a page inherits when they touch it. Nor is it another page if the keyboard goes through its annotations in the
order of the structure (/Tabs /S), which tools for tagged documents write where nothing readable stood; or if its boxes
differ by less than a thousandth of a point. A page is what the page tree lists, whatever calls itself one; and only if
nobody looks names up in it, as in a table of pictures.

Trailers: PDFBox writes an entry of LibreOffice's own (/AdditionalStreams) anew with the number that the next tool will
give out. As long as nothing has that number, the entry says nothing; from then on it is a use like any other.
"""

from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver

INHERITED = ("/Resources", "/MediaBox", "/CropBox", "/Rotate")
"""ISO 32000-1 table 30."""
BOXES = ("/MediaBox", "/CropBox", "/TrimBox", "/BleedBox", "/ArtBox")
PLACES = 3
"""Of a point: tools that write a page anew keep no more than five, some writers put down twelve."""
MAX_DEPTH = 50
SPEAK_OF_PAGES = frozenset({"/P", "/Pg"})
"""Entries that name the page something lies on (ISO 32000-1 tables 164, 323); all others name it inside of arrays."""

OF_TRAILER = frozenset(
    {"/Size", "/Prev", "/Root", "/Encrypt", "/Info", "/ID", "/XRefStm"}
    | {"/Type", "/W", "/Index", "/Length", "/Filter", "/DecodeParms"}
)
"""ISO 32000-1 tables 15, 17, 19."""

Mention = tuple[int, str]
"""Number of an object, and the key it is the value of; inside of an array an empty one."""


class ToolView(HistoricalResolver):
    """The library's view of one revision."""

    def __init__(self, reader: Any, revision: int) -> None:
        super().__init__(reader, revision)
        self._known_mentions: list[Mention] | None = None
        self._used: set[int] | None = None
        self._pages: set[generic.Reference] | None = None
        self._whole: dict[generic.Reference, Any] = {}
        for key in [key for key in self._trailer if key not in OF_TRAILER and self._leads_nowhere(key)]:
            del self._trailer[key]

    def _leads_nowhere(self, key: str) -> bool:
        """An entry of the trailer that names an object which is not there yet."""
        for number, _ in _mentions_in([(key, self._trailer.raw_get(key))]):
            try:
                if self.reader.xrefs.get_historical_ref(generic.Reference(number), self.revision) is None:
                    return True
            except KeyError:
                return True
        return False

    def get_object(self, ref: generic.Reference, as_metadata_stream: bool = False) -> Any:
        """As the library; a page with what it inherits written down."""
        if ref in self._whole:
            return self._whole[ref]
        found = super().get_object(ref, as_metadata_stream)
        if isinstance(found, generic.DictionaryObject) and _type(found) == "/Page" and self._is_only_a_page(ref):
            self._whole[ref] = found  # a loop of parents ends here
            found = self._whole[ref] = self._with_inherited(found)
        return found

    def _is_only_a_page(self, reference: generic.Reference) -> bool:
        """A leaf of the page tree, and no table of anything."""
        if self._pages is None:
            tables = {number for number, key in self._mentions() if key and key not in SPEAK_OF_PAGES}
            self._pages = {each for each in self._leaves() if each.idnum not in tables}
        return generic.Reference(reference.idnum, reference.generation, self) in self._pages

    def _leaves(self) -> Iterator[generic.Reference]:
        waiting, seen = [self._plainly(self.root_ref).raw_get("/Pages")], set[generic.Reference]()
        while waiting:
            raw = waiting.pop()
            if not isinstance(raw, generic.IndirectObject) or raw.reference in seen:
                continue
            seen.add(raw.reference)
            node = self._plainly(raw.reference)
            kids = node.raw_get("/Kids") if isinstance(node, generic.DictionaryObject) and "/Kids" in node else None
            kids = self._plainly(kids.reference) if isinstance(kids, generic.IndirectObject) else kids
            if isinstance(kids, generic.ArrayObject):
                waiting += [kids.raw_get(place) for place in range(len(kids))]
            elif kids is None:
                yield generic.Reference(raw.idnum, raw.generation, self)

    def _plainly(self, reference: generic.Reference) -> Any:
        return super().get_object(generic.Reference(reference.idnum, reference.generation, self))

    def _with_inherited(self, page: generic.DictionaryObject) -> generic.DictionaryObject:
        missing = [key for key in INHERITED if key not in page]
        made = generic.DictionaryObject(page)
        made.container_ref = page.container_ref
        node: Any = page
        for _ in range(MAX_DEPTH):
            above = node.raw_get("/Parent") if "/Parent" in node else None
            node = self.get_object(above.reference) if isinstance(above, generic.IndirectObject) else None
            if not missing or not isinstance(node, generic.DictionaryObject):
                break
            made.update({generic.NameObject(key): node.raw_get(key) for key in missing if key in node})
            missing = [key for key in missing if key not in node]
        tabs = page.raw_get("/Tabs") if "/Tabs" in page else None
        if tabs == "/S" or not isinstance(tabs, generic.NameObject | generic.IndirectObject):
            made.pop("/Tabs", None)
        made.update({generic.NameObject(key): _rounded(made.raw_get(key)) for key in BOXES if key in made})
        return made

    def is_ref_unassignable(self, ref: generic.Reference) -> bool:
        """As the library: beyond the revision's numbers; or below them, and never used nor mentioned."""
        if super().is_ref_unassignable(ref):
            return True
        if self._used is None:
            self._used = {number for number, _ in (*self._listed(), *self._mentions())}
        return ref.generation == 0 and ref.idnum not in self._used

    def _listed(self) -> Iterator[tuple[int, int]]:
        for revision in range(self.revision + 1):
            data = self.reader.xrefs.get_xref_data(revision)
            for part in (data, data.hybrid.xref_data) if data.hybrid else (data,):
                yield from ((number, generation) for number, (generation, _) in part.standard_xrefs.items())
                yield from ((number, 0) for number in part.xrefs_in_objstm)

    def _mentions(self) -> list[Mention]:
        """By any object or trailer, whether anything leads there or not, and whatever the generation."""
        if self._known_mentions is None:
            self._known_mentions = list(self._found_mentions())
        return self._known_mentions

    def _found_mentions(self) -> Iterator[Mention]:
        waiting: list[tuple[str, Any]] = [("", self.trailer_view)]
        for listed in set(self._listed()):
            try:
                waiting.append(("", self._plainly(generic.Reference(*listed, self))))
            except Exception:  # noqa: S112 - what nobody can read mentions nothing
                continue
        yield from _mentions_in(waiting)


def _mentions_in(waiting: list[tuple[str, Any]]) -> Iterator[Mention]:
    """By these values, each with the key it stands under; references are not followed."""
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, generic.IndirectObject):
            yield value.idnum, key
        elif isinstance(value, generic.DictionaryObject):
            waiting += [(name, value.raw_get(name)) for name in value]
        elif isinstance(value, generic.ArrayObject):
            waiting += [("", value.raw_get(place)) for place in range(len(value))]


def _rounded(box: Any) -> Any:
    """The box with its numbers rounded; anything else as it is."""
    corners = [box.raw_get(place) for place in range(len(box))] if isinstance(box, generic.ArrayObject) else []
    if len(corners) != 4 or not all(isinstance(each, generic.NumberObject | generic.FloatObject) for each in corners):
        return box
    return generic.ArrayObject(generic.FloatObject(round(float(each), PLACES)) for each in corners)


def _type(found: generic.DictionaryObject) -> str:
    return str(found.raw_get("/Type")) if "/Type" in found else ""
