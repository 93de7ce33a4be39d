"""All of (q1) to (q10), beginning with (q4) the catalog, from which every role is found."""

from validator.diff.fast_path.change import RevisionChange
from validator.diff.fast_path.form import check_form
from validator.diff.fast_path.information import check_information, check_metadata
from validator.diff.fast_path.listed_objects import changed_numbers
from validator.diff.fast_path.pages import check_pages
from validator.diff.fast_path.plain_entries import has_reference, same_but
from validator.diff.fast_path.trailer import check_trailer
from validator.diff.fast_path.validation_data import check_validation_data
from validator.pdf.history import History
from validator.pdf.inconclusive import Inconclusive
from validator.pdf.mentions import TRAILER
from validator.pdf.schema import CATALOG_BEHIND_FAST, CATALOG_BETWEEN_FAST
from validator.pdf.values import Ref


def check_harmless(history: History, revision: int, *, at_the_end: bool) -> None:
    """Raises ``Inconclusive`` unless the revision is harmless. ``at_the_end``: no signature is in or behind it."""
    change = RevisionChange(history, revision, at_the_end=at_the_end)
    changed = changed_numbers(change)  # (q1)
    change.added = {number for number in changed if number >= change.size}
    change.replaced = changed - change.added
    check_trailer(change)  # (q2)
    check_information(change)  # (q8)
    if history.mentions(change.old).any_of(change.added):  # (q3)
        raise Inconclusive
    _check_catalog(change)  # (q4)-(q9)
    if changed - change.used:
        raise Inconclusive


def _check_catalog(change: RevisionChange) -> None:
    root = Ref(change.root, 0)
    before, now = change.history.dictionary(root, change.old), change.history.dictionary(root, change.new)
    may = CATALOG_BEHIND_FAST if change.at_the_end else CATALOG_BETWEEN_FAST
    if before.get("/Type") != "/Catalog" or not same_but(before, now, may):
        raise Inconclusive
    if change.root in change.replaced:
        change.only_held_by(change.root, {TRAILER})
        change.used.add(change.root)
    for key in ("/Extensions", "/Version"):
        if before.get(key) != now.get(key) and has_reference([before.get(key, 0), now.get(key, 0)]):
            raise Inconclusive
    if "/Version" in now and not isinstance(now["/Version"], str):
        raise Inconclusive
    check_metadata(change, before.get("/Metadata"), now.get("/Metadata"))
    check_validation_data(change, before.get("/DSS"), now.get("/DSS"))
    if change.at_the_end:
        return
    check_form(change, before.get("/AcroForm"), now.get("/AcroForm"))
    check_pages(change, before)
