"""(q9) Validation data: arrays of streams, each there already or new."""

from validator.diff.fast_path.change import RevisionChange
from validator.diff.fast_path.plain_entries import has_reference, references
from validator.pdf.inconclusive import Inconclusive
from validator.pdf.schema import DSS_ARRAYS, DSS_KEYS, VRI_ARRAYS, VRI_KEYS, VRI_NAME
from validator.pdf.values import Ref, Value


def check_validation_data(change: RevisionChange, before: "Value | None", now: "Value | None") -> None:
    """The catalog's ``/DSS``."""
    if now is None:
        if before is not None:
            raise Inconclusive
        return
    if before == now and not _touches(change, now):
        return
    old = {} if before is None else change.history.dictionary(before, change.old)
    new = change.history.dictionary(now, change.new)
    if not new.keys() <= DSS_KEYS or new.get("/Type", "/DSS") != "/DSS":
        raise Inconclusive
    holder = change.root
    if isinstance(now, Ref):
        change.takes_over(before, now, change.root)
        holder = now.number
    elif isinstance(before, Ref):
        raise Inconclusive
    for key in DSS_ARRAYS:
        _check_evidence(change, old.get(key), new.get(key), holder)
    _check_vri(change, old.get("/VRI"), new.get("/VRI"), holder)


def _touches(change: RevisionChange, value: "Value") -> bool:
    """Whether this revision changes an object of the store; deeper than that is not looked for, but left over."""
    return any(reference.number in change.replaced for reference in references(value)) or bool(change.added)


def _check_evidence(change: RevisionChange, before: "Value | None", now: "Value | None", holder: int) -> None:
    """An array of streams, each there already or new."""
    if now is None:
        return
    if isinstance(now, Ref):
        if isinstance(before, Ref):
            change.takes_over(before, now, holder)
        elif now.number in change.added:
            change.used.add(now.number)
        else:
            raise Inconclusive
    for reference in change.history.array(now, change.new):
        _check_evidence_stream(change, reference)


def _check_evidence_stream(change: RevisionChange, reference: "Value | None") -> None:
    if not isinstance(reference, Ref) or reference.generation or reference.number in change.replaced:
        raise Inconclusive
    entries = change.history.dictionary_of_stream(reference.number, change.new)
    if reference.number in change.added:
        if has_reference(entries):
            raise Inconclusive
        change.used.add(reference.number)


def _check_vri(change: RevisionChange, before: "Value | None", now: "Value | None", holder: int) -> None:
    if now is None:
        if before is not None:
            raise Inconclusive
        return
    if isinstance(now, Ref):
        change.takes_over(before, now, holder)
    elif isinstance(before, Ref):
        raise Inconclusive
    old = {} if before is None else change.history.dictionary(before, change.old)
    new = change.history.dictionary(now, change.new)
    if any(new.get(key) != value for key, value in old.items()):
        raise Inconclusive
    for key in new.keys() - old.keys():
        _check_vri_entry(change, key, new[key])


def _check_vri_entry(change: RevisionChange, key: str, value: "Value") -> None:
    if not VRI_NAME.fullmatch(key):
        raise Inconclusive
    if isinstance(value, Ref):
        if value.number not in change.added:
            raise Inconclusive
        change.used.add(value.number)
    entries = change.history.dictionary(value, change.new)
    if not entries.keys() <= VRI_KEYS or isinstance(entries.get("/TU"), Ref):
        raise Inconclusive
    for kind in VRI_ARRAYS:
        _check_evidence(change, None, entries.get(kind), 0)
    if "/TS" in entries:
        _check_evidence_stream(change, entries["/TS"])
