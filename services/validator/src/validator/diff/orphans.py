"""New objects that nothing refers to.

Between signatures the next signer vouches for the bytes, and what nothing refers to has no meaning. Behind the last
signature nobody does, and a reader that repairs files finds whatever lies there. Tools do leave such objects: a
previous store of validation data, renewed document information or metadata that trailer or catalog do not name,
numbers. Such an object has no role, so it is judged by its form: it may hold nothing but what may stand in one of these
places, or be a second copy of the cross-reference table (``orphan_xref``).
"""

from validator.diff.change import Change, Zone
from validator.diff.change_not_allowed import ChangeNotAllowed
from validator.diff.orphan_xref import repeats_the_table
from validator.diff.plain_entries import Entries, number
from validator.pdf.history import PlainObject, references
from validator.pdf.schema import (
    DSS_KEYS,
    EVIDENCE_TYPES,
    INFORMATION_KEYS,
    METADATA_KEYS,
    STREAM_KEYS,
    VRI_KEYS,
    VRI_NAME,
)
from validator.pdf.values import Ref, Value


def check_new_objects(change: Change) -> None:
    """Every new object that no rule explained is one that nothing refers to. Raises ``ChangeNotAllowed``."""
    rest = change.added - change.explained - change.history.containers_in(change.new)
    if not rest:
        return
    reached = _reached(change)
    for each in sorted(rest):
        if each in reached:
            raise ChangeNotAllowed(f"object {each} is new")
        if change.zone is Zone.BETWEEN:
            continue
        if not _is_harmless(change.new_object(each)) and not repeats_the_table(change, each):
            raise ChangeNotAllowed(f"object {each} belongs to nothing")


def check_readers_find_no_more(change: Change) -> None:
    """A reader that repairs files takes objects from any object stream, and tables from any cross-reference stream.

    So the update writes none but those that it uses, and copies of its table. Raises ``ChangeNotAllowed``.
    """
    for each in sorted(change.written - change.history.containers_in(change.new)):
        found = change.new_object(each)
        kind = found.value.get("/Type") if found.is_stream and isinstance(found.value, dict) else None
        if kind == "/ObjStm" or (kind == "/XRef" and not repeats_the_table(change, each)):
            raise ChangeNotAllowed(f"object {each} holds objects or places that no table lists")


def _reached(change: Change) -> set[int]:
    """Numbers of the update's new objects to which trailer or changed objects lead, and of those that it changed."""
    known = change.history.defined_until(change.new - 1)
    reached = change.written & known
    waiting: list[Value] = [change.history.whole_trailer(change.new)]
    waiting += [change.new_object(each).value for each in sorted(reached)]
    while waiting:
        for reference, _ in references(waiting.pop()):
            if reference.number in change.written and reference.number not in reached:
                reached.add(reference.number)
                waiting.append(change.history.get(reference, change.new).value)
    return reached


def _is_harmless(found: PlainObject) -> bool:
    value = found.value
    if isinstance(value, dict):
        return _is_harmless_stream(value) if found.is_stream else _is_harmless_dictionary(value)
    if isinstance(value, list) and not isinstance(value, Ref):
        return all(isinstance(each, Ref) for each in value)
    return value == "null" or number(value) is not None


def _is_harmless_stream(entries: Entries) -> bool:
    is_metadata = entries.get("/Type") == "/Metadata" and entries.keys() <= METADATA_KEYS
    return is_metadata or entries.keys() <= STREAM_KEYS


def _is_harmless_dictionary(entries: Entries) -> bool:
    is_font = entries.keys() == {"/Type"} and entries["/Type"] == "/Font"  # begun and never filled in
    return is_font or _is_validation_data(entries) or _is_information(entries)


def _is_validation_data(entries: Entries) -> bool:
    keys = entries.keys()
    if "/Type" in entries and entries["/Type"] not in EVIDENCE_TYPES:
        return False
    return keys <= DSS_KEYS or keys <= VRI_KEYS or all(VRI_NAME.fullmatch(key) for key in keys - {"/Type"})


def _is_information(entries: Entries) -> bool:
    return entries.keys() <= INFORMATION_KEYS and all(
        isinstance(value, bytes) or (isinstance(value, str) and value.startswith("/")) for value in entries.values()
    )
