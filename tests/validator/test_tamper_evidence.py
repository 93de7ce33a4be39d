"""A file that nobody can read as a PDF: broken after it was signed, or written so?"""

from collections.abc import Callable

import pytest

from mint.attacks.forge import message, resigned
from mint.attacks.raw import appended, last_table, stream, text
from mint.sign import sign
from mint.tamper import BYTE_RANGE, TAMPERS, hole
from validator.report.decision import Refused
from validator.report.vocabulary import Integrity

from .conftest import NOW, Harness


def _table_moved(pdf: bytes) -> bytes:
    """The last table's place, one byte off; all lengths stay."""
    at = last_table(pdf)
    return pdf.replace(b"startxref\n%d\n" % at, b"startxref\n%d\n" % (at + 1))


def _updated(pdf: bytes) -> bytes:
    return appended(pdf, {4: stream(text(b"another"))})


def _one(harness: Harness) -> bytes:
    return sign(harness.letter, harness.sender.signer, NOW, field="A")


def _signed_as_it_stands(harness: Harness, pdf: bytes) -> bytes:
    """The last signer's message is about the broken file, and right."""
    return resigned(pdf, lambda digest: message(harness.sender.seal, digest, NOW), patch=_table_moved)


NO_MESSAGE = b"\x30\x03\x02\x01\x00"


def _wrapped(pdf: bytes) -> bytes:
    """Behind the message, inside of its hole, lies another update; the signed tail is moved (signature wrapping)."""
    _, end = hole(pdf, -1)
    more = b"/Khac (%s)" % (b"0" * 100)
    start, first, second, length = (int(number) for number in BYTE_RANGE.findall(pdf)[-1])
    declared = b"/ByteRange [%d %d %d %d]" % (start, first, second + len(more), length)
    at = BYTE_RANGE.search(pdf)
    assert at
    return _table_moved(pdf[: at.start()] + declared + pdf[at.end() : end] + more + pdf[end:])


CASES: dict[str, tuple[Integrity, Callable[[Harness], bytes]]] = {
    "an update's table is nowhere": (Integrity.TAMPERED, lambda c: _table_moved(_updated(c.signed))),
    "an update without trailer": (
        Integrity.TAMPERED, lambda c: _updated(c.signed).rpartition(b"trailer")[0] + b"%%EOF",
    ),
    "encrypted by an update": (
        Integrity.TAMPERED, lambda c: appended(c.signed, {}, more=b"/Encrypt << /Filter /Standard >>"),
    ),
    "bytes behind the end": (Integrity.TAMPERED, lambda c: c.signed + b"4 0 obj"),
    "a signed table's place changed": (Integrity.TAMPERED, lambda c: _table_moved(_one(c))),
    "bytes put between what was signed": (Integrity.TAMPERED, lambda c: _wrapped(_one(c))),
    "the same, and no message": (Integrity.TAMPERED, lambda c: _wrapped(resigned(_one(c), lambda _: NO_MESSAGE))),
    "broken, then signed by the unit": (Integrity.TAMPERED, lambda c: _signed_as_it_stands(c, c.signed)),
    "cut off behind the first signature": (Integrity.TAMPERED, lambda c: TAMPERS["truncated"].apply(c.signed)),
    "broken, then signed": (Integrity.MALFORMED, lambda c: _signed_as_it_stands(c, _one(c))),
    "broken, then signed, then more": (Integrity.MALFORMED, lambda c: _signed_as_it_stands(c, _one(c)) + b"4 0 obj"),
    "unsigned, broken": (Integrity.MALFORMED, lambda c: _table_moved(c.letter)),
    "cut off": (Integrity.MALFORMED, lambda c: _one(c)[:-20]),
    "the hole holds no message": (
        Integrity.MALFORMED, lambda c: _table_moved(resigned(_one(c), lambda _: NO_MESSAGE)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_integrity_of_what_cannot_be_read(harness: Harness, name: str) -> None:
    expected, make = CASES[name]
    decision = harness.judge(make(harness))
    assert isinstance(decision, Refused)
    assert decision.report.step in (1, 2), decision.detail
    assert decision.report.integrity is expected, decision.detail
