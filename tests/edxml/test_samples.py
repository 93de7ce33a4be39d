"""The twelve real messages, value by value. The expected values were written down from the files by hand."""

import hashlib
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from common.domain.envelope import (
    Attachment,
    Business,
    DocumentType,
    Envelope,
    Hop,
    Organization,
    OtherInfo,
    ReceiverChange,
    ResponseFor,
    Signer,
    Staff,
    StatusReport,
)
from common.domain.names import PackageKind, StatusCode
from common.domain.reason import Reason
from common.edxml import Tolerance, Unreadable, parse
from common.edxml.dates import VIETNAM

DOCUMENT_ID = "000.00.00.G22,2015/09/30,7816/VPCP-TTĐT"
OTHER_ID = "000.00.00.G22,2014/02/30,7806/VPCP-TTĐT"
ABOUT = "V/v kết nối, liên thông phần mềm quản lý văn bản"

OFFICE = Organization(
    code="000.00.00.G22",
    in_charge="Văn phòng Chính phủ",
    name="Văn phòng Chính phủ",
    address="Số 1 Hoàng Hoa Thám, Quận Ba Đình, Hà Nội",
    email="vpcp@gov.vn",
    telephone="8043100",
    fax="048989898789",
    website="vpcp.vn",
)
NGHE_AN = Organization(
    code="000.00.00.H41",
    in_charge="UBND Tỉnh Nghệ An",
    name="UBND Tỉnh Nghệ An",
    address="Số 03, đường Trường Thi, Thành phố Vinh, Tỉnh Nghệ An, Việt Nam",
    email="nghean@gov.vn",
    telephone="0383 840418",
    fax="0383 843049",
    website="www.nghean.vn",
)
CAO_BANG = Organization(
    code="000.00.00.H14",
    in_charge="UBND Tỉnh Cao Bằng",
    name="UBND Tỉnh Cao Bằng",
    address="Số 011 - Đường Hoàng Đình Giong - Thành Phố Cao Bằng, Tỉnh Cao Bằng",
    email="caobang@gov.vn",
    telephone="02063852139",
    fax="0202183239",
    website="www.caobang.gov.vn",
)
HAI_PHONG = Organization(
    code="000.00.00.G17",
    in_charge="Sở Thông tin truyền thông Hải Phòng",
    name="Sở Thông tin truyền thông Hải Phòng",
    address="số 62 - Võ Thị Sáu - Ngô Quyền - Hải Phòng",
    email="bxd@moc.gov.vn",
    telephone="(84-4) 3821 5137",
    fax="(023)37366617",
    website="www.haiphong.gov.vn",
)
CLERK = Staff(
    department="Văn thư văn phòng",
    name="Nguyễn Thị Ngọc Trâm",
    email="vanthuvanphong@gov.vn",
    mobile="84912000001",
)

UPDATE = Envelope(
    sender=OFFICE,
    receivers=(NGHE_AN, CAO_BANG, HAI_PHONG),
    document_id=DOCUMENT_ID,
    number="7816",
    notation="VPCP-TTĐT",
    place="Hà Nội",
    promulgation_date=date(2018, 9, 28),
    type=DocumentType(name="Công văn", type=1, detail=0),
    subject=ABOUT,
    content=ABOUT,
    signer=Signer(
        full_name="Nguyen Thanh Phuc",
        competence="TL. BO TRUONG",
        position="Cuc truong cuc ung dung cong nghe thong tin",
    ),
    due_date=date(2018, 9, 28),
    other=OtherInfo(
        sphere="Liên thông văn bản quốc gia",
        typist="TVC",
        copies=2,
        pages=22,
        appendixes=("Công văn về việc kết nối, liên thông phần mềm quản lý văn bản",),
    ),
    steering_type=1,
    to_places=("Cac bo va co quan ngang bo", "Uy ban nhan dan cac tinh, TP"),
    business=Business(
        kind=PackageKind.UPDATE,
        reason="Cập nhật văn bản điện tử",
        target=OTHER_ID,
        document_changed=True,
        receivers_changed=True,
        receiver_changes=(
            ReceiverChange(unit="000.00.00.H41", added=False),
            ReceiverChange(unit="000.00.00.H14", added=True),
        ),
        staff=CLERK,
    ),
    hops=(Hop(unit="000.00.00.G22", at=datetime(2018, 9, 28, tzinfo=VIETNAM)),),
    attachments=(
        Attachment(
            content_id="209",
            name="1896_QD-TTg_m_294779.doc",
            content_type="application/xml",  # named .doc, but an older package of its own lies in the wrapper
            size_bytes=388_347,
            sha256="8385739ec4a4ed36d71eabcaead629641ffc5ffff3d487ff5c34d2f821c9f36e",
            declared_type="application/zip",
            description="1896_QD-TTg_m_294779.doc",
        ),
    ),
)
RECALL = replace(
    UPDATE,
    response_for=(
        ResponseFor(
            unit="000.00.00.H14",
            document_id="000.00.04.G14,2012/08/06,267/VPCP-TTĐT",
            code="267/VPCP-TTĐT",
            promulgation_date=date(2018, 9, 28),
        ),
    ),
    business=Business(kind=PackageKind.RECALL, reason="Thu hồi văn bản điện tử", staff=CLERK),
)
NEW = replace(
    UPDATE,
    sender=replace(
        OFFICE,
        code="002.00.20.H13",
        in_charge="UBND xã Hòa Tiến - UBND huyện Hòa Vang - Thành phố Đà Nẵng",
        name="UBND xã Hòa Tiến - UBND huyện Hòa Vang - Thành phố Đà Nẵng",
    ),
    receivers=(
        replace(
            HAI_PHONG,
            code="28.22.H17",
            in_charge="UBND xã Hòa Sơn - UBND huyện Hòa Vang - Thành phố Đà Nẵng",
            name="UBND xã Hòa Sơn - UBND huyện Hòa Vang - Thành phố Đà Nẵng",
        ),
    ),
    number="74fass22",
    promulgation_date=date(2019, 1, 16),
    business=Business(kind=PackageKind.NEW, reason="Văn bản điện tử mới", target=OTHER_ID, staff=CLERK),
)

