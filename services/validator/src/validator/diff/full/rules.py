"""(4.1) What may follow a signature besides what the library's own rules allow: as real tools write it, no more.

Each rule says exactly what is allowed; the attack that it could let in is tested beside it
(``tests/validator/test_difference_rules.py``).

(a) Validation data rewritten by another tool: arrays and entries of DSS and VRI may go, change and come, as long as all
    of it is streams in their arrays.
(b) Form entries of a signing service: /SigFlags may gain flags. /NeedAppearances may not be switched on: viewers would
    then draw field values instead of what was signed. What fields are drawn with may be added to, not exchanged; where
    viewers draw some field themselves, it stays as it is. New fields are new objects, and carry no actions, which could
    run scripts.
(c) A free entry for a number that was never in use.
(d) The structure tree of a tagged document may grow by elements that hold nothing but new signature fields.
(e) Behind the last signature, the date and the tool of the last change in the document information.
(f) to (i), (k) What is written anew without saying anything else, see ``anew``.
(j) Behind the last signature, objects that nothing refers to, see ``leftover``.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from pyhanko.pdf_utils import generic, misc
from pyhanko.pdf_utils.reader import HistoricalResolver, RawPdfPath
from pyhanko.sign.diff_analysis import (
    DiffResult,
    FormUpdatingRule,
    ModificationLevel,
    StandardDiffPolicy,
    SuspiciousModification,
)
from pyhanko.sign.diff_analysis.commons import compare_dicts, compare_key_refs, safe_whitelist
from pyhanko.sign.diff_analysis.constants import ACROFORM_EXEMPT_STRICT_COMPARISON
from pyhanko.sign.diff_analysis.rules_api import Context, ReferenceUpdate, WhitelistRule

from validator.diff.full.dangling_references import check_awaited
from validator.diff.full.equivalent_rewrites import may_exchange_drawing
from validator.pdf.entries import entry, raw

DSS_ARRAYS = ("/Certs", "/CRLs", "/OCSPs")
DSS_KEYS = frozenset({"/Type", "/VRI", *DSS_ARRAYS})
VRI_ARRAYS = ("/Cert", "/CRL", "/OCSP")
VRI_KEYS = frozenset({"/Type", "/TU", "/TS", *VRI_ARRAYS})
VRI_NAME = re.compile(r"/(?:[0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})")
"""SHA-1 of the signature's value (ISO 32000-2 §12.8.4.3); some tools take SHA-256."""
PEN = ("/DA", "/Q", "/DR")
"""What a viewer draws fields with."""
MAX_FIELDS = 5_000
DATES, TOOLS = ("/ModDate", "/CreationDate"), ("/Producer", "/Creator")
"""Of the document information: the first of each is renewed, all of them may come where there was none."""
DATE = re.compile(r"D:[0-9]{4,14}([Zz+-][0-9']*)?")

Old = HistoricalResolver
New = HistoricalResolver


class ValidationDataRule(WhitelistRule):
    """(a) The document security store: arrays of streams, and nothing else, wherever it was changed."""

    def apply(self, old: Old, new: New) -> Iterable[ReferenceUpdate]:
        """Objects of the store that changed or came; in the old document they were used for nothing else."""
        path = RawPdfPath("/Root", "/DSS")
        before, now = yield from _kept(old, old.root, new.root, "/DSS", path)
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
        entries, grown = yield from _kept(old, before, now, "/VRI", path)
        entries = entries if isinstance(entries, generic.DictionaryObject) else generic.DictionaryObject()
        _must_be_dictionary(grown, None, "/VRI")
        for key in grown:
            if key == "/Type":
                continue
            if not VRI_NAME.fullmatch(key):
                raise SuspiciousModification(f"name of a VRI entry: {key}")
            past, item = yield from _kept(old, entries, grown, key, path + key)
            past = past if isinstance(past, generic.DictionaryObject) else generic.DictionaryObject()
            _must_be_dictionary(item, VRI_KEYS, "VRI entry")
            for kind in VRI_ARRAYS:
                yield from _streams(old, new, past, item, kind, path + key + kind)
            yield from _stamp(old, new, item)


def _kept(old: Old, before: Any, now: Any, key: str, path: RawPdfPath) -> Any:
    """Yields what changed about the entry itself, and returns its value before and now."""
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


