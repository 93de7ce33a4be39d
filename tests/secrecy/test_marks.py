"""The table of marks and of their false friends."""

import unicodedata

import pytest

from common.secrecy import Level, mark_in_field, mark_in_file_name, mark_in_text
from common.secrecy.sight import seen

TOP, SECRET, LOW = Level.TOP_SECRET, Level.SECRET, Level.CONFIDENTIAL


def nfd(text: str) -> str:
    return unicodedata.normalize("NFD", text)


FIELDS: list[tuple[str, Level | None]] = [
    ("Mật", LOW),
    ("MẬT", LOW),
    ("mật", LOW),
    (nfd("MẬT"), LOW),
    ("Tối mật", SECRET),
    ("TUYỆT MẬT", TOP),
    (nfd("Tuyệt mật"), TOP),
    ("tuyệt  mật", TOP),
    ("(Mật)", LOW),
    ("[MẬT] V/v kiểm tra công tác phòng thủ", LOW),
    ("(Mật) V/v kiểm tra công tác phòng thủ", LOW),
    ("V/v kiểm tra công tác phòng thủ (Tối mật)", SECRET),
    ("V/v kiểm tra công tác phòng thủ - TUYỆT MẬT", TOP),
    ("MẬT: Kế hoạch diễn tập khu vực", LOW),
    ("MẬT - Kế hoạch diễn tập khu vực", LOW),
    ("Kế hoạch diễn tập khu vực | MẬT", LOW),
    ("Độ mật: Mật", LOW),
    ("Độ mật: Tối mật", SECRET),
    ("Mức độ mật: TUYỆT MẬT", TOP),
    ("ĐỘ MẬT : MẬT. Kế hoạch", LOW),
    ("Báo cáo tuyệt mật về tình hình biên giới", TOP),
    ("Kế hoạch A2 (tối mật) năm 2026", SECRET),
    ("Gửi kèm báo cáo MẬT số 15", LOW),
    ("M Ậ T", LOW),
    ("T U Y Ệ T   M Ậ T", TOP),
    ("T.Ố.I M.Ậ.T", SECRET),
    ("M-Ậ-T", LOW),
    ("ＭẬＴ", LOW),
    ("M\u200bẬ\u200bT", LOW),
    ("МẬТ", LOW),  # Cyrillic first and last letter
    ("TUYET MAT", TOP),
    ("TOI MAT", SECRET),
    ("MAT", LOW),
    ("TUYÖT MËT", TOP),
    ("TOÁI MAÄT", SECRET),
    # false friends
    ("V/v tăng cường công tác bảo vệ bí mật nhà nước", None),
    ("TĂNG CƯỜNG CÔNG TÁC BẢO VỆ BÍ MẬT NHÀ NƯỚC", None),
    ("Luật Bảo vệ bí mật nhà nước", None),
    ("Nghị định hướng dẫn Luật Bảo vệ Bí mật Nhà nước", None),
    ("Bí mật", None),
    ("V/v đổi mật khẩu hộp thư công vụ", None),
    ("MẬT KHẨU", None),
    ("Mật độ dân số năm 2026", None),
    ("MẬT ĐỘ XÂY DỰNG", None),
    ("Hội chợ mật ong và nông sản", None),
    ("MẬT ONG RỪNG", None),
    ("Bảo mật thông tin cá nhân", None),
    ("AN TOÀN, BẢO MẬT HỆ THỐNG", None),
    ("Mật mã dân sự", None),
    ("Ban Cơ yếu: kiểm tra MẬT MÃ tại đơn vị", None),
    ("Quan hệ mật thiết giữa các sở", None),
    ("Quyết định ban hành danh mục bí mật nhà nước độ Tuyệt mật, Tối mật lĩnh vực y tế", None),
    ("DANH MỤC BÍ MẬT NHÀ NƯỚC ĐỘ TỐI MẬT", None),
    ("Hướng dẫn xác định độ mật, đóng dấu độ mật", None),
    ("Độ mật:", None),
    ("Độ mật: Không", None),
    ("Xử lý văn bản mật trên mạng", None),
    ("XỬ LÝ VĂN BẢN MẬT", None),
    ("Tuyệt mật, tối mật và mật: phân loại tài liệu", None),
    ("Mặt bằng quy hoạch", None),
    ("MẶT BẰNG", None),
    ("Tôi mất thẻ công chức", None),
    ("Lưu hành nội bộ", None),
    ("XEM XONG TRẢ LẠI", None),
    ("Khám mắt cho học sinh", None),
    ("Ống mật chủ, túi mật", None),
    ("", None),
]

