"""Bombs, loops and crowds: small files that would keep a careless reader busy, or make it fall over.

Each must be answered within the limits of a worker. Some are right as signed PDFs but for what is in them; none is
valid.

Longer than 250 lines: it is a catalogue. Each function is one attack, and none needs another.
"""

import zlib
from collections.abc import Callable

from common.domain.reason import Reason
from mint.attacks.raw import appended, body_of, page, plain, root_of, stream, with_entry
from mint.attacks.registry import Class, Scene, add, attack
from mint.attacks.saving import with_streams

ANY = (
    Reason.E_PDF_FORMAT,
    Reason.E_PDF_LIMIT,
    Reason.E_SIG_FORMAT,
    Reason.E_SIG_COVERAGE,
    Reason.E_SIG_CHANGED,
    Reason.E_SIG_ORG_MISSING,
)
"""What counts is that there is an answer in time: where exactly a reader stops is its own affair."""

MIB = 1024 * 1024


def _bomb(name: str, make: Callable[[Scene], bytes], *reasons: Reason) -> None:
    add(name, Class.BOMB, make, *(reasons or ANY))


def _zeros(mib: int) -> bytes:
    """A deflate stream of that many MiB of zeros: one block, again and again."""
    packer = zlib.compressobj(9)
    head = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = 1
    for _step in range(mib):
        checksum = zlib.adler32(bytes(MIB), checksum)
    return head + block * (mib - 1) + b"\x03\x00" + checksum.to_bytes(4, "big")


def _object_stream_bomb(scene: Scene) -> bytes:
    """An object stream of 300 MiB."""
    packed = _zeros(300)
    entries = b"/Type /ObjStm /N 1 /First 5 /Filter /FlateDecode"
    body = b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(packed), entries, packed)
    pdf = with_streams(scene.signed, {3: b"<< /Type /Page >>"})
    at = pdf.index(b"97 0 obj", len(scene.signed))
    return _moved(pdf, at, b"97 0 obj\n%s\nendobj\n" % body)


def _moved(pdf: bytes, at: int, body: bytes) -> bytes:
    """Another object 97 in an update made by ``with_streams``; offsets behind it follow."""
    start = int(pdf[pdf.rindex(b"startxref") :].split()[1])
    shift = at + len(body) - start
    table = pdf[start : pdf.rindex(b"startxref")].replace(start.to_bytes(4, "big"), (start + shift).to_bytes(4, "big"))
    return pdf[:at] + body + table + b"startxref\n%d\n%%%%EOF\n" % (start + shift)


def _table_bomb(_: Scene) -> bytes:
    """A cross-reference stream of 300 MiB."""
    pdf = page()
    start = len(pdf)
    packed = _zeros(300)
    entries = b"/Type /XRef /Size 99 /W [1 4 1] /Root 1 0 R /Filter /FlateDecode"
    return pdf + b"98 0 obj\n<< /Length %d %s >>\nstream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n" % (
        len(packed), entries, packed, start
    )  # fmt: skip


def _filters(_: Scene) -> bytes:
    """A cross-reference stream behind a hundred filters."""
    start = len(page())
    entries = b"/Type /XRef /Size 99 /W [1 4 1] /Root 1 0 R /Filter [%s]" % (b"/FlateDecode " * 100)
    data = b"x"
    for _step in range(100):
        data = zlib.compress(data)
    body = b"98 0 obj\n<< /Length %d %s >>\nstream\n%s\nendstream\nendobj\n" % (len(data), entries, data)
    return page() + body + b"startxref\n%d\n%%%%EOF\n" % start


def _predictor(_: Scene) -> bytes:
    """A predictor with a row of two thousand million columns."""
    start = len(page())
    entries = b"/Type /XRef /Size 99 /W [1 4 1] /Root 1 0 R /DecodeParms << /Predictor 12 /Columns 2000000000 >>"
    body = b"98 0 obj\n%s\nendobj\n" % stream(b"\0" * 64, entries, packed=True)
    return page() + body + b"startxref\n%d\n%%%%EOF\n" % start


