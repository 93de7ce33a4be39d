"""(e) Behind the last signature, the date and the tool of the last change in the document information."""

import re
from collections.abc import Iterable
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver, RawPdfPath
from pyhanko.sign.diff_analysis import SuspiciousModification
from pyhanko.sign.diff_analysis.commons import compare_dicts, safe_whitelist
from pyhanko.sign.diff_analysis.rules_api import Context, ReferenceUpdate, WhitelistRule

from validator.pdf.entries import raw_entry
from validator.pdf.schema import DATE_KEYS, TOOL_KEYS

DATE = re.compile(r"D:[0-9]{4,14}([Zz+-][0-9']*)?")

Old = HistoricalResolver
New = HistoricalResolver


class InformationDateRule(WhitelistRule):
    """The document information, where nothing but the date and the tool of the last change differs."""

    def apply(self, old: Old, new: New) -> Iterable[ReferenceUpdate]:
        """The information's object."""
        before, now = (view.trailer_view.get_value_as_reference("/Info", optional=True) for view in (old, new))
        if now is None or (before == now and now not in new.explicit_refs_in_revision()):
            return
        entries, changed = old(before) if before else generic.DictionaryObject(), new(now)
        compare_dicts(
            entries, changed, frozenset({*DATE_KEYS[:1], *TOOL_KEYS[:1]} if before else {*DATE_KEYS, *TOOL_KEYS})
        )
        for key in (*DATE_KEYS, *TOOL_KEYS):
            past, value = raw_entry(entries, key), raw_entry(changed, key)
            if value != past and not (value is None or _has_its_form(key, value)):
                raise SuspiciousModification(f"{key} is not what it should be")
        approve = ReferenceUpdate.curry_ref(context_checked=Context.from_absolute(old, RawPdfPath("/Info")))
        yield from map(approve, safe_whitelist(old, before, now))


def _has_its_form(key: str, value: Any) -> bool:
    """A date, or a tool's name."""
    if key in DATE_KEYS:
        return isinstance(value, generic.TextStringObject) and DATE.fullmatch(value) is not None
    return isinstance(value, generic.TextStringObject | generic.ByteStringObject)
