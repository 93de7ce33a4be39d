"""Tagged PDFs as word processors write them: a structure tree with an element for each paragraph, an embedded font.

Pages by the thousand cost nothing but objects: what a validator pays for is their number.
"""

import random
import zlib

PARAGRAPHS = 12
"""Structure elements a page: with page, content and leaf arrays about 14 objects a page."""
FONT_BYTES = 150_000
"""Of the embedded font of a short letter."""
WORDS = b"can cu nghi dinh ve cong tac van thu uy ban nhan dan thanh pho de nghi cac don vi thuc hien".split()

CATALOG, PAGES, ROOT, DOCUMENT, PARENTS, FONT, DESCRIPTOR, FILE, INFO = range(1, 10)
FIRST_PAGE = 10


def tagged(pages: int = 3, *, font_bytes: int = FONT_BYTES, paragraph_words: int = 30, seed: int = 0) -> bytes:
    """A tagged document; 3 pages make about 160 KB, and 113 pages with ``paragraph_words=55`` about 500 KB."""
    dice = random.Random(seed)
    objects: dict[int, bytes] = {}
    step = PARAGRAPHS + 2
    for page in range(pages):
        objects |= _page(dice, FIRST_PAGE + page * step, page, paragraph_words)
    numbers = [FIRST_PAGE + page * step for page in range(pages)]
    objects |= _frame(dice, numbers, font_bytes)
    return _file(objects)


def _frame(dice: random.Random, numbers: list[int], font_bytes: int) -> dict[int, bytes]:
    elements = [number + 2 + paragraph for number in numbers for paragraph in range(PARAGRAPHS)]
    leaves = b" ".join(
        b"%d [%s]" % (index, _references([number + 2 + paragraph for paragraph in range(PARAGRAPHS)]))
        for index, number in enumerate(numbers)
    )
    return {
        CATALOG: b"<</Type/Catalog/Pages %d 0 R/Lang(vi-VN)/StructTreeRoot %d 0 R/MarkInfo<</Marked true>>>>"
        % (PAGES, ROOT),
        PAGES: b"<</Type/Pages/Count %d/Kids[%s]>>" % (len(numbers), _references(numbers)),
        ROOT: b"<</Type/StructTreeRoot/K %d 0 R/ParentTree %d 0 R/ParentTreeNextKey %d>>"
        % (DOCUMENT, PARENTS, len(numbers)),
        DOCUMENT: b"<</Type/StructElem/S/Document/P %d 0 R/K[%s]>>" % (ROOT, _references(elements)),
        PARENTS: b"<</Nums[%s]>>" % leaves,
        FONT: b"<</Type/Font/Subtype/TrueType/BaseFont/TimesNewRoman/FirstChar 32/LastChar 32/Widths[250]"
        b"/Encoding/WinAnsiEncoding/FontDescriptor %d 0 R>>" % DESCRIPTOR,
        DESCRIPTOR: b"<</Type/FontDescriptor/FontName/TimesNewRoman/Flags 32/ItalicAngle 0/Ascent 891/Descent -216"
        b"/CapHeight 693/StemV 40/FontBBox[-568 -216 2046 693]/FontFile2 %d 0 R>>" % FILE,
        FILE: _stream(dice.randbytes(font_bytes), b"/Length1 %d" % font_bytes),
        INFO: b"<</Producer(Word processor of the demo city)/CreationDate(D:20260101080000+07'00')>>",
    }


def _page(dice: random.Random, number: int, page: int, words: int) -> dict[int, bytes]:
    lines = []
    for paragraph in range(PARAGRAPHS):
        text = b" ".join(dice.choice(WORDS) for _ in range(words))
        lines.append(
            b"/P <</MCID %d>> BDC BT /F1 12 Tf 72 %d Td (%s) Tj ET EMC" % (paragraph, 760 - 55 * paragraph, text)
        )
    objects = {
        number: b"<</Type/Page/Parent %d 0 R/Resources<</Font<</F1 %d 0 R>>/ProcSet[/PDF/Text]>>/MediaBox[0 0 595 842]"
        b"/Contents %d 0 R/Group<</Type/Group/S/Transparency/CS/DeviceRGB>>/Tabs/S/StructParents %d>>"
        % (PAGES, FONT, number + 1, page),
        number + 1: _stream(b"\n".join(lines)),
    }
    for paragraph in range(PARAGRAPHS):
        objects[number + 2 + paragraph] = b"<</Type/StructElem/S/P/P %d 0 R/K[%d]/Pg %d 0 R>>" % (
            DOCUMENT,
            paragraph,
            number,
        )
    return objects


def _stream(data: bytes, more: bytes = b"") -> bytes:
    packed = zlib.compress(data)
    return b"<</Filter/FlateDecode/Length %d%s>>\nstream\n%s\nendstream" % (len(packed), more, packed)


def _references(numbers: list[int]) -> bytes:
    return b" ".join(b"%d 0 R" % number for number in numbers)


def _file(objects: dict[int, bytes]) -> bytes:
    out = bytearray(b"%PDF-1.7\n%\xb5\xb5\xb5\xb5\n")
    rows = [b"0000000000 65535 f\r\n"]
    for number in sorted(objects):
        rows.append(b"%010d 00000 n\r\n" % len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, objects[number])
    start = len(out)
    out += b"xref\n0 %d\n%s" % (len(rows), b"".join(rows))
    identity = b"[<00112233445566778899AABBCCDDEEFF><00112233445566778899AABBCCDDEEFF>]"
    out += b"trailer\n<</Size %d/Root %d 0 R/Info %d 0 R/ID%s>>\n" % (len(rows), CATALOG, INFO, identity)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)
