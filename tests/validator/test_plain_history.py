"""What the bytes say and what the objects say, read one by one, are the same."""

import pytest

from mint.attacks.raw import appended, body_of, page
from mint.sign import sign
from validator.checks.difference import check_difference
from validator.checks.structure import find_signatures
from validator.pdf.history import Place
from validator.pdf.inconclusive import Inconclusive
from validator.pdf.plain_history import plain_history_of
from validator.pdf.read_history import read_history_of
from validator.pdf.reader import Reader
from validator.pdf.values import Ref, read_value
from validator.policy import DEFAULT

from .conftest import NOW, Harness

CATALOG, PAGE = 1, 3


def test_what_a_replaced_version_of_an_object_refers_to_does_not_count(harness: Harness) -> None:
    """A page named the catalog as its parent, was put right, and the document was signed twice afterwards."""
    odd = page().replace(b"/Parent 2 0 R", b"/Parent 1 0 R")
    mended = appended(odd, {PAGE: body_of(page(), PAGE)})
    once = sign(mended, harness.sender.seal, NOW, field="A")
    document = sign(once, harness.sender.seal, NOW, field="B")
    reader = Reader(document, DEFAULT)
    first, last = find_signatures(document, reader, DEFAULT)
    check_difference(reader, first, last, time_stamps_follow=False)

    plain = plain_history_of(reader)
    assert plain is not None
    with pytest.raises(Inconclusive):
        plain.uses(CATALOG, first.revision)
    assert read_history_of(reader).uses(CATALOG, first.revision) == [Place(0, ("/Root",))]


@pytest.mark.parametrize("body", [b"9<</A 1>>", b"<</A 1>>9", b"<</A 1>><</A 2>>", b"[1][2]", b"/A/B"])
def test_an_object_holds_one_value(body: bytes) -> None:
    """Of two, some readers take the first, and others refuse the object."""
    plain = plain_history_of(Reader(page(objects={10: body}), DEFAULT))
    assert plain is not None, "it is laid out plainly"
    with pytest.raises(Inconclusive):
        plain.get(Ref(10, 0), 0)


@pytest.mark.parametrize("body", [b"<</A 1>>", b"[1]\n", b"\n/A ", b"(A)", b"9 ", b"true"])
def test_what_ends_an_object(body: bytes) -> None:
    plain = plain_history_of(Reader(page(objects={10: body}), DEFAULT))
    assert plain is not None
    assert plain.get(Ref(10, 0), 0).value == read_value(body, 0, 9)[0]
