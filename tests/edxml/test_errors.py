"""Each error of a package: the reason, and who can be told."""

# ruff: noqa: E501  (XML is easier to compare unbroken)

import pytest

from common.domain.reason import Reason
from common.edxml import Limits

SENDER = "000.00.14.H29"
FROM = "<edXML:From><edXML:OrganId>000.00.14.H29</edXML:OrganId><edXML:OrganName>Sở Một</edXML:OrganName></edXML:From>"
REFERENCE_END = "</edXML:Reference>"
TO = "<edXML:To><edXML:OrganId>{}</edXML:OrganId></edXML:To>"


def without(name: str, value: str) -> list[tuple[str, str]]:
    return [(f"<edXML:{name}>{value}</edXML:{name}>", "")]


def business(kind: int, inside: str = "", reason: str = "r") -> list[tuple[str, str]]:
    block = f"<edXML:BussinessDocReason>{reason}</edXML:BussinessDocReason>{inside}"
    return [("DocType>0</edXML:BussinessDocType>", f"DocType>{kind}</edXML:BussinessDocType>{block}")]


def receiver(kind: str) -> str:
    return (
        "<edXML:BussinessDocumentInfo><edXML:ReceiverList><edXML:Receiver><edXML:OrganId>A</edXML:OrganId>"
        f"{kind}</edXML:Receiver></edXML:ReceiverList></edXML:BussinessDocumentInfo>"
    )


REFUSED_DOCUMENTS = [
    (Reason.E_FROM, [(FROM, "")]),
    (Reason.E_FROM, [(FROM, "<edXML:From><edXML:OrganId> </edXML:OrganId></edXML:From>")]),
    (Reason.E_FROM, [(FROM, "<edXML:From><edXML:OrganId>null</edXML:OrganId></edXML:From>")]),
    (Reason.E_FROM, [(FROM, FROM + FROM)]),
    (Reason.E_TO, [(TO.format("000.00.09.H29"), ""), (TO.format("H29.901.01"), "")]),
    (Reason.E_TO, [(TO.format("H29.901.01"), TO.format("null"))]),
    (Reason.E_TO, [(TO.format("H29.901.01"), "<edXML:To><edXML:OrganName>x</edXML:OrganName></edXML:To>")]),
    (Reason.E_TO, [(TO.format("H29.901.01"), TO.format(" 000.00.09.H29 "))]),
    (Reason.E_REQ, without("DocumentId", "000.00.14.H29,2026/11/20,15/TB-TEST")),
    (Reason.E_REQ, without("CodeNumber", "15")),
    (Reason.E_REQ, without("CodeNotation", "TB-TEST")),
    (Reason.E_REQ, without("PromulgationDate", "2026/11/20")),
    (Reason.E_REQ, without("Subject", "Về việc thử")),
    (Reason.E_REQ, without("TypeName", "Thông báo")),
    (Reason.E_REQ, without("FullName", "Trần Thị Thử")),
    (Reason.E_REQ, business(1, reason="")),
    (Reason.E_REQ, business(2, reason="")),
    (Reason.E_REQ, [*business(3), *without("Subject", "Về việc thử")]),
    (Reason.E_LEN, [("Về việc thử", "ệ" * 501)]),
    (Reason.E_LEN, [("Về việc thử", "x" * 100_000)]),
    (Reason.E_LEN, [("H29.901.01", "H29." + "9" * 32)]),
    (Reason.E_LEN, [("<edXML:CodeNumber>15", "<edXML:CodeNumber>" + "1" * 31)]),
    (Reason.E_LEN, [("<edXML:PageAmount>3", "<edXML:PageAmount>1000")]),
    (Reason.E_LEN, [("15-TB.pdf", "x" * 200 + ".pdf")]),
    (Reason.E_DATE, [("PromulgationDate>2026/11/20", "PromulgationDate>2026/02/30")]),
    (Reason.E_DATE, [("DueDate>2026/12/01", "DueDate>01.12.2026")]),
    (Reason.E_ENUM, [("<edXML:Priority>1", "<edXML:Priority>5")]),
    (Reason.E_ENUM, business(4)),
    (Reason.E_ENUM, business(2, receiver("<edXML:ReceiverType>2</edXML:ReceiverType>"))),
    (Reason.E_ENUM, business(2, receiver(""))),
    (Reason.E_ATT_LINK, [("<ContentId>cid:a1", "<ContentId>cid:a2")]),
    (Reason.E_ATT_LINK, [("<ContentId>cid:a1</ContentId>", "")]),
    (Reason.E_ATT_LINK, [(REFERENCE_END, REFERENCE_END + "<edXML:Reference><edXML:ContentId>b</edXML:ContentId></edXML:Reference>")]),
    (Reason.E_ATT_LINK, [(REFERENCE_END, REFERENCE_END + "<edXML:Reference><edXML:ContentId>a1</edXML:ContentId></edXML:Reference>")]),
    (Reason.E_ATT_LINK, [("<edXML:edXMLBody>", "<edXML:edXMLBod>"), ("</edXML:edXMLBody>", "</edXML:edXMLBod>")]),
    (Reason.E_ATT_LINK, [("</Attachment>", '<ContentTransferEncoded>QQ==</ContentTransferEncoded></Attachment>')]),
    (Reason.E_ATT_B64, [("@CONTENT@", "")]),
    (Reason.E_ATT_B64, [("@CONTENT@", " \r\n")]),
    (Reason.E_ATT_B64, [("@CONTENT@", "JVBERi0xLjc*")]),
    (Reason.E_ATT_B64, [("@CONTENT@", "JVBERi0xLjcK=")]),
    (Reason.E_ATT_B64, [("@CONTENT@", "JVBERi0xLjcKQ")]),
    (Reason.E_ATT_B64, [("@CONTENT@", "QQ==QUFB")]),
    (Reason.E_ATT_B64, [("@CONTENT@", "QQ== QUFB")]),
    (Reason.E_ATT_B64, [("@CONTENT@", "JVBERi0xLjcK\u00e9")]),
    (Reason.E_ATT_B64, [("@CONTENT@", "JVBERi0x<x/>LjcK")]),
    (Reason.E_ATT_B64, [("@CONTENT@", "JVBE-_0x")]),
    (Reason.E_XML, [("<edXML:Subject>", "<edXML:DocumentId>other</edXML:DocumentId><edXML:Subject>")]),
    (Reason.E_XML, [("</edXML:TraceHeaderList>", "<edXML:Bussiness><edXML:Paper>1</edXML:Paper></edXML:Bussiness></edXML:TraceHeaderList>")]),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "changes"), REFUSED_DOCUMENTS, ids=[str(one[0]) for one in REFUSED_DOCUMENTS])
