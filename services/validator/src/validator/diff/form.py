"""The form: its own entries, and the list of its fields.

/SigFlags may gain flags. /NeedAppearances may not be switched on: viewers would then draw field values instead of what
was signed. What fields are drawn with may be added to, not exchanged (``form_resources``). Fields: ``fields``.
"""

from validator.diff.change import Change, Zone, as_dictionary
from validator.diff.change_not_allowed import ChangeNotAllowed
from validator.diff.fields import check_fields
from validator.diff.form_resources import check_form_resources
from validator.diff.plain_entries import Entries, same_except
from validator.pdf.schema import FORM_KEYS

SIGNATURES_EXIST, APPEND_ONLY = 1, 2
KNOWN_FLAGS = SIGNATURES_EXIST | APPEND_ONLY


def check_form(change: Change) -> None:
    """The catalog's ``/AcroForm``. Sets what ``Change`` knows of new fields."""
    if change.zone is Zone.BEHIND:
        return  # the catalog may not name another form, and no rule explains a change of it
    form = change.follow(change.catalog, "/AcroForm")
    before, now = as_dictionary(form.before, "the form"), as_dictionary(form.now, "the form")
    if not same_except(before, now, FORM_KEYS):
        raise ChangeNotAllowed("the form says something else")
    _check_flags(change, before, now)
    check_form_resources(change, form)
    check_fields(change, change.follow(form, "/Fields"))


def _check_flags(change: Change, before: Entries, now: Entries) -> None:
    flags, grown = change.old_value(before.get("/SigFlags", 0)), change.new_value(now.get("/SigFlags", 0))
    if flags != grown and not (
        isinstance(flags, int) and isinstance(grown, int) and 0 < grown <= KNOWN_FLAGS and flags & ~grown == 0
    ):
        raise ChangeNotAllowed("flags of the form taken away")
    drawn, drawn_now = change.old_value(before.get("/NeedAppearances")), change.new_value(now.get("/NeedAppearances"))
    if drawn_now not in (None, "false", "null") and drawn != drawn_now:
        raise ChangeNotAllowed("fields would be drawn again")
