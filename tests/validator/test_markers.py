"""Words that mark revisions and signatures count in the structure of a file only, not in what its streams and strings
hold."""

import pytest

from common.domain.reason import Reason
from mint.attacks.raw import appended, body_of, page, root_of, stream, text, with_entry
from mint.paper import letter
from mint.sign import sign
from mint.tamper import BYTE_RANGE
from validator.policy import DEFAULT
from validator.report.decision import Verified

from .conftest import NOW, SENDER, Harness

ATTACHED = 90


def _attached(document: bytes, data: bytes, *, commented: bool = False) -> bytes:
    """The document with an uncompressed file in it; ``commented``: with a comment in an object, which is not plain."""
    root = root_of(document)
    names = b"/Names << /EmbeddedFiles << /Names [(a.pdf) << /Type /Filespec /F (a.pdf) /EF << /F %d 0 R >> >>] >> >>"
    catalog = with_entry(body_of(document, root), names % ATTACHED)
    objects = {root: catalog, ATTACHED: stream(data, b"/Type /EmbeddedFile")}
    return appended(document, objects | ({ATTACHED + 1: b"<< /Khac % ghi chu\n 1 >>"} if commented else {}))


MANY = DEFAULT.max_revisions + 1
HELD = {
    "attached documents": letter() * MANY,
    "end markers": b"startxref\n0\n%%EOF\n" * MANY,
    "signatures": b"<< /Type /Sig /ByteRange [0 1 2 3] >>\n" * (DEFAULT.max_signatures + 1),
    "an open string": b"(" + b"%%EOF /ByteRange " * MANY,
}


@pytest.mark.parametrize("commented", [False, True], ids=["plain", "not plain"])
@pytest.mark.parametrize("data", HELD.values(), ids=HELD)
def test_markers_in_a_stream(harness: Harness, data: bytes, commented: bool) -> None:
    document = harness.city.signed(SENDER, _attached(letter(), data, commented=commented))
    assert isinstance(harness.judge(document), Verified)


def test_markers_in_the_text_of_a_page(harness: Harness) -> None:
    paper = page(content=text(b"/ByteRange %%EOF startxref " * MANY))
    assert isinstance(harness.judge(harness.city.signed(SENDER, paper)), Verified)


def test_markers_in_a_string(harness: Harness) -> None:
    document = appended(letter(), {ATTACHED: b"<< /Title (/ByteRange %%EOF) >>"}, more=b"/Info %d 0 R" % ATTACHED)
    assert isinstance(harness.judge(harness.city.signed(SENDER, document)), Verified)


def test_more_revisions_than_allowed(harness: Harness) -> None:
    document = letter()
    for _ in range(DEFAULT.max_revisions):
        document = appended(document, {})
    assert harness.judge(document).report.reason is Reason.E_PDF_LIMIT


def test_more_signatures_than_allowed(harness: Harness) -> None:
    document = letter()
    for count in range(DEFAULT.max_signatures + 1):
        document = sign(document, harness.sender.seal, NOW, field=f"Ky{count}")
    assert len(BYTE_RANGE.findall(document)) == DEFAULT.max_signatures + 1
    assert harness.judge(document).report.reason is Reason.E_PDF_LIMIT


@pytest.mark.parametrize("commented", [False, True], ids=["plain", "not plain"])
def test_signature_that_no_field_shows(harness: Harness, commented: bool) -> None:
    """In an object, in use or not, it counts; also where a stream pretends to reach over it."""
    hidden = b"<< /Type /Sig /Filter /Adobe.PPKLite /ByteRange [0 1 2 3] >>"
    objects = {ATTACHED: hidden} | ({ATTACHED + 1: b"<< /Khac % ghi chu\n 1 >>"} if commented else {})
    document = harness.city.signed(SENDER, appended(letter(), objects))
    assert harness.judge(document).report.reason is Reason.E_SIG_FORMAT


def test_stream_that_swallows_a_signature(harness: Harness) -> None:
    """The data of a listed stream reach over another listed object."""
    inner = b"%d 0 obj\n<< /Type /Sig /ByteRange [0 1 2 3] >>\nendobj\n" % (ATTACHED + 1)
    letter_with_stream = appended(letter(), {ATTACHED: stream(inner), ATTACHED + 1: b"<< /Khac % ghi chu\n 1 >>"})
    own = letter_with_stream.index(b"\n%d 0 obj\n<< /Khac" % (ATTACHED + 1)) + 1
    row, inside = b"%010d" % own, b"%010d" % letter_with_stream.index(inner)
    assert letter_with_stream.count(row) == 1
    document = harness.city.signed(SENDER, letter_with_stream.replace(row, inside))
    assert harness.judge(document).report.reason is Reason.E_SIG_FORMAT