def test_documents_are_refused_by_name(document, refusal, reason, changes) -> None:
    fault = refusal(document(*changes))
    assert fault.reason is reason
    assert fault.detail.endswith(".")
    assert fault.sender == (None if reason is Reason.E_FROM and FROM + FROM not in changes[0] else SENDER)


REFUSED_STATUSES = [
    (Reason.E_FROM, without("From", "<edXML:OrganId>000.00.09.H29</edXML:OrganId>")),
    (Reason.E_REQ, without("OrganId", "000.00.14.H29")),
    (Reason.E_REQ, [("<edXML:DocumentId>000.00.14.H29,2026/11/20,15/TB-TEST</edXML:DocumentId>", "")]),
    (Reason.E_REQ, without("StatusCode", "02")),
    (Reason.E_REQ, without("Timestamp", "2026/11/20 10:30:00")),
    (Reason.E_REQ, without("Description", "Sai nơi nhận")),
    (Reason.E_REQ, [("StatusCode>02", "StatusCode>13"), ("Sai nơi nhận", " ")]),
    (Reason.E_REQ, [("StatusCode>02", "StatusCode>16"), ("Sai nơi nhận", " ")]),
    (Reason.E_ENUM, [("StatusCode>02", "StatusCode>07")]),
    (Reason.E_ENUM, [("StatusCode>02", "StatusCode>abc")]),
    (Reason.E_DATE, [("Timestamp>2026/11/20 10:30:00", "Timestamp>now")]),
    (Reason.E_LEN, [("Sai nơi nhận", "x" * 501)]),
    (Reason.E_XML, [("</edXML:ResponseFor>", "</edXML:ResponseFor><edXML:ResponseFor><edXML:Code>1</edXML:Code></edXML:ResponseFor>")]),
]  # fmt: skip