NAMES: list[tuple[str, Level | None]] = [
    ("MẬT.pdf", LOW),
    ("Mật.pdf", LOW),
    ("15-BC-UBND_MẬT.pdf", LOW),
    ("(Mật) 15-BC.pdf", LOW),
    ("15_2026_MAT.pdf", LOW),
    ("TUYET_MAT_15.pdf", TOP),
    ("tuyet-mat.docx", TOP),
    ("toi mat 2026.pdf", SECRET),
    ("Kế hoạch (Tối mật).docx", SECRET),
    (nfd("TUYỆT MẬT") + ".pdf", TOP),
    ("bao-mat.pdf", None),
    ("BAO-MAT.pdf", None),
    ("BI-MAT-NHA-NUOC.pdf", None),
    ("danh-muc-bi-mat-nha-nuoc-do-toi-mat.pdf", None),
    ("mat-bang-quy-hoach.pdf", None),
    ("MAT-BANG.pdf", None),
    ("TIEN-MAT.pdf", None),
    ("mật-khẩu.docx", None),
    ("Mật độ dân số.xlsx", None),
    ("bảo mật.pdf", None),
    ("doi-mat-khau.pdf", None),
    ("15-TB.pdf", None),
]

DISGUISED = {
    "Cyrillic A with marks of its own": "M\u0410\u0302\u0323T",
    "Cyrillic A, the marks the other way round": "M\u0410\u0323\u0302T",
    "Greek A with marks of its own": "M\u0391\u0302\u0323T",
    "Greek M and T": "\u039cẬ\u03a4",
    "Coptic, Cherokee and Lisu": "\u2c98\u13aa\u0302\u0323\ua4d4",
    "small capitals": "\u1d0d\u1d00\u0302\u0323\u1d1b",
    "full-width letters": "ＭＡ\u0302\u0323Ｔ",
    "mathematical letters": "\U0001d40c\U0001d400\u0302\u0323\U0001d413",
    "circled letters": "ⓂẬⓉ",
    "soft hyphens": "M\u00adẬ\u00adT",
    "grapheme joiners": "MA\u034f\u0302\u0323T",
    "directions": "\u202eMẬT\u202c\u2066\u2069",
    "variation selectors": "M\ufe0fẬT",
    "variation selectors, supplement": "M\U000e0100ẬT\U000e01ef",
    "between letter and mark": "MA\U000e0100\u0302\u0323T",
    "tags": "M\U000e0020Ậ\U000e007fT",
    "unassigned and ignorable": "M\u2065Ậ\U000e0fffT\ufff0",
    "Mongolian and Khmer": "M\u180bẬ\u17b4T",
    "Hangul fillers": "M\u3164Ậ\uffa0T",
    "blank pattern of Braille": "M\u2800Ậ\u2800T",
    "underlined": "M\u0332A\u0332\u0302\u0323T\u0332",
    "overlined": "M\u0305Ậ\u0305T\u0305",
    "struck through": "M\u0336Ậ\u0336T\u0336",
    "enclosed": "M\u20ddẬ\u20ddT\u20dd",
    "a line of its own by U+2028": "\u2028MẬT\u2028Số: 15",
}

