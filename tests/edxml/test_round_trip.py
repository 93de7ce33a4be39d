"""What is built is read back equal: every kind of package, any texts, many receivers."""

import io
import zipfile
from dataclasses import replace
from datetime import date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.domain.envelope import (
    UNKNOWN_DATE,
    Attachment,
    Business,
    DocumentType,
    Envelope,
    Hop,
    Organization,
    OtherInfo,
    ReceiverChange,
    Replacement,
    ResponseFor,
    Signer,
    Staff,
    StatusReport,
)
from common.domain.ids import comparable
from common.domain.names import PackageKind, Priority, StatusCode
from common.edxml import attachment_of, build, parse
from common.edxml.dates import VIETNAM

SETTINGS = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))

ORDINARY = (
    "aăâbcdđeêghiklmnoôơpqrstuưvxyÀẢÃÁẠẰẲẵắặẦẩẫấậèỆỉịỌỐỡợỤỨửỳỹ 0123456789.,/-&<>\"'();:\n\t\r\u00a0\u0301\u202f😀"
)
LETTERS = st.one_of(
    st.sampled_from(ORDINARY),
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"),
)


def text(limit: int, least: int = 1) -> st.SearchStrategy[str]:
    """Trimmed text, as a reader gives it."""
    return st.text(LETTERS, min_size=least, max_size=limit).map(str.strip).filter(lambda value: len(value) >= least)


