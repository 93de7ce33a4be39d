"""Random updates of signed files: what the difference analysis allows shows what was signed, and it says the same of a
file whether it reads the bytes or every object of it."""

import io
import os
import random
from collections import Counter
from pathlib import Path

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer

from mint.hybrid import hybrid
from mint.sign import Manner, add_empty_fields, sign
from mint.tagged import tagged
from mint.tamper import revision_end
from validator.checks.difference import check_difference, check_empty_fields
from validator.checks.gate import check_gate
from validator.checks.signature import Signature
from validator.checks.structure import find_signatures
from validator.diff.analysis import analysis_of
from validator.diff.change_not_allowed import ChangeNotAllowed
from validator.fault import Fault
from validator.pdf.reader import Reader
from validator.policy import DEFAULT

from .conftest import NOW, Harness
from .shown import is_shown_later, shown_pages
from .updates import Update, changed_bytes

ROUNDS = int(os.environ.get("UPDATES", "60"))
"""Of each kind; thousands in development."""
FIRST = int(os.environ.get("FIRST_UPDATE", "0"))
"""Seed of the first update, so that a long run can be made in parts."""

SMALL = {"pages": 1, "font_bytes": 200, "paragraph_words": 3}
FOREIGN = [
    (Path(__file__).parents[1] / "realtools" / "corpus" / "files" / f"{name}.pdf").read_bytes()
    for name in (
        "letter.itext9.itext5", "packed.itext5.pdfbox3", "writer-ua.itext5.itext9", "b-lt.dss",
        "linearized.pdfbox3.openpdf", "hybrid.itext5.pdfbox3", "form.itext5.pdfbox2", "b-lta.ltv-pdfbox3.stamp-itext5",
    )
]  # fmt: skip


@pytest.fixture(scope="module")
def bases(harness: Harness) -> list[bytes]:
    """Papers of several makers: classic table, tagged, cross-reference stream, object streams, hybrid, empty fields."""
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(harness.letter)))
    writer.stream_xrefs = True
    streams = io.BytesIO()
    writer.write(streams)
    paper = tagged(**SMALL)
    return [
        harness.letter,
        paper,
        streams.getvalue(),
        add_empty_fields(paper, {"Mau": (10, 10, 90, 60)}),
        hybrid(harness.letter),
    ]


@pytest.fixture(scope="module")
def once(harness: Harness, bases: list[bytes]) -> list[bytes]:
    """The papers, signed by the signer."""
    return [sign(paper, harness.sender.signer, NOW, field="A", lenient=True) for paper in bases]


def _signatures(document: bytes) -> tuple[Reader, tuple[Signature, ...]] | None:
    """None = the steps before refuse it."""
    try:
        check_gate(document, DEFAULT)
        reader = Reader(document, DEFAULT)
        return reader, find_signatures(document, reader, DEFAULT)
    except Exception:
        return None


def _is_allowed(reader: Reader, signatures: tuple[Signature, ...]) -> bool | None:
    """None = there is something that cannot be read."""
    try:
        for place, signature in enumerate(signatures):
            later = signatures[place + 1 :]
            last = next((each for each in reversed(later) if not each.is_time_stamp), signature)
            check_difference(reader, signature, last, time_stamps_follow=bool(later))
        check_empty_fields(reader, signatures[0])
    except Fault as fault:
        return False if isinstance(fault.__cause__, ChangeNotAllowed | None) else None
    return True


def _is_allowed_slowly(document: bytes) -> bool | None:
    """The same with every object read."""
    slow = Reader(document, DEFAULT)
    slow.memo["plain_history"] = None
    try:
        return _is_allowed(slow, find_signatures(document, slow, DEFAULT))
    except Fault:
        return None


def _check(document: bytes, seen: Counter[str]) -> None:
    located = _signatures(document)
    if located is None or not located[1]:
        return
    reader, signatures = located
    allowed = _is_allowed(reader, signatures)
    plainly = not analysis_of(reader).is_read_slowly
    seen[("plain " if plainly else "read ") + ("allowed" if allowed else "refused")] += 1
    if plainly:
        # The bytes are read only where the rules ask, so that something broken elsewhere is not noticed.
        assert _is_allowed_slowly(document) in (allowed, None)
    if allowed:
        views = [reader.get_historical_resolver(each.revision) for each in signatures]
        now = shown_pages(reader.get_historical_resolver(reader.total_revisions - 1))
        assert all(is_shown_later(shown_pages(view), now) for view in views)


def _some(dice: random.Random, once: list[bytes]) -> bytes:
    return dice.choice(once if dice.random() < 0.6 else FOREIGN)


def test_updates_that_sign(harness: Harness, once: list[bytes]) -> None:
    """The unit's own update carries more than its signature."""
    seen: Counter[str] = Counter()
    for seed in range(FIRST, FIRST + ROUNDS):
        dice = random.Random(seed)
        document = _some(dice, once)
        field = "Mau" if dice.random() < 0.3 else "B"
        manner = Manner(field=field, box=dice.choice([None, (10, 100, 90, 160)]))
        try:
            update = Update(document, dice)
            update.do()
            document = update.signed(harness.sender.seal, NOW, manner)
        except Exception:
            continue
        _check(document, seen)
    print(seen)
    assert seen["plain allowed"] > ROUNDS // 20
    assert seen["plain refused"] > ROUNDS // 20


def test_updates_between_and_behind(harness: Harness, once: list[bytes]) -> None:
    """An update of its own, before the unit signs or after."""
    seen: Counter[str] = Counter()
    for seed in range(FIRST, FIRST + ROUNDS):
        dice = random.Random(10_000 + seed)
        document = _some(dice, once)
        behind = dice.random() < 0.6
        try:
            if behind:
                document = sign(document, harness.sender.seal, NOW, field="B", lenient=True)
            update = Update(document, dice)
            if dice.random() < 0.7:
                update.writer._update_meta = lambda: None
            update.do()
            document = update.written()
            if not behind:
                document = sign(document, harness.sender.seal, NOW, field="B", lenient=True)
        except Exception:
            continue
        _check(document, seen)
    print(seen)
    assert seen["plain allowed"] > ROUNDS // 20


def test_changed_bytes(harness: Harness, once: list[bytes]) -> None:
    """The bytes behind the first signature, changed without a writer's care. No digest is asked here."""
    seen: Counter[str] = Counter()
    documents = [
        sign(document, harness.sender.seal, NOW, field=field, box=box, lenient=True)
        for document, field, box in zip(
            once, ["B", "B", "B", "Mau", "B"], [None, (9, 9, 90, 90), None, None, None], strict=True
        )
    ]
    for seed in range(2 * FIRST, 2 * (FIRST + ROUNDS)):
        dice = random.Random(20_000 + seed)
        document = dice.choice(documents + FOREIGN)
        _check(changed_bytes(document, revision_end(document, 0), dice), seen)
    print(seen)
    assert seen["plain allowed"] > ROUNDS // 20