def _widths(_: Scene) -> bytes:
    """A cross-reference stream whose columns are a million bytes wide."""
    start = len(page())
    entries = b"/Type /XRef /Size 99 /W [1 1000000 1000000000] /Root 1 0 R"
    return page() + b"98 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (stream(b"\0" * 64, entries), start)


def _wide_index(_: Scene) -> bytes:
    """A cross-reference stream that says it lists two thousand million objects."""
    start = len(page())
    entries = b"/Type /XRef /Size 2000000000 /W [0 0 0] /Index [0 2000000000] /Root 1 0 R"
    return page() + b"98 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (stream(b"", entries), start)


def _listing(entries: bytes) -> bytes:
    """A file whose cross-reference stream says so."""
    start = len(page())
    held = stream(b"\0" * 64, b"/Type /XRef /Size 2000000000 /Root 1 0 R " + entries)
    return page() + b"98 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (held, start)


def _rows_of_a_byte(_: Scene) -> bytes:
    """A cross-reference stream of 12 MiB in which a predictor makes a row of every second byte."""
    start, packed = len(page()), _zeros(12)
    entries = b"/Type /XRef /Size 99 /W [1 4 1] /Index [0 600000] /Root 1 0 R /Filter /FlateDecode"
    parms = b"/DecodeParms << /Predictor 12 /Columns 1 >> /Length %d" % len(packed)
    body = b"98 0 obj\n<< %s %s >>\nstream\n%s\nendstream\nendobj\n" % (entries, parms, packed)
    return page() + body + b"startxref\n%d\n%%%%EOF\n" % start


def _packed(scene: Scene, entries: bytes) -> bytes:
    """An object stream that says so."""
    pdf = with_streams(scene.signed, {3: b"<< /Type /Page >>"})
    at = pdf.index(b"97 0 obj", len(scene.signed))
    return _moved(pdf, at, b"97 0 obj\n%s\nendobj\n" % stream(b"3 0 << >>", b"/Type /ObjStm " + entries))


def _object_stream_of_bytes(scene: Scene) -> bytes:
    """An object stream of 30 MiB in which a predictor makes a row of every second byte."""
    packed = _zeros(30)
    pdf = with_streams(scene.signed, {3: b"<< /Type /Page >>"})
    entries = b"/Type /ObjStm /N 1 /First 5 /Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns 1 >>"
    body = b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(packed), entries, packed)
    return _moved(pdf, pdf.index(b"97 0 obj", len(scene.signed)), b"97 0 obj\n%s\nendobj\n" % body)


def _doubling(body: bytes) -> dict[int, bytes]:
    """Objects 90 to 119, each of which refers to the next one twice: a thousand million ways to the last."""
    objects = {number: body % (number + 1, number + 1) for number in range(90, 119)}
    return objects | {119: b"<< /A 1 >>"}


def _tagged_twice() -> bytes:
    """A structure tree whose parent tree leads to its leaf in a thousand million ways."""
    tree = _doubling(b"<< /Kids [%d 0 R %d 0 R] >>")
    return page(
        catalog=b"/StructTreeRoot 80 0 R",
        objects={80: b"<< /Type /StructTreeRoot /K 91 0 R /ParentTree 100 0 R >>", 91: b"<< /S /P /P 80 0 R /K 0 >>"}
        | {number: body for number, body in tree.items() if number >= 100},
    )


def _counted(_: Scene) -> bytes:
    """A table that says it has two thousand million rows."""
    return page().replace(b"xref\n0 6\n", b"xref\n0 2000000000\n")


def _catalog(extra: bytes, objects: dict[int, bytes]) -> Callable[[Scene], bytes]:
    """A loop or tower in the unsigned part, signed by the unit and its head where a signing tool manages to."""

    def make(scene: Scene) -> bytes:
        pdf = scene.signed
        return appended(pdf, {root_of(pdf): with_entry(body_of(pdf, root_of(pdf)), extra)} | objects)

    return make


