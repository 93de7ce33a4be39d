"""Objects matched in one go lie where the piecemeal way finds them, and object for object the tables are pyHanko's."""

import random
import re
from pathlib import Path

import pytest
from pyhanko.pdf_utils import generic

from mint.attacks.raw import appended, body_of
from mint.hybrid import hybrid
from mint.sign import sign
from validator.pdf import layout as layouts
from validator.pdf.inconclusive import Inconclusive
from validator.pdf.layout import OBJECT, PLAIN_OBJECT, Layout, read_layout
from validator.pdf.plain_history import PlainHistory, plain_history_of
from validator.pdf.reader import Reader
from validator.pdf.values import Ref
from validator.policy import DEFAULT

from .conftest import NOW, Harness
from .updates import Update

NESTING = DEFAULT.pdf.max_nesting
NEVER = re.compile(rb"(?!)")
PARTS = (
    b"<<", b">>", b"<", b">", b"[", b"]", b"(", b")", b"\\", b"(a(b)c)", b"(sende)", b"(\\e)", b"(endobj)", b"(stream)",
    b"(\\endobj)", b"/Type/StructElem", b"/sendobject", b"/P 4 0 R", b"endobj", b" endobj ", b"stream", b"stream\n",
    b"endstream", b"%", b"%x\n", b"% stream\n", b"\n", b"\x00", b" ", b"e", b"s", b"end", b"<4E>", b"<4 E>", b"5 0 obj",
    b"/Length 3", b"xref", b"trailer",
)  # fmt: skip
CORPUS = Path(__file__).parents[1] / "realtools" / "corpus" / "files"
FILES = ("letter.itext9.itext5", "packed.itext5.pdfbox3", "linearized.pdfbox3.openpdf", "hybrid.itext5.pdfbox3")


def _piecemeal(text: bytes) -> tuple[int, Layout] | None:
    """None = ``Inconclusive``."""
    header, layout = OBJECT.match(text), Layout()
    try:
        return None if header is None else (layouts._object(text, layout, header), layout)
    except Inconclusive:
        return None


@pytest.mark.parametrize("seed", range(60))
def test_one_match_ends_where_the_pieces_end(seed: int) -> None:
    dice, matched = random.Random(seed), 0
    for _ in range(400):
        inside = b"".join(dice.choices(PARTS, k=dice.randrange(5)))
        text = b"7 %d obj<<%b>>%bendobj\n" % (dice.random() < 0.05, inside, dice.choice((b"\n", b"", b" ")))
        text += b"".join(dice.choices(PARTS, k=2))
        if plain := PLAIN_OBJECT.match(text):
            matched += 1
            piecemeal = _piecemeal(text)
            assert piecemeal is not None, text
            end, layout = piecemeal
            assert (end, layout.numbers, layout.streams) == (plain.end(), {0: int(plain[1])}, []), text
    assert matched


def test_most_objects_are_matched_at_once() -> None:
    text = b"12 0 obj\n<</Type/StructElem/S/P/T(tessera)/P 4 0 R/ID<4E>>>\nendobj\n% by x\n 13 0 obj"
    plain = PLAIN_OBJECT.match(text)
    assert plain
    assert text[plain.end() :] == b"13 0 obj"


def _layout(document: bytes) -> Layout | None:
    try:
        return read_layout(document, NESTING)
    except Inconclusive:
        return None


@pytest.mark.parametrize("name", FILES)
def test_real_files_and_broken_copies_of_them(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    document, dice = (CORPUS / f"{name}.pdf").read_bytes(), random.Random(name)
    copies = [document, *(_broken(dice, document) for _ in range(60))]
    at_once = [_layout(each) for each in copies]
    monkeypatch.setattr(layouts, "PLAIN_OBJECT", NEVER)
    assert at_once == [_layout(each) for each in copies]
    assert at_once[0] is not None


@pytest.mark.parametrize("longest_bytes", [30, 60, 100, 150, 200, 300, 500, 1000])
@pytest.mark.parametrize("name", FILES)
def test_longer_objects_are_looked_at_in_pieces(name: str, longest_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    document = (CORPUS / f"{name}.pdf").read_bytes()
    whole = _layout(document)
    monkeypatch.setattr(layouts, "LONGEST_AT_ONCE_BYTES", longest_bytes)
    assert _layout(document) == whole


def _broken(dice: random.Random, document: bytes) -> bytes:
    at = dice.choice([each.start() for each in re.finditer(rb"obj", document)]) + dice.randrange(-12, 60)
    return document[:at] + dice.choice(PARTS) + document[at + dice.randrange(3) :]


@pytest.mark.parametrize("name", FILES)
def test_places_are_those_of_pyhanko(name: str) -> None:
    _compare_places((CORPUS / f"{name}.pdf").read_bytes())


def test_places_in_a_hybrid_file(harness: Harness) -> None:
    _compare_places(sign(hybrid(harness.letter), harness.sender.signer, NOW, field="A", lenient=True))


@pytest.mark.parametrize("seed", range(15))
def test_places_after_random_updates(harness: Harness, seed: int) -> None:
    document = harness.letter
    for each in range(3):
        update = Update(document, random.Random(f"{seed}-{each}"))
        update.do()
        document = update.written()
    _compare_places(document)


def test_places_of_freed_objects(harness: Harness) -> None:
    """Freed objects stay away; the revisions before still have them."""
    freed = appended(harness.letter, {5: body_of(harness.letter, 5)}, freed=[4])
    for document in (freed, appended(freed, {}, freed=[5])):
        _compare_places(document)


def _compare_places(document: bytes) -> None:
    reader = Reader(document, DEFAULT)
    history = plain_history_of(reader)
    assert history is not None
    numbers = set[int]().union(*(history.defined_in(each) for each in range(reader.total_revisions)))
    for revision in range(reader.total_revisions):
        for number in sorted(numbers):
            expected = reader.xrefs.get_historical_ref(generic.Reference(number, 0), revision)
            assert _place(history, number, revision) == expected


def _place(history: PlainHistory, number: int, revision: int) -> object:
    try:
        return history._place(Ref(number, 0), revision)
    except Inconclusive:
        return None  # some revision knows it, but not this one
