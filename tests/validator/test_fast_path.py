"""The fast path never passes what the full analysis refuses: both judge the same random updates."""

import io
import os
import random
from collections import Counter

import pytest
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer

from mint.hybrid import hybrid
from mint.sign import Manner, add_empty_fields, sign
from mint.tagged import tagged
from mint.tamper import revision_end
from validator.checks.difference import check_difference, check_empty_fields
from validator.checks.gate import check_gate
from validator.checks.structure import find_signatures
from validator.diff.fast_path.check import fast_path_of
from validator.fault import Fault
from validator.pdf.reader import Reader
from validator.policy import DEFAULT

from .conftest import NOW, Harness
from .updates import Update, changed_bytes

ROUNDS = int(os.environ.get("UPDATES", "60"))
"""Of each kind; thousands in development."""

SMALL = {"pages": 1, "font_bytes": 200, "paragraph_words": 3}


def _outcome(document: bytes, reader: Reader) -> tuple[str, int]:
    """The first fault of (3) and (4), and how many signatures there are."""
    signatures = find_signatures(document, reader, DEFAULT)
    for signature in signatures:
        check_difference(reader, signature, signatures[-1])
    if signatures:
        check_empty_fields(reader, signatures[0])
    return "passed", len(signatures)


def _judged(document: bytes, fast: bool) -> tuple[str, int, bool]:
    """With the fast path or without, and whether it was conclusive."""
    try:
        check_gate(document, DEFAULT)
        reader = Reader(document, DEFAULT)
        if not fast:
            reader.memo["history"] = None
        outcome = _outcome(document, reader)
    except Fault as fault:
        return f"{fault.step}", 0, False
    except Exception as error:
        return f"unreadable {type(error).__name__}", 0, False
    return *outcome, fast_path_of(reader).is_conclusive


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


def _compare(document: bytes, seen: Counter[str]) -> None:
    fast, full = _judged(document, True), _judged(document, False)
    seen[("conclusive " if fast[2] else "") + fast[0].split()[0]] += 1
    assert fast[:2] == full[:2] or {fast[0], full[0]}.isdisjoint({"passed"}), (fast, full)


def test_updates_that_sign(harness: Harness, once: list[bytes]) -> None:
    """The unit's own update carries more than its signature."""
    seen: Counter[str] = Counter()
    for seed in range(ROUNDS):
        dice = random.Random(seed)
        update = Update(dice.choice(once[:4]), dice)
        update.do()
        field = "Mau" if dice.random() < 0.3 else "B"
        manner = Manner(field=field, box=dice.choice([None, (10, 100, 90, 160)]))
        try:
            document = update.signed(harness.sender.seal, NOW, manner)
        except Exception:
            continue
        _compare(document, seen)
    print(seen)
    assert seen["conclusive passed"] > ROUNDS // 20


def test_updates_between_and_behind(harness: Harness, once: list[bytes]) -> None:
    """An update of its own, before the unit signs or after."""
    seen: Counter[str] = Counter()
    for seed in range(ROUNDS):
        dice = random.Random(10_000 + seed)
        document = dice.choice(once[:4])
        behind = dice.random() < 0.6
        try:
            if behind:
                document = sign(document, harness.sender.seal, NOW, field="B")
            update = Update(document, dice)
            if dice.random() < 0.7:
                update.writer._update_meta = lambda: None
            update.do()
            document = update.written()
            if not behind:
                document = sign(document, harness.sender.seal, NOW, field="B")
        except Exception:
            continue
        _compare(document, seen)
    print(seen)


def test_changed_bytes(harness: Harness, once: list[bytes]) -> None:
    """The bytes behind the first signature, changed without a writer's care. No digest is asked here."""
    seen: Counter[str] = Counter()
    documents = [
        sign(document, harness.sender.seal, NOW, field=field, box=box, lenient=True)
        for document, field, box in zip(
            once, ["B", "B", "B", "Mau", "B"], [None, (9, 9, 90, 90), None, None, None], strict=True
        )
    ]
    for seed in range(ROUNDS * 2):
        dice = random.Random(20_000 + seed)
        document = dice.choice(documents)
        _compare(changed_bytes(document, revision_end(document, 0), dice), seen)
    print(seen)
    assert seen["conclusive passed"] > ROUNDS // 20
