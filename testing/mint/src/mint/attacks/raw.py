"""PDFs by hand, byte for byte: what no library would write, an attacker does."""

import re
import zlib
from collections.abc import Iterable, Mapping

HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
ROW_OF_ZERO = b"0000000000 65535 f \n"


def plain(objects: Mapping[int, bytes], more: bytes = b"", *, root: int = 1) -> bytes:
    """A file of one revision with a classic table. ``more``: further trailer entries."""
    out, offsets = HEADER, {}
    for number, body in objects.items():
        offsets[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    size = max(objects) + 1
    rows = b"".join(b"%010d 00000 n \n" % offsets[n] if n in offsets else ROW_OF_ZERO for n in range(1, size))
    trailer = b"trailer\n<< /Size %d /Root %d 0 R %s >>" % (size, root, more)
    table = b"xref\n0 %d\n%s%s" % (size, ROW_OF_ZERO, rows)
    return out + table + trailer + b"\nstartxref\n%d\n%%%%EOF\n" % len(out)


def appended(
    pdf: bytes,
    objects: Mapping[int, bytes],
    *,
    more: bytes = b"",
    freed: Iterable[int] = (),
    at: Mapping[int, int] | None = None,
    unlisted: Iterable[int] = (),
    root: int | None = None,
    size: int = 0,
    previous: int | None = None,
) -> bytes:
    """An incremental update with a classic table.

    ``freed`` objects get a free entry, ``at`` lists objects at offsets of the caller's choice, ``unlisted`` ones are
    written but not listed; ``more`` are further trailer entries.
    """
    out, offsets = pdf, dict(at or {})
    for number, body in objects.items():
        offsets[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    rows = {n: b"%010d 00000 n \n" % offset for n, offset in offsets.items() if n not in set(unlisted)}
    rows |= dict.fromkeys(freed, b"0000000000 00001 f \n")
    table = b"".join(b"%d 1\n%s" % (number, rows[number]) for number in sorted(rows)) or b"0 0\n"
    highest = max([size_of(pdf) - 1, *offsets, *rows])
    trailer = b"trailer\n<< /Size %d /Root %d 0 R /Prev %d %s >>" % (
        size or highest + 1,
        root or root_of(pdf),
        last_table(pdf) if previous is None else previous,
        more,
    )
    return out + b"xref\n" + table + trailer + b"\nstartxref\n%d\n%%%%EOF\n" % len(out)


def streamed(
    pdf: bytes,
    objects: Mapping[int, bytes],
    packed: Mapping[int, tuple[int, int]],
    own: int,
    *,
    index: Iterable[int] | None = None,
    root: int = 1,
    entries: bytes = b"",
) -> bytes:
    """A revision with a cross-reference stream, number ``own``, behind ``pdf`` or behind a mere header.

    ``packed``: by number, the object stream that an object is in and its index there. ``index``: the numbers of the
    rows, in their order; an odd one may stand twice.
    """
    out, rows = pdf, {}
    for number, body in objects.items():
        rows[number] = (1, len(out), 0)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    rows |= {number: (2, container, place) for number, (container, place) in packed.items()} | {own: (1, start, 0)}
    numbers = sorted(rows) if index is None else [*index]
    data = b"".join(b"%c%b%c" % (rows[n][0], rows[n][1].to_bytes(4, "big"), rows[n][2]) for n in numbers)
    size = max([own, *rows, *(size_of(pdf) - 1 for _ in pdf.split(b"/Size ")[1:2])]) + 1
    entries += b" /Type /XRef /Size %d /W [1 4 1] /Index [%s] /Root %d 0 R" % (
        size,
        b" ".join(b"%d 1" % number for number in numbers),
        root_of(pdf) if b"/Root" in pdf else root,
    )
    if b"startxref" in pdf:
        entries += b" /Prev %d" % last_table(pdf)
    return out + b"%d 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (own, stream(data, entries), start)


def object_stream(objects: Iterable[tuple[int, bytes]], entries: bytes = b"") -> bytes:
    """An object stream's body; a number may stand twice."""
    header = body = b""
    for number, each in objects:
        header += b"%d %d " % (number, len(body))
        body += each + b" "
    known = b"/Type /ObjStm /N %d /First %d" % (header.count(b" ") // 2, len(header))
    return stream(header + body, known + entries)


def stream(data: bytes, entries: bytes = b"", *, packed: bool = False) -> bytes:
    """A stream object's body."""
    if packed:
        data, entries = zlib.compress(data, 9), entries + b" /Filter /FlateDecode"
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), entries, data)


def text(words: bytes) -> bytes:
    """Page content that shows some words."""
    return b"BT /F1 14 Tf 72 700 Td (%s) Tj ET" % words


def page(
    content: bytes = b"",
    *,
    resources: bytes = b"",
    entries: bytes = b"",
    catalog: bytes = b"",
    more: bytes = b"",
    objects: Mapping[int, bytes] | None = None,
) -> bytes:
    """A letter of one page: 1 catalog, 2 pages, 3 page, 4 content, 5 font; ``objects`` from 10 on are the caller's."""
    font = b"/Font << /F1 5 0 R >>"
    body = {
        1: b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalog,
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << %s %s >> /Contents 4 0 R %s >>"
        % (font, resources, entries),
        4: stream(content or text(b"Chi 5 trieu dong")),
        5: b"<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman >>",
    }
    return plain(body | dict(objects or {}), more)


def body_of(pdf: bytes, number: int) -> bytes:
    """The last definition of an object that is no stream."""
    bodies = re.findall(rb"(?<![0-9])%d 0 obj\s(.*?)\sendobj" % number, pdf, re.DOTALL)
    last: bytes = bodies[-1]
    return last


def root_of(pdf: bytes) -> int:
    """Object number of the catalog."""
    return int(re.findall(rb"/Root (\d+) 0 R", pdf)[-1])


def size_of(pdf: bytes) -> int:
    """The largest ``/Size``."""
    return max(int(size) for size in re.findall(rb"/Size (\d+)", pdf))


def last_table(pdf: bytes) -> int:
    """Offset of the newest cross-reference section."""
    return int(pdf[pdf.rindex(b"startxref") :].split()[1])


def with_entry(body: bytes, entry: bytes) -> bytes:
    """A dictionary's text with one more entry at its end."""
    at = body.rindex(b">>")
    return body[:at] + entry + b" " + body[at:]


def without(body: bytes, key: bytes) -> bytes:
    """A dictionary's text without an entry whose value is a reference, a number or a name."""
    changed = re.sub(rb"%s\s+(\d+ \d+ R|/?[\w.]+)" % re.escape(key), b"", body, count=1)
    if changed == body:
        raise ValueError(f"no entry {key!r}")
    return changed
