"""Names are bytes: two that show as the same text are two names, in both readings of a file."""

import io
from typing import Any

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfReadError

from common.domain.reason import Reason
from mint.attacks.raw import appended, page, stream, text
from mint.sign import sign
from validator.pdf.history import History
from validator.pdf.inconclusive import Inconclusive
from validator.pdf.plain_history import PlainHistory
from validator.pdf.pyhanko_values import from_pyhanko, to_pyhanko
from validator.pdf.read_history import ReadHistory
from validator.pdf.reader import Reader
from validator.pdf.values import Ref, read_value
from validator.policy import DEFAULT
from validator.report.decision import Refused, Verified

from .conftest import NOW, Harness

E_ACUTE, VIETNAMESE = "/Im\u00c3\u00a9", "/K\u00c3\u00bd_s\u00e1\u00bb\u0091"


@pytest.mark.parametrize(
    ("written", "name"),
    [
        (b"/Im#E9", "/Im\u00e9"),
        (b"/Im#C3#A9", E_ACUTE),
        (b"/K#C3#BD_s#E1#BB#91", VIETNAMESE),
        (b"/A#42", "/AB"),
        (b"/A#23", "/A#"),
    ],
)
def test_a_character_for_each_byte(written: bytes, name: str) -> None:
    assert read_value(written, 0, 1)[0] == name
    owner = generic.Reference(1, 0)
    assert to_pyhanko(name, owner) == generic.NameObject.read_from_stream(io.BytesIO(written))
    assert from_pyhanko(to_pyhanko({name: name}, owner)) == {name: name}


@pytest.mark.parametrize("written", [b"/A#", b"/A#4", b"/A#4G", b"/A##41"])
def test_a_broken_escape(written: bytes) -> None:
    with pytest.raises(Inconclusive):
        read_value(written, 0, 1)


def test_a_name_that_pyhanko_alone_has_read() -> None:
    assert from_pyhanko(generic.NameObject("/Đ")) == "/\u00c4\u0090"
    with pytest.raises(PdfReadError):
        from_pyhanko(generic.NameObject("/\u00e9"))


def test_two_keys_that_show_as_one() -> None:
    with pytest.raises(Inconclusive):
        to_pyhanko({E_ACUTE: 1, "/Im\u00e9": 2}, generic.Reference(1, 0))


@pytest.mark.parametrize("kind", [PlainHistory, ReadHistory])
def test_both_readings_say_the_same(kind: Any) -> None:
    paper = page(objects={10: b"<< /Im#C3#A9 /K#C3#BD_s#E1#BB#91 >>"})
    history: History = kind(Reader(appended(paper, {10: b"<< /Im#E9 1 >>"}), DEFAULT))
    assert history.get(Ref(10, 0), 0).value == {E_ACUTE: VIETNAMESE}
    assert history.get(Ref(10, 0), 1).value == {"/Im\u00e9": 1}


def _named(name: bytes, remark: bytes = b"") -> bytes:
    drawing = stream(b"q Q", b"/Type /XObject /Subtype /Form /BBox [0 0 9 9]")
    objects = {10: drawing, 11: b"<< /%s 10 0 R >>" % name, 12: b"<< %s/A 1 >>" % remark}
    return page(text(b"Chi 5") + b" /%s Do" % name, resources=b"/XObject 11 0 R", objects=objects)


@pytest.mark.parametrize("remark", [b"", b"%\n"], ids=["plain", "with_a_comment"])
@pytest.mark.parametrize("name", [b"Im#E9", b"Im#C3#A9", b"K#C3#BD_s#E1#BB#91"])
def test_documents_with_such_names_are_valid(harness: Harness, name: bytes, remark: bytes) -> None:
    signed = sign(_named(name, remark), harness.sender.signer, NOW, field="A")
    assert isinstance(harness.judge(sign(signed, harness.sender.seal, NOW, field="B")), Verified)


@pytest.mark.parametrize("remark", [b"", b"%\n"], ids=["plain", "with_a_comment"])
@pytest.mark.parametrize(("before", "after"), [(b"Im#C3#A9", b"Im#E9"), (b"Im#E9", b"Im#C3#A9")])
def test_another_name_is_a_change(harness: Harness, before: bytes, after: bytes, remark: bytes) -> None:
    signed = sign(_named(before, remark), harness.sender.signer, NOW, field="A")
    changed = appended(signed, {11: b"<< /%s 10 0 R >>" % after})
    decision = harness.judge(sign(changed, harness.sender.seal, NOW, field="B"))
    assert isinstance(decision, Refused)
    assert decision.reason is Reason.E_SIG_CHANGED
