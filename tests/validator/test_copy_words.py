"""The words that call a document a copy, told from their false friends."""

import unicodedata

import pytest

from validator.copy_words import calls_itself_copy, may_call_itself_copy, without_diacritics

COPIES = [
    "Sao y",
    "SAO Y",
    "Sao y bản chính",
    "SAO Y; Sở Nội vụ; 2026-11-20T09:00:00+07:00",
    "Bản sao y",
    "BẢN SAO",
    "Bản  sao\nQuyết định số 15",
    "(Sao lục)",
    "Trích sao văn bản gốc",
    "Công văn - sao y: 15",
    "Bản sao chụp có ký số",
]
OTHERS = [
    "Bản sao kê tài khoản",
    "Về bản sao kê quý IV",
    "Vì sao yêu cầu thanh tra",
    "Vì sao y tế cơ sở quá tải",
    "Tại sao y sĩ nghỉ việc",
    "Trả lời vì sao ý kiến chưa được giải quyết",
    "Ngôi sao y khoa",
    "Sao lưu dữ liệu",
    "Bản sao lưu dữ liệu",
    "Báo cáo sao Kim",
    "Thông báo sao chép",
    "Công văn",
    "",
]


@pytest.mark.parametrize("text", COPIES)
def test_copies(text: str) -> None:
    for form in (text, unicodedata.normalize("NFD", text), text.upper()):
        assert calls_itself_copy(form)
        assert may_call_itself_copy(form)
        assert may_call_itself_copy(without_diacritics(form))


@pytest.mark.parametrize("text", OTHERS)
def test_others(text: str) -> None:
    for form in (text, unicodedata.normalize("NFD", text), text.upper()):
        assert not calls_itself_copy(form)


@pytest.mark.parametrize("text", ["Bản sao kê tài khoản", "Vì sao yêu cầu", "Sao lưu dữ liệu", "Bản sao lưu"])
def test_others_without_diacritics(text: str) -> None:
    assert not may_call_itself_copy(without_diacritics(text))
