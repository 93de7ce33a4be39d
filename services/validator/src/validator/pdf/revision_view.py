"""One revision of a file as the difference analysis sees it, with allowances for three habits of real tools.

Numbers: below a revision's /Size there may be numbers that no object ever had: that of a cross-reference stream which
does not list itself, and numbers listed as free from the beginning. The next tool assigns them. Such a number counts as
new if nothing up to that revision mentions it; if anything does, that is a reference to something which comes later.

Pages: a page with an attribute of its own and a page that inherits an equal one are the same page, because some tools
write down what a page inherits when they touch it. It is also the same page with the tab order of the structure
(/Tabs /S), which tools for tagged documents add where nothing readable stood, and with boxes that differ by less than a
thousandth of a point. A page is what the page tree lists, whatever else calls itself one, and only if no dictionary
of names (a table of pictures, say) lists it as well.

Trailers: PDFBox repeats an entry of LibreOffice (/AdditionalStreams) with the number that the next tool will assign.
As long as no object has that number the entry means nothing; from then on it is a reference like any other.
"""

from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils import generic

from validator.pdf.bounds import LookupBudget
from validator.pdf.pyhanko_internals import HookedView
from validator.pdf.schema import INHERITED_PAGE_KEYS, PAGE_BOXES, PAGE_REFERENCE_KEYS, TRAILER_KEYS
from validator.policy import PdfLimits

Mention = tuple[int, str]
"""Number of an object, and the key that refers to it; an empty key inside an array."""


class RevisionView(HookedView):
    """pyHanko's view of one revision, with those allowances and a bound on the references it follows."""

    def __init__(self, reader: Any, revision: int, limits: PdfLimits) -> None:
        super().__init__(reader, revision)
        self._limits = limits
        self._budget = LookupBudget(limits.max_lookups)
        self._known_mentions: list[Mention] | None = None
        self._used: set[int] | None = None
        self._pages: set[generic.Reference] | None = None
        self._whole: dict[generic.Reference, Any] = {}
        for key in [key for key in self.own_trailer if key not in TRAILER_KEYS and self._leads_nowhere(key)]:
            del self.own_trailer[key]

    def _leads_nowhere(self, key: str) -> bool:
        """An entry of the trailer that names an object which is not there yet."""
        for number, _ in _mentions_in([(key, self.own_trailer.raw_get(key))]):
            try:
                if self.reader.xrefs.get_historical_ref(generic.Reference(number), self.revision) is None:
                    return True
            except KeyError:
                return True
        return False

    def get_object(self, ref: generic.Reference, as_metadata_stream: bool = False) -> Any:
        """As pyHanko; a page has what it inherits written down."""
        self._budget.spend()
        if ref in self._whole:
            return self._whole[ref]
        value = super().get_object(ref, as_metadata_stream)
        if isinstance(value, generic.DictionaryObject) and _type(value) == "/Page" and self._is_only_a_page(ref):
            self._whole[ref] = value  # a loop of parents ends here
            value = self._whole[ref] = self._with_inherited(value)
        return value

    def _is_only_a_page(self, reference: generic.Reference) -> bool:
        """A leaf of the page tree, and no table of anything."""
        if self._pages is None:
            tables = {number for number, key in self._mentions() if key and key not in PAGE_REFERENCE_KEYS}
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
        missing = [key for key in INHERITED_PAGE_KEYS if key not in page]
        made = generic.DictionaryObject(page)
        made.container_ref = page.container_ref
        node: Any = page
        for _ in range(self._limits.max_parents):
            above = node.raw_get("/Parent") if "/Parent" in node else None
            node = self.get_object(above.reference) if isinstance(above, generic.IndirectObject) else None
            if not missing or not isinstance(node, generic.DictionaryObject):
                break
            made.update({generic.NameObject(key): node.raw_get(key) for key in missing if key in node})
            missing = [key for key in missing if key not in node]
        tabs = page.raw_get("/Tabs") if "/Tabs" in page else None
        if tabs == "/S" or not isinstance(tabs, generic.NameObject | generic.IndirectObject):
            made.pop("/Tabs", None)
        places = self._limits.box_decimal_places
        made.update({generic.NameObject(key): _rounded(made.raw_get(key), places) for key in PAGE_BOXES if key in made})
        return made

    def is_ref_unassignable(self, ref: generic.Reference) -> bool:
        """As pyHanko: beyond the revision's numbers; or below them, and neither used nor mentioned so far."""
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
        """References in any object or trailer, reachable or not, and whatever their generation."""
        if self._known_mentions is None:
            self._known_mentions = list(self._collect_mentions())
        return self._known_mentions

    def _collect_mentions(self) -> Iterator[Mention]:
        waiting: list[tuple[str, Any]] = [("", self.trailer_view)]
        for listed in set(self._listed()):
            try:
                waiting.append(("", self._plainly(generic.Reference(*listed, self))))
            except Exception:  # noqa: S112 - what nobody can read mentions nothing
                continue
        yield from _mentions_in(waiting)


def _mentions_in(waiting: list[tuple[str, Any]]) -> Iterator[Mention]:
    """References in these values, each with the key it stands under; they are not followed."""
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, generic.IndirectObject):
            yield value.idnum, key
        elif isinstance(value, generic.DictionaryObject):
            waiting += [(name, value.raw_get(name)) for name in value]
        elif isinstance(value, generic.ArrayObject):
            waiting += [("", value.raw_get(place)) for place in range(len(value))]


def _rounded(box: Any, places: int) -> Any:
    """The box with its numbers rounded; anything else as it is."""
    corners = [box.raw_get(place) for place in range(len(box))] if isinstance(box, generic.ArrayObject) else []
    if len(corners) != 4 or not all(isinstance(each, generic.NumberObject | generic.FloatObject) for each in corners):
        return box
    return generic.ArrayObject(generic.FloatObject(round(float(each), places)) for each in corners)


def _type(value: generic.DictionaryObject) -> str:
    return str(value.raw_get("/Type")) if "/Type" in value else ""
