"""Forged signature dictionaries (USF), signatures that vanish, tricks with the hole and the covered bytes.

Longer than 250 lines: it is a catalogue. Each function is one attack, and none needs another.
"""

from collections.abc import Callable
from functools import partial

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name

from common.domain.reason import Reason
from mint.attacks.forge import declared, message, resigned
from mint.attacks.raw import appended, body_of, last_table, root_of, with_entry, without
from mint.attacks.registry import Class, Scene, add, attack
from mint.tamper import BYTE_RANGE, _updated, hole

SIG_FORMAT = Reason.E_SIG_FORMAT
BROKEN = (Reason.E_SIG_FORMAT, Reason.E_PDF_FORMAT)
"""A dictionary that a strict parser may already choke on."""


def _in_hole(value: bytes) -> Callable[[Scene], bytes]:
    """Something else in place of the unit's message, blanks behind it."""

    def make(scene: Scene) -> bytes:
        start, end = hole(scene.signed, -1)
        return scene.signed[:start] + value.ljust(end - start) + scene.signed[end:]

    return make


for _name, _value in {
    "contents_null": b"null",
    "contents_empty": b"<>",
    "contents_one_zero": b"<00>",
    "contents_a_reference": b"4 0 R",
    "contents_garbage": b"<" + b"41" * 500 + b">",
}.items():
    add(_name, Class.USF, _in_hole(_value), *BROKEN)


@attack(Class.USF, *BROKEN)
def contents_removed(scene: Scene) -> bytes:
    """No ``/Contents`` at all: the key bears another name."""
    start, _ = hole(scene.signed, -1)
    at = scene.signed.rindex(b"/Contents", 0, start)
    return scene.signed[:at] + b"/Inhaltes" + scene.signed[at + 9 :]


def _ranged(byte_range: bytes) -> Callable[[Scene], bytes]:
    return lambda scene: declared(scene.signed, byte_range)


for _name, _value in {
    "byte_range_null": b"null",
    "byte_range_empty": b"[]",
    "byte_range_short": b"[0 100]",
    "byte_range_of_three": b"[0 100 200]",
    "byte_range_of_six": b"[0 10 20 10 40 10]",
    "byte_range_zero": b"[0 0 0 0]",
    "byte_range_huge": b"[0 99999999999 999999999999 1]",
    "byte_range_past_the_end": b"[0 9694 13878 99999]",
    "byte_range_of_names": b"[/A /B /C /D]",
    "byte_range_of_reals": b"[0.0 96.5 1387.8 5.2]",
    "byte_range_by_reference": b"4 0 R",
    "byte_range_negative_length": b"[0 9694 13878 -1]",
    "byte_range_without_hole": b"[0 7000 7000 7400]",
    "byte_range_overlapping": b"[0 9694 100 14000]",
}.items():
    add(_name, Class.USF, _ranged(_value), *BROKEN)


def _subfilter(name: bytes) -> Callable[[Scene], bytes]:
    """The unit signs soundly, under a SubFilter of the caller's choice."""

    def patch(pdf: bytes) -> bytes:
        at = pdf.rindex(b"/SubFilter /ETSI.CAdES.detached")
        return pdf[:at] + (b"/SubFilter " + name).ljust(31) + pdf[at + 31 :]

    return lambda scene: resigned(
        scene.signed, lambda digest: message(scene.member.seal, digest, scene.at), patch=patch
    )


for _name, _value in {
    "subfilter_x509_rsa": b"/adbe.x509.rsa_sha1",
    "subfilter_timestamp": b"/ETSI.RFC3161",
    "subfilter_null": b"null",
    "subfilter_of_nobody": b"/Unit.Own.Format",
}.items():
    add(_name, Class.USF, _subfilter(_value), *BROKEN)
add(
    "subfilter_pkcs7_sha1", Class.USF, _subfilter(b"/adbe.pkcs7.sha1"), Reason.E_SIG_DIGEST, sub="HASH_FAILURE"
)  # its message holds a digest, which this one does not


