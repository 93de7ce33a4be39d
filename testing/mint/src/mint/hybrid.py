"""A hybrid-reference file (ISO 32000-1 §7.5.8.4): a classic cross-reference table and a stream for the rest.

Word processors write these so that PDF 1.4 readers can open the file as well.
"""

import re
import struct


def hybrid(pdf: bytes) -> bytes:
    """Turn a one-revision PDF with a classic table into a hybrid one; the new objects hold nothing of use."""
    table = int(pdf[pdf.rindex(b"startxref") :].split()[1])
    body, tail = pdf[:table], pdf[table:]
    size = int(re.search(rb"/Size (\d+)", tail)[1])  # type: ignore[index]
    container, hidden, stream = size, size + 1, size + 2
    container_at = len(body)
    body += _object(container, b"/Type /ObjStm /N 1 /First %d" % _first(hidden), _packed(hidden))
    stream_at = len(body)
    body += _object(stream, b"/Type /XRef /Size %d /W [1 4 1] /Index [%d 1]" % (size + 3, hidden),
                    struct.pack(">BIB", 2, container, 0))  # fmt: skip
    rows = b"%010d 00000 n \n%010d 65535 f \n%010d 00000 n \n" % (container_at, 0, stream_at)
    tail = re.sub(rb"xref\n0 (\d+)\n", b"xref\n0 %d\n" % (size + 3), tail, count=1)
    tail = tail.replace(b"trailer", rows + b"trailer", 1)
    tail = tail.replace(b"/Size %d" % size, b"/Size %d\n/XRefStm %d" % (size + 3, stream_at))
    return body + re.sub(rb"startxref\n\d+", b"startxref\n%d" % len(body), tail)


def _packed(number: int) -> bytes:
    return b"%d 0 << /Hidden true >>" % number


def _first(number: int) -> int:
    return len(b"%d 0 " % number)


def _object(number: int, entries: bytes, data: bytes) -> bytes:
    return b"%d 0 obj\n<< %s /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (number, entries, len(data), data)