@pytest.mark.parametrize(("reason", "changes"), REFUSED_STATUSES, ids=[str(one[0]) for one in REFUSED_STATUSES])
def test_statuses_are_refused_by_name(status, refusal, reason, changes) -> None:
    assert refusal(status(*changes)).reason is reason


@pytest.mark.parametrize("kind", [0, 2, 3])
def test_a_document_needs_an_attachment(document, refusal, kind) -> None:
    info = "<edXML:BussinessDocumentInfo><edXML:DocumentInfo>1</edXML:DocumentInfo></edXML:BussinessDocumentInfo>"
    text = document(*business(kind, info)).decode()
    head = text[: text.index("<edXML:edXMLBody>")]
    assert refusal(f"{head}</edXML:edXMLEnvelope></edXML>".encode()).reason is Reason.E_ATT_NONE


def test_an_update_of_receivers_alone_needs_none(document, read) -> None:
    text = document(*business(2, receiver("<edXML:ReceiverType>1</edXML:ReceiverType>"))).decode()
    head = text[: text.index("<edXML:edXMLBody>")]
    business_read = read(f"{head}</edXML:edXMLEnvelope></edXML>".encode()).message.business
    assert [(change.unit, change.added) for change in business_read.receiver_changes] == [("A", True)]


@pytest.mark.parametrize(
    "text",
    [
        "<a/>",
        '<edXML xmlns="http://www.e-doc.vn/Schema/"/>',
        '<e:Envelope xmlns:e="http://www.go.vn/eDoc"/>',
        '<edXML xmlns="urn:other"/>',
        '<x:edXML/>',
        '<MessageHeader xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"/>',
        '<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"><x xmlns="http://www.e-doc.vn/Schema/"/></edXML>',
    ],
)  # fmt: skip
def test_other_dialects_are_refused(refusal, text) -> None:
    assert refusal(text.encode()).reason is Reason.E_NS


@pytest.mark.parametrize(
    "data",
    [b"", b" ", b"\xef\xbb\xbf", b"\xff\xfe", b"not xml", b"<edXML>", b"<edXML></a></edXML>", b"\0" * 100,
     b"<edXML a='1' a='2'/>", b"<edXML>\xff\xfe</edXML>", b"<edXML/>junk", b"<edXML>&nbsp;</edXML>",
     b"<a:b:c/>", b"<:edXML/>", b"<edXML xmlns:a=''/>", b"<edXML xmlns:xml='urn:x'/>", b"<edXML xmlns:xmlns='urn:x'/>",
     b"x" * 65 + b"<?xml version='1.0'?><edXML/>",
     b"<?xml version='1.0' encoding='windows-1258'?><edXML/>", b"<?xml version='1.0' encoding='rot13'?><edXML/>",
     b"<?xml version='1.0' encoding='utf-7'?><edXML/>",
     "<?xml version='1.0' encoding='windows-1252'?><edXML/>".encode("utf-16")],
)  # fmt: skip
def test_what_is_no_xml_is_refused(refusal, data) -> None:
    assert refusal(data).reason is Reason.E_XML


def test_an_empty_frame_has_no_sender(refusal) -> None:
    assert refusal(b'<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"/>').reason is Reason.E_FROM


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (Limits(max_package_bytes=1000), Reason.E_SIZE),
        (Limits(max_attachment_bytes=10), Reason.E_SIZE),
        (Limits(max_attachments=0), Reason.E_SIZE),
        (Limits(max_header_chars=100), Reason.E_SIZE),
        (Limits(max_attributes=0), Reason.E_SIZE),
        (Limits(max_depth=4), Reason.E_DEPTH),
        (Limits(max_elements=20), Reason.E_DEPTH),
        (Limits(max_receivers=1), Reason.E_LEN),
    ],
)
def test_limits(document, refusal, limits, reason) -> None:
    assert refusal(document(), limits).reason is reason


def test_a_refusal_names_place_and_sender_but_no_content(document, refusal) -> None:
    fault = refusal(document(("Về việc thử", "bí mật " * 100)))
    assert str(fault) == "E_LEN: MessageHeader/Subject has more than 500 characters."
    assert fault.sender == SENDER


def test_the_sender_is_known_even_if_the_end_is_missing(document, refusal) -> None:
    fault = refusal(document()[:1500])
    assert (fault.reason, fault.sender) == (Reason.E_XML, SENDER)