# removed


@attack(Class.REMOVED, SIG_FORMAT)
def form_removed(scene: Scene) -> bytes:
    """The catalog without ``/AcroForm``."""
    pdf = scene.signed
    return appended(pdf, {root_of(pdf): without(body_of(pdf, root_of(pdf)), b"/AcroForm")})


@attack(Class.REMOVED, SIG_FORMAT)
def values_removed(scene: Scene) -> bytes:
    """The fields stay, empty."""

    def change(writer: object) -> None:
        for field in writer.root["/AcroForm"]["/Fields"]:  # type: ignore[attr-defined]
            del field.get_object()["/V"]
            writer.update_container(field.get_object())  # type: ignore[attr-defined]

    return _updated(scene.signed, change)


@attack(Class.REMOVED, SIG_FORMAT)
def fields_of_another_type(scene: Scene) -> bytes:
    """Signature fields that call themselves text."""

    def change(writer: object) -> None:
        for field in writer.root["/AcroForm"]["/Fields"]:  # type: ignore[attr-defined]
            field.get_object()[pdf_name("/FT")] = pdf_name("/Tx")
            writer.update_container(field.get_object())  # type: ignore[attr-defined]

    return _updated(scene.signed, change)


@attack(Class.REMOVED, SIG_FORMAT)
def signatures_pose_as_usage_rights(scene: Scene) -> bytes:
    """The fields empty, and their dictionaries hung where a reader's maker signs for functions."""
    pdf = scene.signed
    starts = [pdf[: pdf.rindex(b" 0 obj", 0, hole(pdf, which)[0])].split()[-1] for which in (0, 1)]
    rights = b"/Perms << /UR3 %s 0 R /UR %s 0 R >>" % (starts[0], starts[1])
    emptied = values_removed(scene)
    return appended(emptied, {root_of(emptied): with_entry(body_of(emptied, root_of(emptied)), rights)})


@attack(Class.REMOVED, SIG_FORMAT)
def signature_dictionary_freed(scene: Scene) -> bytes:
    """The unit's signature dictionary becomes a free object."""
    pdf = scene.signed
    start, _ = hole(pdf, -1)
    number = int(pdf[: pdf.rindex(b" 0 obj", 0, start)].split()[-1])
    return appended(pdf, {}, freed=[number])


@attack(Class.REMOVED, SIG_FORMAT, Reason.E_SIG_COVERAGE)
def linked_from_the_old_catalog(scene: Scene) -> bytes:
    """A new trailer that names a new, signature-free catalog over the same pages."""
    pdf = scene.signed
    return appended(pdf, {90: b"<< /Type /Catalog /Pages 1 0 R >>"}, root=90)


@attack(Class.REMOVED, SIG_FORMAT)
def table_without_history(scene: Scene) -> bytes:
    """A complete table of the first revision's objects again, without ``/Prev``: the signatures are out of sight."""
    pdf = scene.signed
    table = pdf[pdf.index(b"xref\n") : pdf.index(b"startxref")]
    return pdf + table + b"startxref\n%d\n%%%%EOF\n" % len(pdf)


# the hole


def _hole_text(change: Callable[[bytes], bytes]) -> Callable[[Scene], bytes]:
    def make(scene: Scene) -> bytes:
        start, end = hole(scene.signed, -1)
        text = change(scene.signed[start:end])
        if len(text) != end - start:
            raise ValueError("the hole must keep its length")
        return scene.signed[:start] + text + scene.signed[end:]

    return make