LETTER = (
    "ỦY BAN NHÂN DÂN\nCỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM\n{}\nSố: 15/BC-UBND\nKính gửi: các sở\nVề mật độ dân số.\n"
)
TEXTS: list[tuple[str, Level | None]] = [
    (LETTER.format("MẬT"), LOW),
    (LETTER.format("  * MẬT *"), LOW),
    (LETTER.format("‹MẬT>"), LOW),
    (LETTER.format("★ 【MẬT】 ★"), LOW),
    (LETTER.format("†MẬT† 15"), LOW),
    (LETTER.format("TỐI MẬT"), SECRET),
    (LETTER.format("Tối mật"), SECRET),
    (LETTER.format("M Ậ T"), LOW),
    (LETTER.format("T U Y Ệ T  M Ậ T"), TOP),
    (LETTER.format("T\nU\nY\nỆ\nT\nM\nẬ\nT"), TOP),
    (LETTER.format("TUYỆT\nMẬT"), TOP),
    (LETTER.format("Độ mật: Mật"), LOW),
    (LETTER.format("MAT"), LOW),
    (LETTER.format("ỦY BAN NHÂN DÂN TỐI MẬT CỘNG HÒA"), SECRET),
    (nfd(LETTER.format("MẬT")), LOW),
    (LETTER.format(""), None),
    (LETTER.format("Tài liệu này không phải là tài liệu tối mật."), None),
    (LETTER.format("Độ mật gồm: Tuyệt mật, Tối mật và Mật"), None),
    (LETTER.format("Căn cứ Luật Bảo vệ bí mật nhà nước"), None),
    (LETTER.format("VỀ DANH MỤC BÍ MẬT NHÀ NƯỚC ĐỘ TUYỆT MẬT, TỐI MẬT"), None),
    (LETTER.format("BÍ MẬT"), None),
    (LETTER.format("MẬT KHẨU"), None),
    (LETTER.format("Mật"), None),  # a heading in a table of levels
    (LETTER.format("văn bản mật"), None),
    (LETTER.format("MẶT"), None),
]


def _level(result: object) -> object:
    return getattr(result, "level", None)


@pytest.mark.parametrize(("text", "level"), FIELDS)
def test_fields(text: str, level: Level | None) -> None:
    assert _level(mark_in_field(text)) is level


@pytest.mark.parametrize("case", DISGUISED)
def test_disguises(case: str) -> None:
    assert _level(mark_in_text(LETTER.format(DISGUISED[case]))) is LOW
    first_line = DISGUISED[case].strip("\u2028").partition("\u2028")[0]
    assert _level(mark_in_field(first_line)) is LOW
    assert _level(mark_in_field(f"({first_line}) V/v kiểm tra")) is LOW


@pytest.mark.parametrize(
    "level", ["T\u041eI M\u0410T", "T\u041e\u0302\u0301I M\u0410\u0302\u0323T", "T\u1ed1i m\u0430\u0323\u0302t"]
)
def test_disguises_of_two_words(level: str) -> None:
    assert _level(mark_in_field(level)) is SECRET


def test_every_ignorable_character_is_passed_over() -> None:
    """By the Unicode database: format characters, and marks that make no letter of the alphabet."""
    hidden = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in ("Cf", "Me")]
    hidden += [chr(code) for code in (*range(0xFE00, 0xFE10), *range(0xE0000, 0xE1000))]
    for character in hidden:
        assert seen(f"M{character}Ậ") == "MẬ", hex(ord(character))


def test_marks_of_other_letters_stay() -> None:
    for text in ("MẶT", "MẮT", "MẤT", "MẦT", "MẪT", "MĂT", "M\u0411T"):
        assert mark_in_field(text) is None, text


@pytest.mark.parametrize(("name", "level"), NAMES)
def test_file_names(name: str, level: Level | None) -> None:
    assert _level(mark_in_file_name(name)) is level


@pytest.mark.parametrize(("text", "level"), TEXTS)
def test_running_text(text: str, level: Level | None) -> None:
    assert _level(mark_in_text(text)) is level


def test_long_text_is_fast() -> None:
    for text in (
        "mật ong " * 50_000,
        "M " * 200_000,
        "(" * 100_000 + "mật",
        "A\n" * 100_000 + "mật",
        "độ mật: " * 50_000,
    ):
        mark_in_text(text)
        mark_in_field(text)
        mark_in_file_name(text[:500])


def test_a_mark_never_quotes() -> None:
    mark = mark_in_field("Kế hoạch CANARY-7 (Mật)")
    assert mark is not None
    assert "CANARY" not in repr(mark)
