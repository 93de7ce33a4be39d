"""Files inside a PDF, wherever it keeps them; what cannot be read of them closes the document."""

import pytest

from common.secrecy import Mark
from mint.attacks.raw import page, stream, text
from validator.secrecy import find_mark, search
from validator.secrecy.search import Missed

SECRET = stream(page(b"BT /F1 14 Tf 72 700 Td (TUYET MAT) Tj ET"), b"/Type /EmbeddedFile")
CLEAN = stream(page(), b"/Type /EmbeddedFile")
RAR, SEVEN_ZIP = b"Rar!\x1a\x07\x00" + bytes(50), b"7z\xbc\xaf\x27\x1c" + bytes(50)
Objects = dict[int, bytes]


def spec(number: int, key: bytes = b"/F") -> bytes:
    return b"<< /Type /Filespec /F (a.pdf) /UF (a.pdf) /EF << %s %d 0 R >> >>" % (key, number)


def in_tree(tree: bytes, objects: Objects) -> bytes:
    return page(text(b"x"), catalog=b"/Names << /EmbeddedFiles %s >>" % tree, objects=objects)


def alone(objects: Objects) -> bytes:
    return in_tree(b"<< /Names [(a) 10 0 R] >>", {10: spec(11), **objects})


def noted(entries: bytes, objects: Objects) -> bytes:
    note = b"<< /Type /Annot /Subtype /FileAttachment /Rect [0 0 9 9] %s >>" % entries
    return page(text(b"x"), entries=b"/Annots [10 0 R]", objects={10: note, 12: spec(11), **objects})


def filtered(name: bytes, data: bytes) -> bytes:
    return b"<< /Length %d /Filter %s >>\nstream\n%s\nendstream" % (len(data), name, data)


def leaves(count: int, secret_at: int) -> bytes:
    nodes = {100 + n: b"<< /Names [(%02d) %d 0 R] >>" % (n, 200 + n) for n in range(count)}
    specs = {200 + n: spec(11 if n == secret_at else 12) for n in range(count)}
    kids = b" ".join(b"%d 0 R" % (100 + n) for n in range(count))
    return in_tree(b"<< /Kids [%s] >>" % kids, {**nodes, **specs, 11: SECRET, 12: CLEAN})


def deep(levels: int) -> bytes:
    nodes = {20 + n: b"<< /Kids [%d 0 R] >>" % (21 + n) for n in range(levels)}
    return in_tree(
        b"<< /Kids [20 0 R] >>", {**nodes, 20 + levels: b"<< /Names [(a) 10 0 R] >>", 10: spec(11), 11: SECRET}
    )


FOUND = {
    "in the name tree": alone({11: SECRET}),
    **{
        f"under {key.decode()} alone": alone({10: spec(11, key), 11: SECRET})
        for key in (b"/UF", b"/DOS", b"/Mac", b"/Unix")
    },
    "under /UF, another under /F": alone({10: b"<< /EF << /F 12 0 R /UF 11 0 R >> >>", 11: SECRET, 12: CLEAN}),
    **{f"{levels} levels deep": deep(levels) for levels in (1, 2, 3, 8)},
    "the twentieth of twenty leaves": leaves(20, 19),
    "before a broken entry": in_tree(
        b"<< /Names [(a) 10 0 R (b) 12 0 R] >>", {10: spec(11), 11: SECRET, 12: b"<< /F (b) /EF << /F 13 0 R >> "}
    ),
    "behind a broken entry": in_tree(
        b"<< /Names [(b) 12 0 R (a) 10 0 R] >>", {10: spec(11), 11: SECRET, 12: b"<< /F (b) /EF << /F 13 0 R >> "}
    ),
    "behind a broken leaf": in_tree(
        b"<< /Kids [14 0 R 13 0 R] >>",
        {10: spec(11), 11: SECRET, 13: b"<< /Names [(a) 10 0 R] >>", 14: b"<< /Names [(a) "},
    ),
    "behind an entry that is nothing": in_tree(b"<< /Names [(a) null (b) 10 0 R] >>", {10: spec(11), 11: SECRET}),
    "file attachment": noted(b"/FS 12 0 R", {11: SECRET}),
    "file of an annotation": noted(b"/AF [12 0 R]", {11: SECRET}),
    "name of a file attachment": noted(b"/FS << /F (TUYET_MAT.txt) >>", {}),
    "associated with the document": page(text(b"x"), catalog=b"/AF [12 0 R]", objects={12: spec(11), 11: SECRET}),
    "associated with the page": page(text(b"x"), entries=b"/AF 12 0 R", objects={12: spec(11), 11: SECRET}),
}  # fmt: skip
CLOSED = {
    "the thirtieth of thirty leaves": leaves(30, 29),
    "7z": alone({11: stream(SEVEN_ZIP)}),
    "RAR": alone({11: stream(RAR)}),
    "gzip": alone({11: stream(b"\x1f\x8b\x08" + bytes(20))}),
    "data that do not unpack": alone({11: filtered(b"/FlateDecode", b"abc")}),
    "a filter that nobody knows": alone({11: filtered(b"/Unknown", b"abc")}),
    "a filter of pictures": alone({11: filtered(b"/JPXDecode", b"abc")}),
    "data by LZW that do not unpack": alone({11: filtered(b"/LZWDecode", b"\xff\xff\xff")}),
    "a broken entry": alone({10: b"<< /F (b) /EF << /F 13 0 R >> "}),
    "a broken leaf": in_tree(b"<< /Kids [14 0 R] >>", {14: b"<< /Names [(a) "}),
    "a loop": in_tree(b"20 0 R", {20: b"<< /Kids [20 0 R 20 0 R] >>"}),
    "no stream": alone({11: b"(text)"}),
    "7z as a file attachment": noted(b"/FS 12 0 R", {11: stream(SEVEN_ZIP)}),
}
OPEN = {
    "clean": alone({11: CLEAN}),
    "empty": alone({11: stream(b"")}),
    "no files": in_tree(b"<< /Names [] >>", {}),
    "nothing": in_tree(b"null", {}),
    "a name of a file elsewhere": alone({10: b"<< /Type /Filespec /F (a.pdf) >>"}),
    "a file that the tree and the document name": page(
        text(b"x"), catalog=b"/AF [10 0 R] /Names << /EmbeddedFiles << /Names [(a) 10 0 R] >> >>",
        objects={10: spec(11), 11: CLEAN},
    ),
    "nothing at the annotation": noted(b"", {}),
}  # fmt: skip


@pytest.mark.parametrize("case", FOUND)
def test_found(case: str) -> None:
    mark = find_mark("a", FOUND[case])
    assert isinstance(mark, Mark)
    assert "file inside the PDF" in mark.place


@pytest.mark.parametrize("case", CLOSED)
def test_closed(case: str) -> None:
    result = search("a", CLOSED[case])
    assert isinstance(result, Missed)
    assert result.closed


@pytest.mark.parametrize("case", OPEN)
def test_open(case: str) -> None:
    assert search("a", OPEN[case]) is None
