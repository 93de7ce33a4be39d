"""(b) Form entries of a signing service.

/SigFlags may gain flags. /NeedAppearances may not be switched on: viewers would then draw field values instead of what
was signed. What fields are drawn with may be added to, not exchanged; where viewers draw some field themselves, it
stays as it is. New fields are new objects, and carry no actions, which could run scripts.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import FormUpdatingRule, SuspiciousModification
from pyhanko.sign.diff_analysis.constants import ACROFORM_EXEMPT_STRICT_COMPARISON

from validator.diff.full.equivalent_rewrites import may_exchange_drawing
from validator.pdf.entries import entry
from validator.pdf.schema import DRAWING_DEFAULTS
from validator.policy import DifferenceLimits

Old = HistoricalResolver
New = HistoricalResolver


class FormRule(FormUpdatingRule):
    """pyHanko's rule with another list of entries that may change."""

    def __init__(self, field_rules: list[Any], limits: DifferenceLimits) -> None:
        self._limits = limits
        super().__init__(field_rules, ACROFORM_EXEMPT_STRICT_COMPARISON | {"/SigFlags"})

    def apply(self, old: Old, new: New) -> Iterable[Any]:
        """As pyHanko, after checking the entries that it does not look into."""
        before, now = _form(old), _form(new)
        flags, grown = entry(before, "/SigFlags", 0), entry(now, "/SigFlags", 0)
        if flags != grown and not (grown in (1, 2, 3) and isinstance(flags, int) and flags & ~grown == 0):
            raise SuspiciousModification("flags of the form taken away")
        if entry(now, "/NeedAppearances", False) and not entry(before, "/NeedAppearances", False):
            raise SuspiciousModification("fields would be drawn again")
        _check_resources(before, now, old, new, self._limits)
        _check_drawing_defaults(before, now, self._limits)
        known = {(field.idnum, field.generation) for field in _fields(before)}
        for field in _fields(now):
            if (field.idnum, field.generation) in known:
                continue
            if not old.is_ref_unassignable(field.reference):
                raise SuspiciousModification("an old object became a field")
            if _acts(field):
                raise SuspiciousModification("new field that does something when it is touched")
        return super().apply(old, new)


def _check_resources(before: Any, now: Any, past: Old, present: New, limits: DifferenceLimits) -> None:
    """What fields are drawn with may grow, as tools add their fonts; an exchanged font would say something else."""
    old, new = entry(before, "/DR"), entry(now, "/DR")
    for kind in old if isinstance(old, generic.DictionaryObject) else ():
        had, has = entry(old, kind), entry(new, kind) if isinstance(new, generic.DictionaryObject) else None
        if not isinstance(had, generic.DictionaryObject):
            kept = had == has
        else:
            kept = isinstance(has, generic.DictionaryObject) and all(
                _same_raw(had, has, name)
                or (kind == "/XObject" and _other_drawing(had, has, name, past, present, limits))
                for name in had
            )
        if not kept:
            raise SuspiciousModification("resources of the form exchanged")


def _other_drawing(had: Any, has: Any, name: str, past: Old, present: New, limits: DifferenceLimits) -> bool:
    return name in has and may_exchange_drawing(past, present, had.raw_get(name), has.raw_get(name), limits)


def _check_drawing_defaults(before: Any, now: Any, limits: DifferenceLimits) -> None:
    """Where viewers draw fields themselves, other defaults would show text that nobody saw when signing."""
    changed = [key for key in DRAWING_DEFAULTS if _spelled_out(before, key) != _spelled_out(now, key)]
    if changed and _drawn_by_viewers(before, limits.max_form_fields):
        raise SuspiciousModification(f"fields would be drawn with another {changed[0]}")


def _spelled_out(form: Any, key: str) -> Any:
    """An entry of the form, its lists and what they name by number: they may be objects of their own."""
    value = entry(form, key)
    if not isinstance(value, generic.DictionaryObject):
        return value
    lists = {kind: entry(value, kind) for kind in value}
    return {
        kind: {name: names.raw_get(name) for name in names} if isinstance(names, generic.DictionaryObject) else names
        for kind, names in lists.items()
    }


def _drawn_by_viewers(form: Any, max_fields: int) -> bool:
    """Whether some field that is no signature has no appearance of its own, or one that viewers are told to renew."""
    renewed, waiting = bool(entry(form, "/NeedAppearances", False)), [(each, "") for each in _fields(form)]
    for _ in range(max_fields):
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
    entries = (fields.raw_get(place) for place in range(len(fields)))
    return (field for field in entries if isinstance(field, generic.IndirectObject))


def _acts(field: generic.IndirectObject) -> bool:
    """The field or one of its widgets carries an action."""
    entries = field.get_object()
    if not isinstance(entries, generic.DictionaryObject):
        return False
    kids = entry(entries, "/Kids", generic.ArrayObject())
    widgets = (kids[place] for place in range(len(kids)))
    return any("/A" in each or "/AA" in each for each in (entries, *widgets))
