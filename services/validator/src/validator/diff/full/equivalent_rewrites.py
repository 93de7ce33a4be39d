"""(f) to (i), (k) What tools write again beside a signature without changing its meaning.

(f) An annotation of a page gets the /Type that it may leave out.
(g) A dictionary of the form's resources that is an object of its own may grow, as one that is written in place may.
(h) A drawing among the form's resources may be exchanged: fonts write fields, drawings do not (ISO 32000-1 §12.7.3.3).
    No appearance may be left to look for its drawings there.
(k) The root of the page tree gets the version of the tool, as iText did until 5.0 (/ITXT).
(i) A document without output intent may get one that means what a screen shows anyway, sRGB.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, RawPdfPath
from pyhanko.sign.diff_analysis import SuspiciousModification
from pyhanko.sign.diff_analysis.commons import safe_whitelist
from pyhanko.sign.diff_analysis.rules_api import Context, ReferenceUpdate, WhitelistRule

from validator.pdf.entries import entry, raw_entry
from validator.pdf.pyhanko_internals import usages
from validator.pdf.schema import COLOUR_PROFILE_KEYS, OUTPUT_INTENT_KEYS
from validator.policy import DifferenceLimits

Old = HistoricalResolver
New = HistoricalResolver

SRGB = frozenset(
    {
        "4064240d928fddcc777915e2be0c81871c5ea9b6e08327ddbe6be9908fc22525",
        "384b832de3412066743b52a75ee906b6fb9fb8d9e09e936fc2c43223815c6e0a",
    }
)
"""SHA-256 of ICC profiles that say sRGB: Little CMS' of 2006, the ICC's of 2014."""
TOOL_VERSION = "/ITXT"


class AnnotationTypeRule(WhitelistRule):
    """(f) /Type /Annot."""

    def __init__(self, limits: DifferenceLimits) -> None:
        self._limits = limits

    def apply(self, old: Old, new: New) -> Iterable[ReferenceUpdate]:
        """Annotations that differ in nothing else."""
        changed = {each for each in new.explicit_refs_in_revision() if not old.is_ref_unassignable(each)}
        for reference in changed & set(_annotations(old, self._limits)) if changed else ():
            before, now = old(reference), new(reference)
            if not _is_plain(before) or not _is_plain(now) or "/Type" in before or "/Subtype" not in before:
                continue
            rest = {key: now.raw_get(key) for key in now if key != "/Type"}
            typed = "/Type" in now and now.raw_get("/Type") == "/Annot"
            if typed and rest == {key: before.raw_get(key) for key in before} and not _is_resource(old, reference):
                yield ReferenceUpdate(reference)


def _is_resource(old: Old, reference: generic.Reference) -> bool:
    """Something is drawn with it: a font, say, is none any more under another type."""
    return any("/Resources" in path.path or "/DR" in path.path for path in usages(old, reference))


class ToolVersionRule(WhitelistRule):
    """(k) /ITXT in the root of the page tree."""

    def apply(self, old: Old, new: New) -> Iterable[ReferenceUpdate]:
        """The root, where it differs in nothing else."""
        before, now = (raw_entry(view.root, "/Pages") for view in (old, new))
        if not isinstance(before, generic.IndirectObject) or before != now:
            return
        had, has = old(before.reference), new(now.reference)
        if before.reference not in new.explicit_refs_in_revision() or not _is_plain(had) or not _is_plain(has):
            return
        version = raw_entry(has, TOOL_VERSION)
        entries, changed = ({key: each.raw_get(key) for key in each if key != TOOL_VERSION} for each in (had, has))
        if entries == changed and isinstance(version, generic.TextStringObject | generic.ByteStringObject):
            yield ReferenceUpdate(before.reference)


class FormResourcesRule(WhitelistRule):
    """(g) Dictionaries of the form's resources; that nothing in them was exchanged is asked by the rule of the form."""

    def apply(self, old: Old, new: New) -> Iterable[ReferenceUpdate]:
        """Those that are objects of their own, used for nothing else."""
        had, has = (_resources(view) for view in (old, new))
        for kind in had if had is not None and has is not None else ():
            before, now = had.raw_get(kind), has.raw_get(kind) if kind in has else None
            if isinstance(before, generic.IndirectObject) and before == now and _is_plain(old(before.reference)):
                path = RawPdfPath("/Root", "/AcroForm", "/DR", kind)
                approve = ReferenceUpdate.curry_ref(context_checked=Context.from_absolute(old, path))
                yield from map(approve, safe_whitelist(old, before.reference, now.reference))
                for value in new(now.reference).values():
                    for reference in new.collect_dependencies(value, since_revision=old.revision + 1):
                        yield ReferenceUpdate(reference)


