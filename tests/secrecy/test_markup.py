"""Marks in web pages, XML and text, in every encoding in which a program may open them."""

import pytest

from common.secrecy import mark_in_unreadable
from validator.secrecy import find_mark, search

FOUND = {
    "paragraph": "<html><body><p>MẬT</p></body></html>",
    "decimal reference": "<html><p>M&#7852;T</p>",
    "hexadecimal reference": "<html><p>M&#x1EAC;T</p>",
    "named references": "<html><p>M&Acirc;&#803;T</p>",
    "reference on a line of its own": "<html><p>\nM&#7852;T\n</p>",
    "attributes": '<html><p class="x" style="color: red">MẬT</p>',
    "beside other text": "<html><td>Số 15</td><td>MẬT</td><td>Hà Nội</td>",
    "behind a line break": "<html>Số 15<br/>MẬT<br>Kính gửi",
    "bold": "<html><p><b>MẬT</b></p>",
    "letter by letter": "<html><p><span>M</span><span>Ậ</span><span>T</span></p>",
    "in brackets": "<html><p>&lt;MẬT&gt;</p>",
    "of text, without a frame": "<p>Số 15</p><p>MẬT</p>",
    "XML": "<?xml version='1.0'?><a>MẬT</a>",
    "XML, two elements": "<?xml version='1.0'?><x><a>Số 15</a><a>MẬT</a></x>",
    "XML, reference": "<?xml version='1.0'?><a>M&#7852;T</a>",
    "XML, section": "<?xml version='1.0'?><x><a>Số 15</a><a><![CDATA[MẬT]]></a></x>",
    "XML, section in brackets": "<?xml version='1.0'?><a><![CDATA[<MẬT>]]></a>",
    "XML, section that does not end": "<?xml version='1.0'?><a><![CDATA[x</a><b>MẬT</b>",
    "XHTML": "<?xml version='1.0'?><html><p><b>M</b>ẬT</p></html>",
    "flat OpenDocument": "<?xml version='1.0'?><o><text:p>Số</text:p><text:p><text:span>M</text:span>ẬT</text:p></o>",
    "two words across an element": "<html><p>TUYỆT <i>MẬT</i></p>",
    "text": "Số 15\nMẬT\n",
}
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")
NOT_FOUND = {
    "secret of another kind": "<html><p>BÍ <b>MẬT</b> NHÀ NƯỚC</p>",
    "honey": "<html><p><b>MẬT</b> ONG RỪNG</p>",
    "flat OpenDocument": "<?xml version='1.0'?><o><text:p>BÍ <text:span>MẬT</text:span></text:p></o>",
    "Word's XML": "<?xml version='1.0'?><w:p><w:r><w:t>BẢO </w:t></w:r>"
    "<w:r><w:rPr><w:b/></w:rPr><w:t>MẬT</w:t></w:r></w:p>",
    "the law": "<html><p>Luật Bảo vệ b&iacute; mật nhà nước</p>",
    "talked about": "<html><li>Tuyệt mật, tối mật và mật</li>",
    "text": "MẬT KHẨU\n",
}


@pytest.mark.parametrize("case", FOUND)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_found(case: str, encoding: str) -> None:
    assert find_mark("a", FOUND[case].encode(encoding)) is not None


@pytest.mark.parametrize(
    "data",
    [b"S\xf4 15\nM\xc2\xf2T\n", b"S\xe8 15\nM\xcbT\n", b"<html><meta charset=windows-1258><p>M\xc2\xf2T</p>"],
    ids=["Windows-1258", "TCVN3", "Windows-1258 in a web page"],
)
def test_found_in_older_encodings(data: bytes) -> None:
    assert find_mark("a", data) is not None


@pytest.mark.parametrize("case", NOT_FOUND)
def test_not_found(case: str) -> None:
    for encoding in ENCODINGS:
        assert search("a", NOT_FOUND[case].encode(encoding)) is None


@pytest.mark.parametrize("case", [case for case in FOUND if case.startswith(("XML", "text"))])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_found_in_a_package_that_cannot_be_read(case: str, encoding: str) -> None:
    assert mark_in_unreadable(FOUND[case].encode(encoding)) is not None