add("blank_in_the_hole", Class.HOLE, _hole_text(lambda t: t[:-3] + b" 0>"), SIG_FORMAT)
add("blank_behind_the_string", Class.HOLE, _hole_text(lambda t: t[:-3] + b">  "), SIG_FORMAT)
add("comment_in_the_hole", Class.HOLE, _hole_text(lambda t: t[:-41] + b">%" + b"hidden text" + b" " * 28), SIG_FORMAT)
add("line_end_in_the_string", Class.HOLE, _hole_text(lambda t: t[:-41] + b"\n" * 40 + b">"), SIG_FORMAT)
add("odd_digits", Class.HOLE, _hole_text(lambda t: t[:-2] + b"> "), SIG_FORMAT)
add("two_strings", Class.HOLE, _hole_text(lambda t: t[:-41] + (b">/Name <" + b"41" * 16 + b">").ljust(41)), SIG_FORMAT)
add("object_in_the_hole", Class.HOLE, _hole_text(lambda t: t[:-61] + b"> >> endobj 4 0 obj <<>>".ljust(61)), *BROKEN)


def _recut(change: Callable[[int, int, int], tuple[int, int, int]]) -> Callable[[Scene], bytes]:
    """The unit signs soundly over other ranges than it should."""

    def make(scene: Scene) -> bytes:
        numbers = list(BYTE_RANGE.finditer(scene.signed))[-1].groups()
        first, second, length = change(*map(int, numbers[1:]))
        patch = partial(declared, byte_range=b"[0 %d %d %d]" % (first, second, length))
        return resigned(scene.signed, lambda digest: message(scene.member.seal, digest, scene.at), patch=patch)

    return make


add("hole_begins_early", Class.HOLE, _recut(lambda a, b, c: (a - 10, b, c)), SIG_FORMAT)
add("hole_ends_late", Class.HOLE, _recut(lambda a, b, c: (a, b + 12, c - 12)), SIG_FORMAT)
add("hole_inside_the_string", Class.HOLE, _recut(lambda a, b, c: (a + 1, b - 1, c + 1)), SIG_FORMAT)
add("hole_over_the_page", Class.HOLE, _recut(lambda _, b, c: (300, 900, b + c - 900)), SIG_FORMAT)
add("tail_not_covered", Class.COVERAGE, _recut(lambda a, b, c: (a, b, c - 20)), Reason.E_SIG_COVERAGE)
add("last_byte_not_covered", Class.COVERAGE, _recut(lambda a, b, c: (a, b, c - 3)), Reason.E_SIG_COVERAGE)
add("nothing_behind_the_hole", Class.COVERAGE, _recut(lambda a, b, _: (a, b, 0)), SIG_FORMAT)
add("table_not_covered", Class.COVERAGE, _recut(lambda a, b, _: (a, b, 60)), Reason.E_SIG_COVERAGE)


@attack(Class.COVERAGE, SIG_FORMAT)
def head_not_covered(scene: Scene) -> bytes:
    """A ByteRange that begins behind the header."""
    a, b, c = map(int, list(BYTE_RANGE.finditer(scene.signed))[-1].groups()[1:])
    patch = partial(declared, byte_range=b"[9 %d %d %d]" % (a - 9, b, c))
    return resigned(scene.signed, lambda digest: message(scene.member.seal, digest, scene.at), patch=patch)


@attack(Class.COVERAGE, SIG_FORMAT)
def range_of_the_first_signature(scene: Scene) -> bytes:
    """The unit signs the bytes that the head has signed, and nothing of its own revision."""
    numbers = tuple(map(int, BYTE_RANGE.search(scene.signed).groups()))  # type: ignore[union-attr]
    patch = partial(declared, byte_range=b"[%d %d %d %d]" % numbers)
    return resigned(scene.signed, lambda digest: message(scene.member.seal, digest, scene.at), patch=patch)


@attack(Class.COVERAGE, SIG_FORMAT, Reason.E_SIG_COVERAGE)
def same_dictionary_in_two_fields(scene: Scene) -> bytes:
    """One signature dictionary shown by two fields: one signature looks like two."""

    def change(writer: object) -> None:
        field = writer.root["/AcroForm"]["/Fields"][0].get_object()  # type: ignore[attr-defined]
        twin = generic.DictionaryObject({key: field.raw_get(key) for key in field})
        twin[pdf_name("/T")] = generic.TextStringObject("CoQuan")
        writer.root["/AcroForm"]["/Fields"].append(writer.add_object(twin))  # type: ignore[attr-defined]
        writer.update_container(writer.root["/AcroForm"]["/Fields"])  # type: ignore[attr-defined]

    return _updated(scene.by_signer(scene.letter), change)