class OutputIntentRule(WhitelistRule):
    """(i) The catalog's /OutputIntents."""

    def __init__(self, limits: DifferenceLimits) -> None:
        self._limits = limits

    def apply(self, old: Old, new: New) -> Iterable[ReferenceUpdate]:
        """The new objects."""
        before, now = (raw_entry(view.root, "/OutputIntents") for view in (old, new))
        if before == now:
            return
        if before is not None:
            raise SuspiciousModification("output intents changed")
        for place in _items(now.get_object(), "output intents"):
            _check_intent(place.get_object(), self._limits)
        for reference in new.collect_dependencies(now, since_revision=old.revision + 1):
            yield ReferenceUpdate(reference)


def _check_intent(intent: Any, limits: DifferenceLimits) -> None:
    if not _is_plain(intent) or not intent.keys() <= OUTPUT_INTENT_KEYS:
        raise SuspiciousModification("output intent that holds something else")
    profile = raw_entry(intent, "/DestOutputProfile")
    stream = profile.get_object() if profile is not None else None
    if not isinstance(stream, generic.StreamObject) or not stream.keys() <= COLOUR_PROFILE_KEYS:
        raise SuspiciousModification("output intent without a profile of its own")
    too_long = len(stream.encoded_data) > limits.max_colour_profile_bytes
    if too_long or hashlib.sha256(stream.data).hexdigest() not in SRGB:
        raise SuspiciousModification("output intent that would change colours")


def may_exchange_drawing(old: Old, new: New, before: Any, now: Any, limits: DifferenceLimits) -> bool:
    """(h) Whether one /XObject of the form's resources may take the place of another."""
    if not isinstance(before, generic.IndirectObject) or not isinstance(now, generic.IndirectObject):
        return False
    is_new = old.is_ref_unassignable(now.reference) and isinstance(new(now.reference), generic.StreamObject)
    return is_new and all(_draws_by_itself(each) for each in _appearances(old, limits))


def _appearances(view: HistoricalResolver, limits: DifferenceLimits) -> Iterator[Any]:
    """All appearance streams of all annotations."""
    for reference in _annotations(view, limits):
        entries = view(reference)
        waiting = [entries["/AP"]] if _is_plain(entries) and "/AP" in entries else []
        for _ in range(limits.max_annotation_nodes):
            if not waiting:
                break
            node = waiting.pop()
            if isinstance(node, generic.StreamObject):
                yield node
            elif isinstance(node, generic.DictionaryObject):
                waiting += [node[key] for key in node]


def _draws_by_itself(appearance: Any) -> bool:
    """It has resources of its own, or draws no drawing."""
    return "/Resources" in appearance or b"Do" not in appearance.data


def _annotations(view: HistoricalResolver, limits: DifferenceLimits) -> Iterator[generic.Reference]:
    """Of all pages, as far as they are objects of their own."""
    waiting, seen = [view.root.raw_get("/Pages")], set[generic.Reference]()
    while waiting and len(seen) < limits.max_annotation_nodes:
        raw = waiting.pop()
        if not isinstance(raw, generic.IndirectObject) or raw.reference in seen:
            continue
        seen.add(raw.reference)
        node = view(raw.reference)
        if not _is_plain(node):
            continue
        waiting += _items(node["/Kids"], "pages") if "/Kids" in node else []
        for each in _items(node["/Annots"], "annotations") if "/Annots" in node else []:
            if isinstance(each, generic.IndirectObject):
                yield each.reference


def _resources(view: HistoricalResolver) -> Any:
    form = entry(view.root, "/AcroForm")
    resources = entry(form, "/DR") if _is_plain(form) else None
    return resources if _is_plain(resources) else None


def _items(array: Any, what: str) -> list[Any]:
    if isinstance(array, generic.NullObject):
        return []
    if not isinstance(array, generic.ArrayObject):
        raise SuspiciousModification(f"{what} not readable")
    return [array.raw_get(place) for place in range(len(array))]


def _is_plain(value: Any) -> bool:
    return isinstance(value, generic.DictionaryObject) and not isinstance(value, generic.StreamObject)