def maybe(strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.none() | strategy


CODES = st.from_regex(r"[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Z][0-9]{2}", fullmatch=True) | text(35).map(comparable).filter(
    lambda value: 0 < len(value) <= 35 and value.lower() != "null"
)
"""As the directory spells them; any other spelling reads as this one."""
DAYS = st.dates(date(1900, 1, 1), date(2199, 12, 31))
MOMENTS = st.datetimes(datetime(1945, 9, 2), datetime(2199, 12, 31)).map(  # noqa: DTZ001
    lambda moment: moment.replace(microsecond=0, tzinfo=VIETNAM)
)
IDS = text(200).filter(comparable)
"""Kept as they are sent; what nobody can see is none."""


@st.composite
def organizations(draw: st.DrawFn, code: str | None = None) -> Organization:
    return Organization(
        code=code or draw(CODES),
        in_charge=draw(maybe(text(60))),
        name=draw(maybe(text(200))),
        address=draw(maybe(text(60))),
        email=draw(maybe(text(100))),
        telephone=draw(maybe(text(50))),
        fax=draw(maybe(text(50))),
        website=draw(maybe(text(100))),
    )


STAFF = st.builds(
    Staff, department=text(250), department_id=maybe(text(9)), name=maybe(text(100)), id=maybe(text(9)),
    email=maybe(text(30)), mobile=maybe(text(30)),
)  # fmt: skip
RESPONSES = st.builds(
    ResponseFor, unit=CODES, document_id=IDS, code=maybe(text(100)), promulgation_date=maybe(DAYS)
)  # fmt: skip
HOPS = st.builds(Hop, unit=CODES, at=maybe(MOMENTS)) | st.builds(Hop, unit=st.none(), at=MOMENTS)
OTHER = st.builds(
    OtherInfo, priority=st.sampled_from(Priority), sphere=maybe(text(100)), typist=maybe(text(10)),
    copies=st.integers(0, 999), pages=st.integers(0, 999), direction=st.booleans(), reply_fors=maybe(text(40)),
    reference_codes=maybe(text(40)), appendixes=st.lists(text(250), max_size=3).map(tuple),
)  # fmt: skip
REPLACEMENTS = st.lists(
    st.builds(Replacement, document_id=IDS, units=st.lists(CODES, max_size=3, unique=True).map(tuple)),
    max_size=3, unique_by=lambda one: comparable(one.document_id),
).map(tuple)  # fmt: skip
CHANGES = st.lists(st.builds(ReceiverChange, unit=CODES, added=st.booleans()), max_size=4).map(tuple)


@st.composite
def businesses(draw: st.DrawFn) -> Business:
    kind = draw(st.sampled_from([PackageKind.NEW, PackageKind.RECALL, PackageKind.UPDATE, PackageKind.REPLACE]))
    return Business(
        kind=kind,
        reason=draw(text(500) if kind is not PackageKind.NEW else maybe(text(500))),
        target=draw(maybe(IDS)),
        paper=draw(st.booleans()),
        document_changed=draw(st.booleans()),
        receivers_changed=draw(st.booleans()),
        receiver_changes=draw(CHANGES),
        replacements=draw(REPLACEMENTS),
        staff=draw(maybe(STAFF)),
    )


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("a.pdf", b"%PDF-1.7 in an archive")
    return buffer.getvalue()


FILES = st.one_of(
    st.tuples(st.sampled_from(["công văn.pdf", "a.PDF", "b.doc"]), st.binary(max_size=300).map(b"%PDF-1.7\n".__add__)),
    st.tuples(st.sampled_from(["ghi chú.txt", "dữ liệu.csv"]), text(200).map("Nội dung: ".__add__).map(str.encode)),
    st.just(("hồ sơ.zip", archive())),
)


@st.composite
def documents(draw: st.DrawFn) -> tuple[Envelope, list[bytes]]:
    files = draw(st.lists(FILES, min_size=1, max_size=3))
    codes = draw(st.lists(CODES, min_size=1, max_size=5, unique=True))
    described = draw(maybe(text(500)))
    envelope = Envelope(
        sender=draw(organizations()),
        receivers=tuple(draw(organizations(code)) for code in codes),
        document_id=draw(IDS),
        number=draw(text(30)),
        notation=draw(text(50)),
        promulgation_date=draw(DAYS),
        type=DocumentType(
            name=draw(text(100)), type=draw(st.sampled_from([1, 2])), detail=draw(maybe(st.integers(0, 40)))
        ),
        subject=draw(text(500)),
        signer=Signer(full_name=draw(text(50)), competence=draw(maybe(text(100))), position=draw(maybe(text(100)))),
        place=draw(maybe(text(50))),
        content=draw(maybe(text(500))),
        due_date=draw(maybe(DAYS)),
        other=draw(OTHER),
        response_for=tuple(draw(st.lists(RESPONSES, max_size=2))),
        steering_type=draw(maybe(st.integers(0, 3))),
        task_codes=tuple(draw(st.lists(text(100), max_size=2))),
        application_type=draw(maybe(st.integers(0, 9))),
        to_places=tuple(draw(st.lists(text(150), max_size=2))),
        business=draw(businesses()),
        hops=tuple(draw(st.lists(HOPS, max_size=3))),
        attachments=tuple(
            attachment_of(f"{number}.{name[:1]}", name, content, described)
            for number, (name, content) in enumerate(files)
        ),
    )
    return envelope, [content for _, content in files]


@st.composite
def statuses(draw: st.DrawFn) -> StatusReport:
    return StatusReport(
        sender=draw(organizations()),
        response_for=draw(RESPONSES),
        code=draw(st.sampled_from(StatusCode)),
        at=draw(MOMENTS),
        description=draw(text(500)),
        staff=draw(maybe(STAFF)),
    )


@SETTINGS
@given(documents())
def test_documents_are_read_back_equal(case: tuple[Envelope, list[bytes]]) -> None:
    envelope, files = case
    parsed = parse(io.BytesIO(build(envelope, files)), strict=True)
    assert parsed.message == envelope
    assert [file.read() for file in parsed.files] == files


@SETTINGS
@given(statuses())
def test_statuses_are_read_back_equal(report: StatusReport) -> None:
    assert parse(io.BytesIO(build(report, [])), strict=True).message == report


@settings(SETTINGS, max_examples=10)
@given(documents())
def test_building_what_was_read_gives_the_same_bytes(case: tuple[Envelope, list[bytes]]) -> None:
    built = build(*case)
    parsed = parse(io.BytesIO(built))
    assert build(parsed.message, parsed.files) == built


def plain(**changes: object) -> Envelope:
    content = b"%PDF-1.7\n"
    envelope = Envelope(
        sender=Organization(code="000.00.14.H29"),
        receivers=(Organization(code="000.00.09.H29"),),
        document_id="d",
        number="1",
        notation="TB",
        promulgation_date=date(2026, 11, 20),
        type=DocumentType(name="Thông báo"),
        subject="s",
        signer=Signer(full_name="n"),
        attachments=(attachment_of("a", "a.pdf", content),),
    )
    return replace(envelope, **changes)


def test_many_receivers() -> None:
    receivers = tuple(Organization(code=f"H29.{number}", name="Đơn vị hành chính " * 9 + "A") for number in range(1000))
    envelope = plain(receivers=receivers)
    assert parse(io.BytesIO(build(envelope, [b"%PDF-1.7\n"]))).message == envelope


def test_a_bare_recall() -> None:
    business = Business(kind=PackageKind.RECALL, reason="Sai", target="d")
    envelope = plain(business=business, number="", notation="", subject="", type=DocumentType(name=""),
                     signer=Signer(full_name=""), promulgation_date=UNKNOWN_DATE, attachments=())  # fmt: skip
    assert parse(io.BytesIO(build(envelope, []))).message == envelope


@pytest.mark.parametrize("bad", ["\0", "\x0b", "\x1f", "\ud800", "\ufffe", "\uffff"])
def test_characters_that_xml_cannot_hold_are_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="Subject holds a character"):
        build(plain(subject=f"a{bad}b"), [b"%PDF-1.7\n"])


def test_files_must_be_the_ones_described() -> None:
    for files in ([], [b"%PDF-1.7\n"] * 2, [b"other"]):
        with pytest.raises(ValueError, match="file"):
            build(plain(), files)


def test_files_may_be_streams_and_go_into_a_stream() -> None:
    content = b"%PDF-1.7\n" + bytes(200_000)
    envelope = plain(attachments=(attachment_of("a", "a.pdf", content),))
    out = io.BytesIO()
    assert build(envelope, [io.BytesIO(content)], out) == b""
    assert out.getvalue() == build(envelope, [content])
    assert parse(io.BytesIO(out.getvalue())).message == envelope


def test_an_attachment_is_written_with_its_true_type() -> None:
    lied = replace(plain().attachments[0], declared_type="application/zip")
    built = build(plain(attachments=(lied,)), [b"%PDF-1.7\n"])
    assert b"application/zip" not in built
    assert isinstance(lied, Attachment)