# wrapping


@attack(Class.SWA, SIG_FORMAT, Reason.E_SIG_COVERAGE, Reason.E_PDF_FORMAT)
def signed_tail_moved(scene: Scene) -> bytes:
    """The bytes behind the hole are moved to the end; in the room between lie another dictionary and table.

    Both signed ranges hold the very bytes that were signed, and the digest is right.
    """
    pdf = scene.signed
    start, end = hole(pdf, -1)
    head, value, tail = pdf[:start], pdf[start:end], pdf[end:]
    old_table = last_table(pdf)
    number = int(head[: head.rindex(b" 0 obj")].split()[-1])
    grown = len(tail) + 20_000
    dictionary = b"%d 0 obj\n<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /Contents %s"
    room = head + value + b"\n" * 8
    at = len(room)
    forged = (dictionary + b" /ByteRange [0 %d %d %d] >>\nendobj\n") % (
        number, value, start, end + grown, len(tail)
    )  # fmt: skip
    page_at = at + len(forged)
    forged += b"3 0 obj\n<< /Type /Page /Parent 1 0 R /MediaBox [0 0 100 100] >>\nendobj\n"
    # The moved tail names its table at the old offset: that is where the attacker puts his own.
    if at + len(forged) < old_table:
        raise ValueError("expected the table to lie close behind the hole")
    table_at = at + len(forged)
    table = b"xref\n3 1\n%010d 00000 n \n%d 1\n%010d 00000 n \n" % (page_at, number, at)
    trailer = b"trailer\n<< /Size %d /Root 2 0 R /Prev %d >>\nstartxref\n%d\n%%%%EOF\n" % (
        number + 1, _previous(pdf), table_at
    )  # fmt: skip
    out = room + forged + table + trailer
    return out.ljust(end + grown, b"\n") + tail


@attack(Class.SWA, SIG_FORMAT, Reason.E_SIG_COVERAGE, Reason.E_PDF_FORMAT)
def wrapped_in_an_update(scene: Scene) -> bytes:
    """A second dictionary with the true message, whose ByteRange names the true bytes, in an update that changes."""
    pdf = scene.signed
    byte_range = list(BYTE_RANGE.finditer(pdf))[-1]
    start, end = hole(pdf, -1)
    number = int(pdf[: pdf.rindex(b" 0 obj", 0, start)].split()[-1])
    forged = b"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /Contents %s %s >>"
    changed = b"<< /Type /Page /Parent 1 0 R /Resources 7 0 R /MediaBox [0 0 99 99] >>"
    return appended(pdf, {number: forged % (pdf[start:end], byte_range[0]), 3: changed})


def _previous(pdf: bytes) -> int:
    return int(pdf[pdf.rindex(b"/Prev") :].split()[1])


@attack(Class.SWA, Reason.E_SIG_DIGEST, sub="HASH_FAILURE")
def copied_into_another_letter(scene: Scene) -> bytes:
    """Field and dictionary of a true signature copied into another letter."""
    other = scene.by_unit(scene.by_signer(_updated(scene.letter, _other_page)))
    start, end = hole(scene.signed, -1)
    value = scene.signed[start + 1 : end - 1].rstrip(b"0")
    mine, theirs = hole(other, -1)
    return other[: mine + 1] + value.ljust(theirs - mine - 2, b"0") + other[theirs - 1 :]


def _other_page(writer: object) -> None:
    page = writer.root["/Pages"]["/Kids"][0].get_object()  # type: ignore[attr-defined]
    page[pdf_name("/Rotate")] = generic.NumberObject(90)
    writer.update_container(page)  # type: ignore[attr-defined]