def _stamp(old: Old, new: New, item: Any) -> Iterator[ReferenceUpdate]:
    if "/TS" not in item:
        return
    yield from _stream(old, new, item.raw_get("/TS"), "/TS")


class FormRule(FormUpdatingRule):
    """(b) The library's rule with another list of entries that may change."""

    def __init__(self, field_rules: list[Any]) -> None:
        super().__init__(field_rules, ACROFORM_EXEMPT_STRICT_COMPARISON | {"/SigFlags"})

    def apply(self, old: Old, new: New) -> Iterable[Any]:
        """As the library; before that, the two entries that it does not look into."""
        before, now = _form(old), _form(new)
        flags, grown = entry(before, "/SigFlags", 0), entry(now, "/SigFlags", 0)
        if flags != grown and not (grown in (1, 2, 3) and isinstance(flags, int) and flags & ~grown == 0):
            raise SuspiciousModification("flags of the form taken away")
        if entry(now, "/NeedAppearances", False) and not entry(before, "/NeedAppearances", False):
            raise SuspiciousModification("fields would be drawn anew")
        _require_same_resources(before, now, old, new)
        _require_same_pen(before, now)
        known = {(field.idnum, field.generation) for field in _fields(before)}
        for field in _fields(now):
            if (field.idnum, field.generation) in known:
                continue
            if not old.is_ref_unassignable(field.reference):
                raise SuspiciousModification("an old object became a field")
            if _acts(field):
                raise SuspiciousModification("new field that does something when it is touched")
        return super().apply(old, new)


def _require_same_resources(before: Any, now: Any, past: Old, present: New) -> None:
    """What fields are drawn with may grow, as tools add their fonts; an exchanged font would say something else."""
    old, new = entry(before, "/DR"), entry(now, "/DR")
    for kind in old if isinstance(old, generic.DictionaryObject) else ():
        had, has = entry(old, kind), entry(new, kind) if isinstance(new, generic.DictionaryObject) else None
        if not isinstance(had, generic.DictionaryObject):
            kept = had == has
        else:
            kept = isinstance(has, generic.DictionaryObject) and all(
                _same_raw(had, has, name) or (kind == "/XObject" and _other_drawing(had, has, name, past, present))
                for name in had
            )
        if not kept:
            raise SuspiciousModification("resources of the form exchanged")


def _other_drawing(had: Any, has: Any, name: str, past: Old, present: New) -> bool:
    return name in has and may_exchange_drawing(past, present, had.raw_get(name), has.raw_get(name))


def _require_same_pen(before: Any, now: Any) -> None:
    """Where a viewer draws fields itself, whatever it draws them with shows text that nobody saw when signing."""
    changed = [key for key in PEN if _spelled_out(before, key) != _spelled_out(now, key)]
    if changed and _drawn_by_viewers(before):
        raise SuspiciousModification(f"fields would be drawn with another {changed[0]}")


def _spelled_out(form: Any, key: str) -> Any:
    """An entry of the form, its lists and what they name by number: they may be objects of their own."""
    value = entry(form, key)
    if not isinstance(value, generic.DictionaryObject):
        return value
    lists = {kind: entry(value, kind) for kind in value}
    return {
        kind: {name: found.raw_get(name) for name in found} if isinstance(found, generic.DictionaryObject) else found
        for kind, found in lists.items()
    }


def _drawn_by_viewers(form: Any) -> bool:
    """Whether some field that is no signature has no appearance of its own, or one that viewers are told to renew."""
    renewed, waiting = bool(entry(form, "/NeedAppearances", False)), [(each, "") for each in _fields(form)]
    for _ in range(MAX_FIELDS):
        if not waiting:
            return False
        reference, kind = waiting.pop()
        field = reference.get_object()
        if not isinstance(field, generic.DictionaryObject):
            continue
        kind = str(entry(field, "/FT", kind))
        kids = entry(field, "/Kids", generic.ArrayObject())
        below = [kids.raw_get(place) for place in range(len(kids))] if isinstance(kids, generic.ArrayObject) else []
        waiting += [(kid, kind) for kid in below if isinstance(kid, generic.IndirectObject)]
        if kind != "/Sig" and not below and (renewed or "/AP" not in field):
            return True
    return True


