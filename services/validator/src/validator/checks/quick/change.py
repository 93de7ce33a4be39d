"""Whether a revision changed nothing but what signing and validation data need: "surely harmless" or ``Unsure``.

Each object of the revision must have a role, found by walking down from the catalog, in which its change is harmless:

(q1) nothing freed, no other generation, no table of two kinds, nothing in the file that no table lists;
(q2) the trailer names the same catalog and nothing new;
(q3) new objects have numbers beyond all earlier ones, which no earlier byte mentions (dangling references);
(q4) catalog: only /AcroForm, /DSS, /Extensions, /Version and, between signatures, /Metadata differ;
(q5) form: only /Fields differs, by signature fields added at its end, each new and signed in this revision;
(q6) an empty signature field of earlier revisions may get a value and an appearance;
(q7) page: only /Annots differs, by those fields added at its end;
(q8) document information and metadata, between signatures only: nobody vouches for them behind the last one;
(q9) validation data: arrays of new streams;
(q10) a changed object is used nowhere else: no byte of earlier revisions mentions it but the holder named above.

A name never decides, only the place where it stands. Whatever is left over is ``Unsure``.
"""

import re
from collections.abc import Iterable
from typing import Any, TypeAlias

from pyhanko.pdf_utils import generic
from pyhanko.sign.diff_analysis.rules.metadata_rules import MetadataUpdateRule

from validator.checks.quick import Unsure
from validator.checks.quick.history import TRAILER, Found, History
from validator.checks.quick.values import Ref, Value

Entries: TypeAlias = "dict[str, Value]"

CATALOG_MAY = frozenset({"/AcroForm", "/DSS", "/Extensions", "/Version", "/Metadata"})
CATALOG_MAY_AT_THE_END = frozenset({"/DSS", "/Extensions", "/Version"})
TRAILER_KEYS = frozenset({"/Size", "/Root", "/Info", "/ID", "/Prev"})
STREAM_KEYS = frozenset({"/Type", "/W", "/Index", "/Length", "/Filter", "/DecodeParms"})
FIELD_KEYS = frozenset(
    {
        "/Type",
        "/Subtype",
        "/FT",
        "/T",
        "/TU",
        "/V",
        "/F",
        "/Ff",
        "/Rect",
        "/P",
        "/AP",
        "/MK",
        "/Lock",
        "/SV",
        "/DA",
        "/Q",
    }
)
SIGNATURE_KEYS = frozenset(
    {"/Type", "/Filter", "/SubFilter", "/ByteRange", "/Contents", "/M", "/Name", "/Reason", "/Location",
     "/ContactInfo", "/Prop_Build", "/Prop_AuthTime", "/Prop_AuthType", "/R", "/V"}
)  # fmt: skip
DSS_KEYS = frozenset({"/Type", "/VRI", "/Certs", "/CRLs", "/OCSPs"})
VRI_KEYS = frozenset({"/Type", "/TU", "/TS", "/Cert", "/CRL", "/OCSP"})
VRI_NAME = re.compile(r"/[A-Z0-9]{40}")
MAX_OBJECTS = 2_000
MAX_FIELDS = 200
MAX_DEPTH = 30


def check_harmless(history: History, revision: int, *, at_the_end: bool) -> None:
    """Raises ``Unsure``, or nothing. ``at_the_end``: there is no signature in or behind this revision."""
    Change(history, revision, at_the_end=at_the_end).check()


