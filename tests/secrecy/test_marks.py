"""The table of marks and of their false friends."""

import unicodedata

import pytest

from common.secrecy import Level, mark_in_field, mark_in_file_name, mark_in_text

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

LETTER = (
    "ỦY BAN NHÂN DÂN\nCỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM\n{}\nSố: 15/BC-UBND\nKính gửi: các sở\nVề mật độ dân số.\n"
)
TEXTS: list[tuple[str, Level | None]] = [
    (LETTER.format("MẬT"), LOW),
    (LETTER.format("  * MẬT *"), LOW),
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


def _level(found: object) -> object:
    return getattr(found, "level", None)


@pytest.mark.parametrize(("text", "level"), FIELDS)
def test_fields(text: str, level: Level | None) -> None:
    assert _level(mark_in_field(text)) is level


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
    found = mark_in_field("Kế hoạch CANARY-7 (Mật)")
    assert found is not None
    assert "CANARY" not in repr(found)