def _same_raw(had: Any, has: Any, name: str) -> bool:
    """The same object, or an equal value, under a name of two dictionaries."""
    if name not in has:
        return False
    one, other = had.raw_get(name), has.raw_get(name)
    if isinstance(one, generic.IndirectObject) and isinstance(other, generic.IndirectObject):
        return (one.idnum, one.generation) == (other.idnum, other.generation)
    return bool(one == other)


def _form(view: HistoricalResolver) -> Any:
    form = entry(view.root, "/AcroForm")
    return form if isinstance(form, generic.DictionaryObject) else generic.DictionaryObject()


def _fields(form: Any) -> Iterator[generic.IndirectObject]:
    fields = entry(form, "/Fields", generic.ArrayObject())
    found = (fields.raw_get(place) for place in range(len(fields)))
    return (field for field in found if isinstance(field, generic.IndirectObject))


def _acts(field: generic.IndirectObject) -> bool:
    """The field or one of its widgets carries an action."""
    entries = field.get_object()
    if not isinstance(entries, generic.DictionaryObject):
        return False
    kids = entry(entries, "/Kids", generic.ArrayObject())
    widgets = (kids[place] for place in range(len(kids)))
    return any("/A" in each or "/AA" in each for each in (entries, *widgets))


class Policy(StandardDiffPolicy):
    """The library's analysis; (c) what is freed must never have been in use."""

    def __init__(self, global_rules: list[Any], form_rule: FormUpdatingRule | None, *, leftovers: bool = True) -> None:
        """``leftovers``: new objects that nothing refers to do not matter."""
        rules = [*global_rules, FreedRule().as_qualified(ModificationLevel.LTA_UPDATES)]
        super().__init__(rules, form_rule, reject_object_freeing=False, ignore_orphaned_objects=leftovers)

    def apply(self, old: Old, new: New, *args: Any, **kwargs: Any) -> DiffResult:
        """One revision against the signed one."""
        for reference in new.refs_freed_in_revision():
            if _was_used(old, reference.idnum):
                raise SuspiciousModification(f"object {reference.idnum} was freed")
        check_awaited(old, new)
        return super().apply(old, new, *args, **kwargs)


class FreedRule(WhitelistRule):
    """(c) Free entries; ``Policy`` has looked at them."""

    def apply(self, old: Old, new: New) -> Iterable[ReferenceUpdate]:
        """All of them."""
        for reference in new.refs_freed_in_revision():
            if not _was_used(old, reference.idnum):
                yield ReferenceUpdate(reference)


def _was_used(old: Old, number: int) -> bool:
    """Whether any revision up to the signed one defined an object of that number, of whatever generation."""
    for revision in range(old.revision + 1):
        data = old.reader.xrefs.get_xref_data(revision)
        for part in (data, data.hybrid.xref_data) if data.hybrid else (data,):
            if number in part.standard_xrefs or number in part.xrefs_in_objstm:
                return True
    return False


class InformationDateRule(WhitelistRule):
    """(e) The document information, where nothing but the date and the tool of the last change differs."""

    def apply(self, old: Old, new: New) -> Iterable[ReferenceUpdate]:
        """The information's object."""
        before, now = (view.trailer_view.get_value_as_reference("/Info", optional=True) for view in (old, new))
        if now is None or (before == now and now not in new.explicit_refs_in_revision()):
            return
        entries, changed = old(before) if before else generic.DictionaryObject(), new(now)
        compare_dicts(entries, changed, frozenset({*DATES[:1], *TOOLS[:1]} if before else {*DATES, *TOOLS}))
        for key in (*DATES, *TOOLS):
            past, value = raw(entries, key), raw(changed, key)
            if value != past and not (value is None or _is_said(key, value)):
                raise SuspiciousModification(f"{key} is not what it should be")
        approve = ReferenceUpdate.curry_ref(context_checked=Context.from_absolute(old, RawPdfPath("/Info")))
        yield from map(approve, safe_whitelist(old, before, now))


def _is_said(key: str, value: Any) -> bool:
    """A date, or a tool's name."""
    if key in DATES:
        return isinstance(value, generic.TextStringObject) and DATE.fullmatch(value) is not None
    return isinstance(value, generic.TextStringObject | generic.ByteStringObject)
