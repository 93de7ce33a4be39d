"""Object streams: what is in them is said once, in every reading of the file."""

from typing import Any

import pytest
from pyhanko.pdf_utils.misc import PdfReadError

from common.domain.reason import Reason
from mint.attacks.raw import HEADER, object_stream, page, stream, streamed
from validator.pdf.reader import Reader
from validator.policy import DEFAULT
from validator.report.decision import Refused, Verified

from .conftest import Harness

CATALOG = {1: b"<< /Type /Catalog /Pages 2 0 R >>", 2: b"<< /Type /Pages /Kids [] /Count 0 >>"}


def _file(container: bytes) -> bytes:
    """Object stream 10 holds object 20 at its first place, says the table."""
    return streamed(HEADER, CATALOG | {10: container, 11: b"1"}, {20: (10, 0)}, 12)


def _unpacked(container: bytes) -> Any:
    return Reader(_file(container), DEFAULT).unpacked(10)


def test_an_object_stream() -> None:
    data, objects = _unpacked(object_stream([(20, b"(a)"), (21, b"(b)")]))
    assert {number: (place, data[at : at + 3]) for number, (place, at) in objects.items()} == {
        20: (0, b"(a)"),
        21: (1, b"(b)"),
    }


@pytest.mark.parametrize(
    "container",
    [
        object_stream([(20, b"(a)"), (20, b"(b)")]),
        object_stream([(20, b"(a)"), (20, b"(a)")]),
        stream(b"20 0 20 4 (a) (b)", b"/Type /ObjStm /N 1 /First 10"),
        stream(b"20 0 (a) (b)", b"/Type /ObjStm /N 2 /First 5"),
        stream(b"20 0 %1 4\n(a) (b)", b"/Type /ObjStm /N 1 /First 10"),
        stream(b"2_0 0 (a)", b"/Type /ObjStm /N 1 /First 6"),
        stream(b"20 0 (a)", b"/Type /ObjStm /N 1 /First 90"),
        stream(b"20 0 (a)", b"/Type /ObjStm /N 11 0 R /First 5"),
        stream(b"20 0 (a)", b"/Type /ObjStm /N 1 /First 5 /DecodeParms << /Predictor 11 0 R >>"),
        stream(b"20 0 (a)", b"/Type /XObject /N 1 /First 5"),
        b"<< /Type /ObjStm >>",
    ],
)
def test_an_object_stream_that_readers_may_read_differently(container: bytes) -> None:
    reader = Reader(_file(container), DEFAULT)
    for _ in range(2):  # a fault is one however often it is asked for
        with pytest.raises(PdfReadError):
            reader.unpacked(10)


@pytest.mark.parametrize("remark", [b"", b"%\n"], ids=["plain", "with_a_comment"])
def test_it_is_a_fault_of_the_file_in_every_reading(harness: Harness, remark: bytes) -> None:
    paper = page(objects={10: b"<< %s/A 1 >>" % remark})
    assert isinstance(harness.judge(harness.city.signed("000.00.14.H29", paper)), Verified)
    twice = object_stream([(20, b"(a)"), (20, b"(b)")])
    broken = streamed(paper, {11: twice}, {20: (11, 0)}, 12)
    decision = harness.judge(broken)
    assert isinstance(decision, Refused)
    assert decision.reason is Reason.E_PDF_FORMAT