class Change:
    """One revision against the one before."""

    def __init__(self, history: History, revision: int, *, at_the_end: bool) -> None:
        self.history, self.new, self.old, self.at_the_end = history, revision, revision - 1, at_the_end
        self.xrefs = history.reader.xrefs
        self.size = max(self.xrefs.get_xref_container_info(each).size for each in range(revision))
        self.used: set[int] = set()
        self.widgets: list[int] = []

    def check(self) -> None:
        """All of (q1) to (q10)."""
        changed = self._changed()  # (q1)
        self.added = {number for number in changed if number >= self.size}
        self.replaced = changed - self.added
        self._check_trailer()  # (q2)
        if self.history.mentions(self.old).any_of(self.added):  # (q3)
            raise Unsure
        self._check_catalog()  # (q4)-(q9)
        if changed - self.used:
            raise Unsure

    # (q1), (q2)

    def _changed(self) -> set[int]:
        data = self.xrefs.get_xref_data(self.new)
        if data.freed or data.hybrid or not data.standard_xrefs:
            raise Unsure
        layout = self.history.layout
        first = layout.sections[self.new].first
        last = layout.sections[self.new + 1].first if self.new + 1 < len(layout.sections) else len(layout.offsets)
        written = layout.offsets[first:last]
        listed = {offset for _, offset in data.standard_xrefs.values()}
        if len(written) > MAX_OBJECTS or listed != set(written) or len(data.standard_xrefs) != len(written):
            raise Unsure
        changed = set(data.standard_xrefs)
        for number in data.obj_streams_used:
            changed |= self._packed(number, data)
        if len(changed) != len(data.standard_xrefs) + len(data.xrefs_in_objstm):
            raise Unsure
        info = self.xrefs.get_xref_container_info(self.new)
        if info.stream_ref is not None:
            self.used.add(info.stream_ref.idnum)
            self._must_be_added(info.stream_ref.idnum)
        return changed

    def _packed(self, container: int, data: Any) -> set[int]:
        """The objects of an object stream of this revision: it holds just those that the table says."""
        self._must_be_added(container)
        _, objects = self.history.reader.unpacked(container)
        listed = {
            number: place.ix_in_stream
            for number, place in data.xrefs_in_objstm.items()
            if place.obj_stream_id == container
        }
        if listed != {number: index for number, (index, _) in objects.items()}:
            raise Unsure
        self.used.add(container)
        return set(listed)

    def _must_be_added(self, number: int) -> None:
        """A container of this revision: a new object that lies in it."""
        if number < self.size or number not in self.xrefs.get_xref_data(self.new).standard_xrefs:
            raise Unsure

    def _check_trailer(self) -> None:
        history, new = self.history, self.history.trailer(self.new)
        allowed = TRAILER_KEYS if history.layout.sections[self.new].trailer is not None else TRAILER_KEYS | STREAM_KEYS
        if not new.keys() <= allowed or any(self._leads_astray(history.trailer(each)) for each in range(self.new)):
            raise Unsure
        identity = new.get("/ID", [])
        if not isinstance(identity, list) or not all(isinstance(part, bytes) for part in identity):
            raise Unsure
        self.root = self._same_reference("/Root")
        self._check_information()

    def _leads_astray(self, trailer: "Entries") -> bool:
        """Whether an earlier trailer refers to objects from anywhere else than catalog and information."""
        return any(_has_reference(value) for key, value in trailer.items() if key not in ("/Root", "/Info"))

    def _same_reference(self, key: str) -> int:
        before, now = self._flat(key, self.old), self._flat(key, self.new)
        if not isinstance(now, Ref) or before != now or now.generation:
            raise Unsure
        return now.number

    def _flat(self, key: str, revision: int) -> "Value | None":
        """A trailer's entry, inherited from earlier ones."""
        for each in range(revision, -1, -1):
            if (value := self.history.trailer(each).get(key)) is not None:
                return value
        return None

    # (q8)

    def _check_information(self) -> None:
        before, now = self._flat("/Info", self.old), self._flat("/Info", self.new)
        if isinstance(now, Ref) and now.number in self.added | self.replaced:
            self._vouched_for()
            if now.generation or (before != now and now.number not in self.added):
                raise Unsure
            self._only_held_by(now.number, {TRAILER})
            entries = self.history.dictionary(now, self.new)
            if _has_reference(entries) or _depth(entries) > 1:
                raise Unsure
            if before == now:
                self.history.dictionary(now, self.old)
            self.used.add(now.number)
        elif before != now:
            raise Unsure

    def _vouched_for(self) -> None:
        if self.at_the_end:
            raise Unsure

    def _check_metadata(self, before: "Value | None", now: "Value | None") -> None:
        if not isinstance(now, Ref):
            if now != before:
                raise Unsure
            return
        if now == before and now.number not in self.replaced:
            return
        self._vouched_for()
        if before is not None and not isinstance(before, Ref):
            raise Unsure
        resolver = self.history.reader.get_historical_resolver
        for reference, revision in ((before, self.old), (now, self.new)):
            if isinstance(reference, Ref):
                found = self.history.dictionary_of_stream(reference.number, revision)
                if _has_reference({key: value for key, value in found.items() if key != "/Length"}):
                    raise Unsure
                own = generic.Reference(reference.number, reference.generation, resolver(revision))
                MetadataUpdateRule.is_well_formed_xml(own)
        self._takes_over(before, now, self.root)

    def _takes_over(self, before: "Value | None", now: Ref, holder: int) -> None:
        """An entry refers to a new object, or still to the same one, which only ``holder`` mentions."""
        if now.generation or (before != now and now.number not in self.added):
            raise Unsure
        if now.number in self.replaced:
            self._only_held_by(now.number, {holder})
        if now.number in self.added | self.replaced:
            self.used.add(now.number)

    # (q10)

    def _only_held_by(self, number: int, holders: set[int]) -> None:
        if number in self.replaced and not set(self.history.mentions(self.old).holders(number)) <= holders:
            raise Unsure

    # (q4)

    def _check_catalog(self) -> None:
        root = Ref(self.root, 0)
        before, now = self.history.dictionary(root, self.old), self.history.dictionary(root, self.new)
        may = CATALOG_MAY_AT_THE_END if self.at_the_end else CATALOG_MAY
        if before.get("/Type") != "/Catalog" or not _same_but(before, now, may):
            raise Unsure
        if self.root in self.replaced:
            self.used.add(self.root)
        for key in ("/Extensions", "/Version"):
            if before.get(key) != now.get(key) and _has_reference([before.get(key, 0), now.get(key, 0)]):
                raise Unsure
        if "/Version" in now and not isinstance(now["/Version"], str):
            raise Unsure
        self._check_metadata(before.get("/Metadata"), now.get("/Metadata"))
        self._check_validation_data(before.get("/DSS"), now.get("/DSS"))
        if self.at_the_end:
            return
        self._check_form(before.get("/AcroForm"), now.get("/AcroForm"))
        self._check_pages(before)

    # (q5), (q6)

    def _check_form(self, before: "Value | None", now: "Value | None") -> None:
        old, new = self.history.dictionary(before, self.old), self.history.dictionary(now, self.new)
        holder = self._kept(before, now, self.root)
        if not _same_but(old, new, {"/Fields"}):
            raise Unsure
        listed = self._kept(old.get("/Fields"), new.get("/Fields"), holder)
        fields = self.history.array(old.get("/Fields"), self.old)
        grown = self.history.array(new.get("/Fields"), self.new)
        if grown[: len(fields)] != fields or len(grown) > MAX_FIELDS:
            raise Unsure
        names = [self._name(field, self.old) for field in fields]
        self.field_holders = {holder, listed, self.root}
        for field in fields:
            if isinstance(field, Ref) and field.number in self.replaced:
                self._check_filled(field)
        for field in grown[len(fields) :]:
            names.append(self._name(field, self.new))
            self._check_new_field(field)
        if len(set(names)) != len(names):
            raise Unsure

    def _kept(self, before: "Value | None", now: "Value | None", holder: int) -> int:
        """Number of the object an entry still leads to, ``holder`` where it is written there directly."""
        if isinstance(before, Ref) != isinstance(now, Ref):
            raise Unsure
        if not isinstance(now, Ref):
            return holder
        if before != now:
            raise Unsure
        self._takes_over(before, now, holder)
        return now.number

    def _name(self, field: "Value", revision: int) -> bytes:
        """A plain field's name: at the root of the form, its type its own, no parts."""
        if not isinstance(field, Ref):
            raise Unsure
        entries = self.history.dictionary(field, revision)
        name = entries.get("/T")
        if not isinstance(name, bytes) or "/FT" not in entries or "/Kids" in entries or "/Parent" in entries:
            raise Unsure
        if b"." in name or not name.isascii():
            raise Unsure
        return name

    def _check_new_field(self, field: "Value") -> None:
        if not isinstance(field, Ref) or field.number not in self.added:
            raise Unsure
        entries = self.history.dictionary(field, self.new)
        if not entries.keys() <= FIELD_KEYS or entries.get("/FT") != "/Sig":
            raise Unsure
        if entries.get("/Type", "/Annot") != "/Annot" or entries.get("/Subtype") != "/Widget":
            raise Unsure
        page = entries.get("/P")
        if page is not None and (not isinstance(page, Ref) or page.number in self.added):
            raise Unsure
        self.used.add(field.number)
        self.widgets.append(field.number)
        for key in ("/AP", "/Lock", "/SV"):
            self._take_in(entries.get(key))
        self._only_direct(entries, {"/P", "/AP", "/Lock", "/SV", "/V"})
        self._check_signature(entries.get("/V"))

    def _check_filled(self, field: Ref) -> None:
        before, now = self.history.dictionary(field, self.old), self.history.dictionary(field, self.new)
        if before.get("/FT") != "/Sig" or "/V" in before or not _same_but(before, now, {"/V", "/AP"}):
            raise Unsure
        if "/Lock" in before or "/SV" in before:
            raise Unsure
        holders = set(self.history.mentions(self.old).holders(field.number)) - self.field_holders
        for holder in holders:
            self._check_shows(holder, field)
        if before.get("/AP") != now.get("/AP"):
            if not all(isinstance(appearance, dict) for appearance in (before.get("/AP", {}), now.get("/AP"))):
                raise Unsure  # written in the field itself, so that nothing else uses it
            self._take_in(now.get("/AP"))
        self.used.add(field.number)
        self._check_signature(now.get("/V"))

    def _check_shows(self, holder: int, field: Ref) -> None:
        """The other place that mentions an empty field is the page that shows it."""
        if holder == TRAILER:
            raise Unsure
        page = self.history.dictionary(Ref(holder, 0), self.old)
        if page.get("/Type") != "/Page" or field not in self.history.array(page.get("/Annots"), self.old):
            raise Unsure
        if any(_mentions(value, field) for key, value in page.items() if key != "/Annots"):
            raise Unsure

    def _check_signature(self, value: "Value | None") -> None:
        """A new dictionary, not a stream, in which nothing is by reference."""
        if not isinstance(value, Ref) or value.number not in self.added:
            raise Unsure
        entries = self.history.dictionary(value, self.new)
        if not entries.keys() <= SIGNATURE_KEYS or "/ByteRange" not in entries or _has_reference(entries):
            raise Unsure
        self.used.add(value.number)

    def _only_direct(self, entries: "Entries", but: set[str]) -> None:
        if _has_reference({key: value for key, value in entries.items() if key not in but}):
            raise Unsure

    def _take_in(self, value: "Value | None", depth: int = 0) -> None:
        """New objects that only new ones lead to; all that they refer to is there."""
        if depth > MAX_DEPTH:
            raise Unsure
        for reference in _references(value):
            if reference.generation:
                raise Unsure
            found = self.history.get(reference.number, self.new)
            if reference.number in self.replaced:
                raise Unsure
            if reference.number in self.added and reference.number not in self.used:
                self.used.add(reference.number)
                self._take_in(found.value, depth + 1)

    # (q7)

    def _check_pages(self, catalog: "Entries") -> None:
        tree = catalog.get("/Pages")
        if not isinstance(tree, Ref):
            raise Unsure
        shown: list[Value] = []
        for number in sorted(self.replaced - self.used):
            if self._is_page(number):
                shown += self._check_page(Ref(number, 0), tree)
        if len(shown) != len({reference for reference in shown if isinstance(reference, Ref)}):
            raise Unsure
        if self.replaced - self.used:
            raise Unsure

    def _is_page(self, number: int) -> bool:
        found: Found = self.history.get(number, self.old)
        return isinstance(found.value, dict) and found.value.get("/Type") == "/Page" and not found.is_stream

    def _check_page(self, page: Ref, tree: Ref) -> "list[Value]":
        before, now = self.history.dictionary(page, self.old), self.history.dictionary(page, self.new)
        if not _same_but(before, now, {"/Annots"}):
            raise Unsure
        self._check_in_tree(page, before, tree)
        self.used.add(page.number)
        return self._check_annotations(page, before.get("/Annots"), now.get("/Annots"))

    def _check_annotations(self, page: Ref, before: "Value | None", now: "Value | None") -> "list[Value]":
        if isinstance(now, Ref):
            if isinstance(before, Ref) and before != now:
                raise Unsure
            self._takes_over(before, now, page.number)
        elif isinstance(before, Ref):
            raise Unsure
        old = [] if before is None else self.history.array(before, self.old)
        new = self.history.array(now, self.new)
        added = new[len(old) :]
        if new[: len(old)] != old or not all(isinstance(each, Ref) and each.number in self.widgets for each in added):
            raise Unsure
        if not all(isinstance(each, Ref) for each in old):
            raise Unsure
        return added

    def _check_in_tree(self, page: Ref, entries: "Entries", tree: Ref) -> None:
        """From the page up to the root of the tree, each node lists the one below; none of them changed."""
        child = page
        for _ in range(MAX_DEPTH):
            parent = entries.get("/Parent")
            if not isinstance(parent, Ref) or parent.number in self.replaced:
                raise Unsure
            entries = self.history.dictionary(parent, self.old)
            if self.history.array(entries.get("/Kids"), self.old).count(child) != 1 or entries.get("/Type") != "/Pages":
                raise Unsure
            if parent == tree:
                return
            child = parent
        raise Unsure

    # (q9)

    def _check_validation_data(self, before: "Value | None", now: "Value | None") -> None:
        if now is None:
            if before is not None:
                raise Unsure
            return
        if before == now and not self._touches(now):
            return
        old = {} if before is None else self.history.dictionary(before, self.old)
        new = self.history.dictionary(now, self.new)
        if not new.keys() <= DSS_KEYS or new.get("/Type", "/DSS") != "/DSS":
            raise Unsure
        holder = self.root
        if isinstance(now, Ref):
            self._takes_over(before, now, self.root)
            holder = now.number
        elif isinstance(before, Ref):
            raise Unsure
        for key in ("/Certs", "/CRLs", "/OCSPs"):
            self._check_evidence(old.get(key), new.get(key), holder)
        self._check_vri(old.get("/VRI"), new.get("/VRI"), holder)

    def _touches(self, value: "Value") -> bool:
        """Whether this revision changes an object of the store; deeper than that is not looked for, but left over."""
        return any(reference.number in self.replaced for reference in _references(value)) or bool(self.added)

    def _check_evidence(self, before: "Value | None", now: "Value | None", holder: int) -> None:
        """An array of streams, each there already or new."""
        if now is None:
            return
        if isinstance(now, Ref):
            if isinstance(before, Ref):
                self._takes_over(before, now, holder)
            elif now.number in self.added:
                self.used.add(now.number)
            else:
                raise Unsure
        for reference in self.history.array(now, self.new):
            self._check_evidence_stream(reference)

    def _check_evidence_stream(self, reference: "Value | None") -> None:
        if not isinstance(reference, Ref) or reference.generation or reference.number in self.replaced:
            raise Unsure
        entries = self.history.dictionary_of_stream(reference.number, self.new)
        if reference.number in self.added:
            if _has_reference(entries):
                raise Unsure
            self.used.add(reference.number)

    def _check_vri(self, before: "Value | None", now: "Value | None", holder: int) -> None:
        if now is None:
            if before is not None:
                raise Unsure
            return
        if isinstance(now, Ref):
            self._takes_over(before, now, holder)
        elif isinstance(before, Ref):
            raise Unsure
        old = {} if before is None else self.history.dictionary(before, self.old)
        new = self.history.dictionary(now, self.new)
        if any(new.get(key) != value for key, value in old.items()):
            raise Unsure
        for key in new.keys() - old.keys():
            self._check_vri_entry(key, new[key])

    def _check_vri_entry(self, key: str, value: "Value") -> None:
        if not VRI_NAME.fullmatch(key):
            raise Unsure
        if isinstance(value, Ref):
            if value.number not in self.added:
                raise Unsure
            self.used.add(value.number)
        entries = self.history.dictionary(value, self.new)
        if not entries.keys() <= VRI_KEYS or isinstance(entries.get("/TU"), Ref):
            raise Unsure
        for kind in ("/Cert", "/CRL", "/OCSP"):
            self._check_evidence(None, entries.get(kind), 0)
        if "/TS" in entries:
            self._check_evidence_stream(entries["/TS"])


def _same_but(before: "Entries", now: "Entries", may: "Iterable[str]") -> bool:
    """Equal entries but for some keys."""
    skipped = frozenset(may)
    keys = before.keys() | now.keys()
    return all(key in before and key in now and before[key] == now[key] for key in keys if key not in skipped)


def _references(value: "Value | None") -> "list[Ref]":
    if isinstance(value, Ref):
        return [value]
    if isinstance(value, dict):
        return [found for each in value.values() for found in _references(each)]
    if isinstance(value, list):
        return [found for each in value for found in _references(each)]
    return []


def _has_reference(value: "Value | None") -> bool:
    return bool(_references(value))


def _mentions(value: "Value | None", wanted: Ref) -> bool:
    return wanted in _references(value)


def _depth(value: "Value") -> int:
    """Nesting: 0 = neither array nor dictionary."""
    if isinstance(value, dict):
        return 1 + max((_depth(each) for each in value.values()), default=0)
    if isinstance(value, list) and not isinstance(value, Ref):
        return 1 + max((_depth(each) for each in value), default=0)
    return 0
