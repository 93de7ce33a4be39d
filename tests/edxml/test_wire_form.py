"""The bytes that are emitted: order, prefixes, dates, one ``cid:`` each."""

# ruff: noqa: E501  (XML is easier to compare unbroken)

import re
from datetime import date, datetime

from common.domain.envelope import (
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
from common.domain.names import PackageKind, Priority, StatusCode
from common.edxml import attachment_of, build
from common.edxml.dates import VIETNAM

NS = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
PDF = b"%PDF-1.7\n"
AT = datetime(2026, 11, 20, 9, 0, tzinfo=VIETNAM)

FULL = Envelope(
    sender=Organization(code="000.00.14.H29", in_charge="UBND Thành phố", name="Sở Một", address="Số 1", email="a@b",
                        telephone="028", fax="029", website="b"),
    receivers=(Organization(code="000.00.09.H29"), Organization(code="H29.901.01")),
    document_id="D-1",
    number="15",
    notation="TB-TEST",
    place="TP. Hồ Chí Minh",
    promulgation_date=date(2026, 11, 20),
    type=DocumentType(name="Thông báo", detail=7),
    subject="A & B",
    content="Nội dung",
    signer=Signer(full_name="Trần Thử", competence="KT.", position="Phó Giám đốc"),
    due_date=date(2026, 12, 1),
    other=OtherInfo(priority=Priority.URGENT, sphere="x", typist="TVC", copies=2, pages=3, direction=True, reply_fors="r",
                    reference_codes="c", appendixes=("PL1",)),
    response_for=(ResponseFor(unit="U", document_id="D-0", code="1/CV", promulgation_date=date(2026, 1, 2)),),
    steering_type=1,
    task_codes=("T1",),
    application_type=2,
    to_places=("Lưu: VT",),
    business=Business(kind=PackageKind.UPDATE, reason="r", target="D-0", document_changed=True, receivers_changed=True,
                      receiver_changes=(ReceiverChange(unit="U", added=False),),
                      replacements=(Replacement(document_id="D-9", units=("U",)),), staff=Staff(department="VP", name="N")),
    hops=(Hop(unit="000.00.14.H29", at=AT),),
    attachments=(attachment_of("a1", "15-TB.pdf", PDF, "Bản chính"),),
)  # fmt: skip

DOCUMENT = f"""<?xml version="1.0" encoding="UTF-8"?>
<edXML xmlns="{NS}">
<edXML:edXMLEnvelope xmlns:edXML="{NS}">
<edXML:edXMLHeader>
<edXML:MessageHeader>
<edXML:From><edXML:OrganId>000.00.14.H29</edXML:OrganId>
<edXML:OrganizationInCharge>UBND Thành phố</edXML:OrganizationInCharge>
<edXML:OrganName>Sở Một</edXML:OrganName><edXML:OrganAdd>Số 1</edXML:OrganAdd><edXML:Email>a@b</edXML:Email>
<edXML:Telephone>028</edXML:Telephone><edXML:Fax>029</edXML:Fax><edXML:Website>b</edXML:Website></edXML:From>
<edXML:To><edXML:OrganId>000.00.09.H29</edXML:OrganId></edXML:To>
<edXML:To><edXML:OrganId>H29.901.01</edXML:OrganId></edXML:To>
<edXML:DocumentId>D-1</edXML:DocumentId>
<edXML:Code><edXML:CodeNumber>15</edXML:CodeNumber><edXML:CodeNotation>TB-TEST</edXML:CodeNotation></edXML:Code>
<edXML:PromulgationInfo><edXML:Place>TP. Hồ Chí Minh</edXML:Place>
<edXML:PromulgationDate>2026/11/20</edXML:PromulgationDate></edXML:PromulgationInfo>
<edXML:DocumentType><edXML:Type>2</edXML:Type><edXML:TypeDetail>7</edXML:TypeDetail>
<edXML:TypeName>Thông báo</edXML:TypeName></edXML:DocumentType>
<edXML:Subject>A &amp; B</edXML:Subject>
<edXML:Content>Nội dung</edXML:Content>
<edXML:SignerInfo><edXML:Competence>KT.</edXML:Competence><edXML:Position>Phó Giám đốc</edXML:Position>
<edXML:FullName>Trần Thử</edXML:FullName></edXML:SignerInfo>
<edXML:DueDate>2026/12/01</edXML:DueDate>
<edXML:OtherInfo><edXML:Priority>1</edXML:Priority><edXML:SphereOfPromulgation>x</edXML:SphereOfPromulgation>
<edXML:TyperNotation>TVC</edXML:TyperNotation><edXML:PromulgationAmount>2</edXML:PromulgationAmount>
<edXML:PageAmount>3</edXML:PageAmount><edXML:Direction>true</edXML:Direction><edXML:ReplyFors>r</edXML:ReplyFors>
<edXML:ReferenceCodes>c</edXML:ReferenceCodes>
<edXML:Appendixes><edXML:Appendix>PL1</edXML:Appendix></edXML:Appendixes></edXML:OtherInfo>
<edXML:ResponseFor><edXML:OrganId>U</edXML:OrganId><edXML:Code>1/CV</edXML:Code>
<edXML:DocumentId>D-0</edXML:DocumentId><edXML:PromulgationDate>2026/01/02</edXML:PromulgationDate></edXML:ResponseFor>
<edXML:SteeringType>1</edXML:SteeringType>
<edXML:ResponseForTask><edXML:TaskCode>T1</edXML:TaskCode></edXML:ResponseForTask>
<edXML:ApplicationType>2</edXML:ApplicationType>
<edXML:ToPlaces><edXML:Place>Lưu: VT</edXML:Place></edXML:ToPlaces>
</edXML:MessageHeader>
<edXML:TraceHeaderList>
<edXML:Bussiness><edXML:BussinessDocType>2</edXML:BussinessDocType><edXML:BussinessDocReason>r</edXML:BussinessDocReason>
<edXML:DocumentId>D-0</edXML:DocumentId><edXML:Paper>0</edXML:Paper>
<edXML:BussinessDocumentInfo><edXML:DocumentInfo>1</edXML:DocumentInfo><edXML:DocumentReceiver>1</edXML:DocumentReceiver>
<edXML:ReceiverList><edXML:Receiver><edXML:OrganId>U</edXML:OrganId><edXML:ReceiverType>0</edXML:ReceiverType></edXML:Receiver></edXML:ReceiverList></edXML:BussinessDocumentInfo>
<edXML:ReplacementInfoList><edXML:ReplacementInfo><edXML:DocumentId>D-9</edXML:DocumentId>
<edXML:OrganIdList><edXML:OrganId>U</edXML:OrganId></edXML:OrganIdList></edXML:ReplacementInfo></edXML:ReplacementInfoList>
<edXML:StaffInfo><edXML:Department>VP</edXML:Department><edXML:Staff>N</edXML:Staff></edXML:StaffInfo></edXML:Bussiness>
<edXML:TraceHeader><edXML:OrganId>000.00.14.H29</edXML:OrganId><edXML:Timestamp>2026/11/20 09:00:00</edXML:Timestamp></edXML:TraceHeader>
</edXML:TraceHeaderList>
</edXML:edXMLHeader>
<edXML:edXMLBody><edXML:edXMLManifest version="1.0"><edXML:Reference><edXML:ContentId>cid:a1</edXML:ContentId>
<edXML:ContentType>application/pdf</edXML:ContentType><edXML:Description>Bản chính</edXML:Description>
<edXML:AttachmentName>15-TB.pdf</edXML:AttachmentName></edXML:Reference></edXML:edXMLManifest></edXML:edXMLBody>
</edXML:edXMLEnvelope>
<AttachmentEncoded><Attachment><ContentId>cid:a1</ContentId><AttachmentName>15-TB.pdf</AttachmentName>
<Description>Bản chính</Description><ContentType>application/pdf</ContentType>
<edXML:ContentTransferEncoded xmlns:edXML="{NS}">JVBERi0xLjcK</edXML:ContentTransferEncoded></Attachment></AttachmentEncoded>
</edXML>"""

STATUS = f"""<?xml version="1.0" encoding="UTF-8"?>
<edXML xmlns="{NS}">
<edXML:edXMLEnvelope xmlns:edXML="{NS}">
<edXML:edXMLHeader>
<edXML:MessageHeader>
<edXML:From><edXML:OrganId>000.00.09.H29</edXML:OrganId></edXML:From>
<edXML:ResponseFor><edXML:OrganId>000.00.14.H29</edXML:OrganId><edXML:Code>15/TB</edXML:Code>
<edXML:PromulgationDate>2026/11/20</edXML:PromulgationDate><edXML:DocumentId>D-1</edXML:DocumentId></edXML:ResponseFor>
<edXML:StaffInfo><edXML:Staff>N</edXML:Staff></edXML:StaffInfo>
<edXML:StatusCode>01</edXML:StatusCode>
<edXML:Description>Đã đến</edXML:Description>
<edXML:Timestamp>2026/11/20 09:00:00</edXML:Timestamp>
</edXML:MessageHeader>
</edXML:edXMLHeader>
</edXML:edXMLEnvelope>
</edXML>"""


def lines(text: str) -> str:
    return re.sub(r">\s+<", "><", text).strip()


def test_a_full_document() -> None:
    assert lines(build(FULL, [PDF]).decode()) == lines(DOCUMENT)


def test_a_full_status() -> None:
    report = StatusReport(
        sender=Organization(code="000.00.09.H29"),
        response_for=ResponseFor(
            unit="000.00.14.H29", document_id="D-1", code="15/TB", promulgation_date=date(2026, 11, 20)
        ),
        code=StatusCode.ARRIVED,
        at=AT,
        description="Đã đến",
        staff=Staff(name="N"),
    )
    assert lines(build(report, []).decode()) == lines(STATUS)
