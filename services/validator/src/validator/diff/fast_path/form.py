"""(q5), (q6) The form: signature fields added at its end, each new and signed at once, or empty ones filled."""

from validator.diff.fast_path.change import RevisionChange
from validator.diff.fast_path.plain_entries import has_reference, mentions, must_be_direct, same_but
from validator.pdf.inconclusive import Inconclusive
from validator.pdf.mentions import TRAILER
from validator.pdf.schema import NEW_FIELD_KEYS, SIGNATURE_KEYS
from validator.pdf.values import Ref, Value


def check_form(change: RevisionChange, before: "Value | None", now: "Value | None") -> None:
    """The catalog's ``/AcroForm``. Sets ``change.widgets`` and ``change.field_holders``."""
    old, new = change.history.dictionary(before, change.old), change.history.dictionary(now, change.new)
    holder = change.kept(before, now, change.root)
    if not same_but(old, new, {"/Fields"}):
        raise Inconclusive
    listed = change.kept(old.get("/Fields"), new.get("/Fields"), holder)
    fields = change.history.array(old.get("/Fields"), change.old)
    grown = change.history.array(new.get("/Fields"), change.new)
    if grown[: len(fields)] != fields or len(grown) > change.limits.max_fields:
        raise Inconclusive
    names = [_name(change, field, change.old) for field in fields]
    change.field_holders = {holder, listed, change.root}
    for field in fields:
        if isinstance(field, Ref) and field.number in change.replaced:
            _check_filled(change, field)
    for field in grown[len(fields) :]:
        names.append(_name(change, field, change.new))
        _check_new_field(change, field)
    if len(set(names)) != len(names):
        raise Inconclusive


def _name(change: RevisionChange, field: "Value", revision: int) -> bytes:
    """A plain field's name: at the root of the form, its type its own, no parts."""
    if not isinstance(field, Ref):
        raise Inconclusive
    entries = change.history.dictionary(field, revision)
    name = entries.get("/T")
    if not isinstance(name, bytes) or "/FT" not in entries or "/Kids" in entries or "/Parent" in entries:
        raise Inconclusive
    if b"." in name or not name.isascii():
        raise Inconclusive
    return name


def _check_new_field(change: RevisionChange, field: "Value") -> None:
    if not isinstance(field, Ref) or field.number not in change.added:
        raise Inconclusive
    entries = change.history.dictionary(field, change.new)
    if not entries.keys() <= NEW_FIELD_KEYS or entries.get("/FT") != "/Sig":
        raise Inconclusive
    if entries.get("/Type", "/Annot") != "/Annot" or entries.get("/Subtype") != "/Widget":
        raise Inconclusive
    page = entries.get("/P")
    if page is not None and (not isinstance(page, Ref) or page.number in change.added):
        raise Inconclusive
    change.used.add(field.number)
    change.widgets.append(field.number)
    for key in ("/AP", "/Lock", "/SV"):
        change.take_in(entries.get(key))
    must_be_direct(entries, {"/P", "/AP", "/Lock", "/SV", "/V"})
    _check_signature(change, entries.get("/V"))


def _check_filled(change: RevisionChange, field: Ref) -> None:
    before, now = change.history.dictionary(field, change.old), change.history.dictionary(field, change.new)
    if before.get("/FT") != "/Sig" or "/V" in before or not same_but(before, now, {"/V", "/AP"}):
        raise Inconclusive
    if "/Lock" in before or "/SV" in before:
        raise Inconclusive
    holders = set(change.history.mentions(change.old).holders(field.number)) - change.field_holders
    for holder in holders:
        _check_shows(change, holder, field)
    if before.get("/AP") != now.get("/AP"):
        if not all(isinstance(appearance, dict) for appearance in (before.get("/AP", {}), now.get("/AP"))):
            raise Inconclusive  # written in the field itself, so that nothing else uses it
        change.take_in(now.get("/AP"))
    change.used.add(field.number)
    _check_signature(change, now.get("/V"))


def _check_shows(change: RevisionChange, holder: int, field: Ref) -> None:
    """The other place that mentions an empty field is the page that shows it."""
    if holder == TRAILER:
        raise Inconclusive
    page = change.history.dictionary(Ref(holder, 0), change.old)
    if page.get("/Type") != "/Page" or field not in change.history.array(page.get("/Annots"), change.old):
        raise Inconclusive
    if any(mentions(value, field) for key, value in page.items() if key != "/Annots"):
        raise Inconclusive


def _check_signature(change: RevisionChange, value: "Value | None") -> None:
    """A new dictionary, not a stream, in which nothing is by reference."""
    if not isinstance(value, Ref) or value.number not in change.added:
        raise Inconclusive
    entries = change.history.dictionary(value, change.new)
    if not entries.keys() <= SIGNATURE_KEYS or "/ByteRange" not in entries or has_reference(entries):
        raise Inconclusive
    change.used.add(value.number)