def _two_tables(scene: Scene) -> bytes:
    """Two updates, each of which names the other as the earlier one."""
    first = appended(scene.signed, {}, previous=len(scene.signed))
    first = appended(scene.signed, {}, previous=len(first))
    return appended(first, {}, previous=len(scene.signed))


def _tower(opening: bytes, closing: bytes, floors: int) -> bytes:
    return opening * floors + closing * floors


_bomb("object_stream_bomb", _object_stream_bomb)
_bomb("table_bomb", _table_bomb)
_bomb("hundred_filters", _filters)
_bomb("predictor_of_many_columns", _predictor)
_bomb("columns_of_a_million_bytes", _widths)
_bomb("table_of_two_thousand_million", _wide_index)
_bomb("table_of_two_thousand_million_bytes", lambda _: _listing(b"/W [0 1 0] /Index [0 2000000000]"))
_bomb("table_of_many_parts", lambda _: _listing(b"/W [0 0 1] /Index [%s]" % (b"0 100000000 " * 20)))
_bomb("table_of_negative_parts", lambda _: _listing(b"/W [1 4 1] /Index [-5 2000000000]"))
_bomb("table_with_a_size_only", lambda _: _listing(b"/W [0 1 0]"))
_bomb("table_of_one_byte_rows", _rows_of_a_byte)
_bomb("object_stream_of_two_thousand_million", lambda s: _packed(s, b"/N 2000000000 /First 4"))
_bomb("object_stream_that_begins_far_away", lambda s: _packed(s, b"/N 1 /First 2000000000"))
_bomb("object_stream_of_one_byte_rows", _object_stream_of_bytes)
_bomb("tree_of_pages_that_doubles", lambda s: appended(s.signed, {1: b"<< /Type /Pages /Kids [90 0 R 90 0 R] >>"}
    | _doubling(b"<< /Type /Pages /Kids [%d 0 R %d 0 R] >>")))  # fmt: skip
_bomb("tree_of_fields_that_doubles", lambda s: appended(s.signed, {10: b"<< /Fields [90 0 R 90 0 R] >>"}
    | _doubling(b"<< /T (a) /FT /Sig /Kids [%d 0 R %d 0 R] >>")))  # fmt: skip
_bomb("tags_that_double", lambda s: s.by_unit(appended(s.by_signer(_tagged_twice()), {91: b"<< /K 92 0 R >>"})))
_bomb("rows_that_are_not_there", _counted)
_bomb("deep_arrays", lambda s: appended(s.signed, {3: _tower(b"[", b"]", 100_000)}))
_bomb("deep_dictionaries", lambda s: appended(s.signed, {3: _tower(b"<< /A ", b">>", 50_000)}))
_bomb("deep_catalog", lambda _: plain({1: _tower(b"<< /A ", b">>", 50_000), 2: b"<< /Type /Pages >>"}))
_bomb("unclosed_strings", lambda s: appended(s.signed, {3: b"(" * 200_000}))
_bomb("long_name", lambda s: appended(s.signed, {3: b"/" + b"#41" * 300_000}))
_bomb("long_number", lambda s: appended(s.signed, {3: b"9" * 500_000}))
_bomb("number_in_the_trailer", lambda s: appended(s.signed, {}, more=b"/A " + b"9" * 100_000))
_bomb("pages_in_a_circle", lambda s: appended(s.signed, {1: b"<< /Type /Pages /Kids [1 0 R] /Count 1 >>"}))
_bomb("pages_in_a_circle_unsigned", lambda _: plain(
    {1: b"<< /Type /Catalog /Pages 2 0 R >>", 2: b"<< /Type /Pages /Kids [2 0 R 2 0 R] /Count 2 >>"}))  # fmt: skip
