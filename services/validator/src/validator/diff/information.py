"""Document information: anything between signatures; behind the last one, dates and tool of the last change."""

import re

from validator.diff.change import Change, Pair, Zone, as_dictionary
from validator.diff.change_not_allowed import ChangeNotAllowed
from validator.diff.plain_entries import same_except
from validator.pdf.history import TRAILER, Place
from validator.pdf.schema import DATE_KEYS, TOOL_KEYS
from validator.pdf.values import Ref, Value

DATE = re.compile(rb"D:[0-9]{4,14}([Zz+-][0-9']*)?")


def check_information(change: Change) -> None:
    """The trailer's ``/Info``."""
    before, now = (change.history.whole_trailer(each).get("/Info") for each in (change.old, change.new))
    if now is None or (before == now and not (isinstance(now, Ref) and now.number in change.written)):
        return
    if not isinstance(now, Ref):
        raise ChangeNotAllowed("document information is no object of its own")
    change.take_over(before, now, Place(TRAILER, ("/Info",)), change.level)
    pair = change.pair(before, now, Place(TRAILER, ("/Info",)))
    as_dictionary(pair.now, "document information")
    if change.zone is not Zone.BETWEEN:
        _check_date_and_tool(pair)


def _check_date_and_tool(pair: Pair) -> None:
    before, now = as_dictionary(pair.before, "document information"), as_dictionary(pair.now, "document information")
    is_first = pair.before is None
    if not same_except(before, now, {*DATE_KEYS, *TOOL_KEYS} if is_first else {DATE_KEYS[0], TOOL_KEYS[0]}):
        raise ChangeNotAllowed("document information changed")
    for key in (*DATE_KEYS, *TOOL_KEYS):
        value = now.get(key)
        if value is not None and value != before.get(key) and not _has_its_form(key, value):
            raise ChangeNotAllowed(f"{key} is not what it should be")


def _has_its_form(key: str, value: Value) -> bool:
    """A date, or the name of a tool."""
    return isinstance(value, bytes) and (key in TOOL_KEYS or DATE.fullmatch(_as_text(value)) is not None)


def _as_text(value: bytes) -> bytes:
    """A string of digits and signs, in whatever encoding of PDF."""
    if value.startswith(b"\xfe\xff"):
        return value[2:].decode("utf-16-be", "replace").encode("ascii", "replace")
    return value.removeprefix(b"\xef\xbb\xbf")