DOCUMENTS = {
    "edoc_new": (NEW, (Tolerance.T4, Tolerance.T14, Tolerance.T20, Tolerance.T23, Tolerance.T24)),
    "edoc_revocation": (RECALL, (Tolerance.T14, Tolerance.T20)),
    "edoc_update": (UPDATE, (Tolerance.T14, Tolerance.T20)),
}

ANSWER = StatusReport(
    sender=NGHE_AN,
    response_for=ResponseFor(
        unit="000.00.00.G22",
        document_id=DOCUMENT_ID,
        code="7816/VPCP-TTĐT",
        promulgation_date=date(2015, 9, 30),
    ),
    code=StatusCode.ARRIVED,
    at=datetime(2015, 9, 20, 11, 8, 36, tzinfo=VIETNAM),
    staff=Staff(
        department="Phong hanh chinh",
        name="Nguyen thi ngoc tram",
        email="ngoctram@nghean.vn",
        mobile="84912000001",
    ),
)
STATUSES = {
    "status_inbox_01": (
        StatusCode.ARRIVED,
        "Văn thư - Phòng Văn thư - Lưu trữ: Đã đến - Phần mềm QLVB đã nhận nhưng văn thư chưa xử lý",
    ),
    "status_rejection_02": (
        StatusCode.REFUSED,
        "Văn thư - Phòng Văn thư - Lưu trữ: Từ chối không tiếp nhận văn bản điện tử",
    ),
    "status_acceptance_03": (
        StatusCode.ACCEPTED,
        "Văn thư cơ - Phòng Văn thư - Lưu trữ: Tiếp nhận văn bản điện tử, vào sổ văn bản đến của đơn vị",
    ),
    "status_assignment_04": (StatusCode.ASSIGNED, "Lãnh đạo: Phân công xử lý"),
    "status_processing_05": (StatusCode.PROCESSING, "Đang xử lý văn bản đến"),
    "status_finish_06": (StatusCode.DONE, "Văn thư: Ban hành văn bản đến, hoàn thành xử lý"),
    "status_change-acceptance_15": (StatusCode.AGREED, "Văn thư đồng ý yêu cầu cập nhật, lấy lại"),
    "status_change-rejection_16": (StatusCode.DECLINED, "Văn thư từ chối yêu cầu cập nhật, lấy lại"),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents(samples: Path, name: str) -> None:
    expected, warnings = DOCUMENTS[name]
    with (samples / f"{name}.edxml").open("rb") as source:
        parsed = parse(source)
    assert parsed.message == expected
    assert parsed.warnings == warnings
    (content,) = (file.read() for file in parsed.files)
    assert hashlib.sha256(content).hexdigest() == expected.attachments[0].sha256
    assert content.startswith(b'<?xml version="1.0"')


@pytest.mark.parametrize("name", STATUSES)
def test_statuses(samples: Path, name: str) -> None:
    code, description = STATUSES[name]
    with (samples / f"{name}.edxml").open("rb") as source:
        parsed = parse(source, strict=True)
    assert parsed.message == replace(ANSWER, code=code, description=description)
    assert (parsed.warnings, parsed.files) == ((), ())


def test_the_request_to_take_back(samples: Path) -> None:
    with (samples / "status_cancellation_13.edxml").open("rb") as source:
        parsed = parse(source)
    assert parsed.message == replace(
        ANSWER,
        sender=replace(OFFICE, fax="04"),
        response_for=replace(ANSWER.response_for, unit="000.00.00.H41"),
        code=StatusCode.TAKE_BACK,
        description="Văn thư yêu cầu lấy lại văn bản điện tử kèm lý do",
    )


def test_nothing_is_left_out(samples: Path) -> None:
    known = {*DOCUMENTS, *STATUSES, "status_cancellation_13"}
    assert {path.stem for path in samples.glob("*.edxml")} == known


def test_strict_reading_refuses_the_one_with_junk(samples: Path) -> None:
    with (samples / "edoc_new.edxml").open("rb") as source, pytest.raises(Unreadable) as caught:
        parse(source, strict=True)
    assert caught.value.reason is Reason.E_XML