_bomb("page_is_its_own_parent", lambda s: appended(s.signed, {3: b"<< /Type /Page /Parent 3 0 R >>"}))
_bomb("object_that_is_itself", lambda s: appended(s.signed, {3: b"3 0 R"}))
_bomb("references_in_a_circle", lambda s: appended(s.signed, {3: b"90 0 R", 90: b"91 0 R", 91: b"90 0 R"}))
_bomb("length_of_itself", lambda s: appended(s.signed, {4: b"<< /Length 4 0 R >>\nstream\nx\nendstream"}))
_bomb("form_in_a_circle", lambda s: appended(
    s.signed, {10: b"<< /Fields [90 0 R] /SigFlags 3 >>", 90: b"<< /T (a) /Kids [90 0 R 90 0 R] >>"}))  # fmt: skip
_bomb("field_parents_in_a_circle", lambda s: appended(
    s.signed,
    {10: b"<< /Fields [90 0 R] >>", 90: b"<< /FT /Sig /T (a) /Parent 91 0 R >>", 91: b"<< /T (b) /Parent 90 0 R >>"},
))  # fmt: skip
_bomb("tables_in_a_circle", lambda s: appended(s.signed, {}, previous=len(s.signed)))
_bomb("table_before_the_file", lambda s: appended(s.signed, {}, previous=0))
_bomb("tables_that_name_each_other", _two_tables)
_bomb("crowd_of_objects", lambda s: appended(
    s.signed,
    {3: with_entry(body_of(s.signed, 3), b"/Crowd [%s]" % b" ".join(b"%d 0 R" % n for n in range(100, 1_100)))}
    | {n: b"<< /A %d >>" % n for n in range(100, 1_100)},
))  # fmt: skip
_bomb("crowd_of_fields", lambda s: appended(
    s.signed, {10: b"<< /Fields [%s] >>" % (b"90 0 R " * 20_000), 90: b"<< /FT /Sig /T (a) >>"}))  # fmt: skip
_bomb("largest_size", lambda s: appended(s.signed, {}, size=2_000_000_000), Reason.E_PDF_LIMIT, *ANY)
_bomb("tree_of_validation_data", _catalog(b"/DSS 90 0 R", {90: b"<< /Certs 90 0 R /VRI 90 0 R >>"}))


@attack(Class.BOMB, *ANY)
def object_streams_that_extend_each_other(scene: Scene) -> bytes:
    """``/Extends`` in a circle."""
    pdf = with_streams(scene.signed, {3: b"<< /Type /Page >>"})
    at = pdf.index(b"97 0 obj", len(scene.signed))
    body = b"97 0 obj\n%s\nendobj\n" % stream(b"3 0 << >>", b"/Type /ObjStm /N 1 /First 4 /Extends 97 0 R")
    return _moved(pdf, at, body)


@attack(Class.BOMB, *ANY)
def object_stream_inside_itself(scene: Scene) -> bytes:
    """The table says that the object stream lies in the object stream."""
    pdf = with_streams(scene.signed, {3: b"<< /Type /Page >>"})
    place = len(scene.signed)
    return pdf.replace(b"\x01" + place.to_bytes(4, "big") + b"\x00", b"\x02" + (97).to_bytes(4, "big") + b"\x00")


@attack(Class.BOMB, Reason.E_PDF_LIMIT)
def fifty_true_signatures(_scene: Scene) -> bytes:
    """Fifty signature dictionaries, each with a message of its own."""
    value = b"<" + b"30" * 100 + b">"
    entries = (
        b"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached /ByteRange [0 9 209 9] /Contents %s >>"
    )
    fields = {n: b"<< /FT /Sig /T (S%d) /V %d 0 R >>" % (n, n + 100) for n in range(100, 150)}
    values = dict.fromkeys(range(200, 250), entries % value)
    form = b"<< /Fields [%s] /SigFlags 3 >>" % b" ".join(b"%d 0 R" % n for n in fields)
    return page(catalog=b"/AcroForm 10 0 R", objects={10: form} | fields | values)


@attack(Class.BOMB, Reason.E_PDF_LIMIT)
def many_small_revisions(scene: Scene) -> bytes:
    """Forty updates, each a revision that a careful reader opens."""
    pdf = scene.signed
    for step in range(40):
        pdf = appended(pdf, {90: b"<< /A %d >>" % step})
    return pdf
