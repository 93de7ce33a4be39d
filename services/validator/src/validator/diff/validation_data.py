"""Validation data (the DSS), as other tools rewrite it.

Arrays and entries of DSS and VRI may go, change and come, as long as all of it is streams in their arrays.
"""

from validator.diff.change import Change, Level, Pair, as_array, as_dictionary
from validator.diff.change_not_allowed import ChangeNotAllowed
from validator.pdf.history import references
from validator.pdf.schema import DSS_ARRAYS, DSS_KEYS, VRI_ARRAYS, VRI_KEYS, VRI_NAME
from validator.pdf.values import Ref, Value

LEVEL = Level.VALIDATION_DATA


def check_validation_data(change: Change) -> None:
    """The catalog's ``/DSS``."""
    store = change.follow(change.catalog, "/DSS")
    if store.now is None:
        return
    if not as_dictionary(store.now, "/DSS").keys() <= DSS_KEYS:
        raise ChangeNotAllowed("/DSS holds more than validation data")
    store = _readable(store)
    for key in DSS_ARRAYS:
        _check_streams(change, store, key)
    _check_signature_entries(change, store)


def _check_signature_entries(change: Change, store: Pair) -> None:
    """The entries for single signatures, below ``/VRI``."""
    if "/VRI" not in as_dictionary(store.now, "/DSS"):
        return
    entries = _readable(change.follow(store, "/VRI"))
    for key in as_dictionary(entries.now, "/VRI"):
        if key == "/Type":
            continue
        if not VRI_NAME.fullmatch(key):
            raise ChangeNotAllowed("name of an entry of /VRI")
        entry = _readable(change.follow(entries, key))
        now = as_dictionary(entry.now, "an entry of /VRI")
        if not now.keys() <= VRI_KEYS:
            raise ChangeNotAllowed("an entry of /VRI holds more than validation data")
        for kind in VRI_ARRAYS:
            _check_streams(change, entry, kind)
        if "/TS" in now:
            _check_stream(change, now["/TS"])


def _readable(pair: Pair) -> Pair:
    """What stood there before may have been anything; only a dictionary has entries to compare with."""
    return pair if isinstance(pair.before, dict | None) else Pair(None, pair.now, pair.place)


def _check_streams(change: Change, above: Pair, key: str) -> None:
    """An array of references to streams."""
    before, now, place = change.entry(above, key)
    if now is None:
        return
    if isinstance(now, Ref):
        change.take_over(before, now, place, LEVEL)
    for each in as_array(change.new_value(now), key):
        _check_stream(change, each)


def _check_stream(change: Change, value: Value) -> None:
    """One stream of evidence. Nothing hangs on a new one but the object that holds its length."""
    if not isinstance(value, Ref) or not (found := change.history.get(value, change.new)).is_stream:
        raise ChangeNotAllowed("validation data that is no stream")
    if not change.is_new(value):
        return
    change.explain(value, LEVEL)
    for reference, path in references(found.value):
        if not change.is_new(reference):
            continue
        length = change.history.get(reference, change.new)
        if path != ("/Length",) or not isinstance(length.value, int):
            raise ChangeNotAllowed("validation data with other objects behind it")
        change.explain(reference, LEVEL)
