"""The two packages of a round in the public format (docs/upstream.md, docs/edxml.md). Pure."""

import base64
from datetime import datetime, timedelta, timezone
from xml.sax.saxutils import escape

from canary.names import RECEIVER, SENDER

LOCAL = timezone(timedelta(hours=7))
"""Ho Chi Minh City."""
NOTATION = "CANARY"
LETTER = """<?xml version="1.0" encoding="UTF-8"?>
<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"><edXMLEnvelope><edXMLHeader><MessageHeader>
<From><OrganId>{sender}</OrganId></From><To><OrganId>{receiver}</OrganId></To>
<DocumentId>{document_id}</DocumentId>
<Code><CodeNumber>{number}</CodeNumber><CodeNotation>{notation}</CodeNotation></Code>
<PromulgationInfo><Place>Thành phố Hồ Chí Minh</Place><PromulgationDate>{day}</PromulgationDate></PromulgationInfo>
<DocumentType><Type>2</Type><TypeName>Công văn</TypeName></DocumentType>
<Subject>Thư dò đường của trục liên thông, không cần xử lý</Subject>
<SignerInfo><FullName>Thư dò đường</FullName></SignerInfo>
<OtherInfo><Priority>1</Priority></OtherInfo>
</MessageHeader><TraceHeaderList><Bussiness><BussinessDocType>0</BussinessDocType></Bussiness></TraceHeaderList>
</edXMLHeader><edXMLBody><edXMLManifest version="1.0"><Reference><ContentId>cid:1</ContentId>
<ContentType>application/pdf</ContentType><AttachmentName>thu-do-duong.pdf</AttachmentName></Reference></edXMLManifest>
</edXMLBody></edXMLEnvelope><AttachmentEncoded><Attachment><ContentId>cid:1</ContentId>
<AttachmentName>thu-do-duong.pdf</AttachmentName><ContentType>application/pdf</ContentType>
<ContentTransferEncoded>{content}</ContentTransferEncoded></Attachment></AttachmentEncoded></edXML>
"""
STATUS = """<?xml version="1.0" encoding="UTF-8"?>
<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016"><edXMLEnvelope><edXMLHeader><MessageHeader>
<From><OrganId>{receiver}</OrganId></From>
<ResponseFor><OrganId>{sender}</OrganId><DocumentId>{document_id}</DocumentId></ResponseFor>
<StatusCode>03</StatusCode><Timestamp>{now}</Timestamp>
</MessageHeader></edXMLHeader></edXMLEnvelope></edXML>
"""


def document_id(number: str, at: datetime) -> str:
    """The usual triple: unit, day in Ho Chi Minh City, number/notation. ``number`` differs from round to round."""
    return f"{SENDER},{at.astimezone(LOCAL):%Y/%m/%d},{number}/{NOTATION}"


def letter(number: str, at: datetime, pdf: bytes) -> bytes:
    """The urgent letter around a signed PDF."""
    fields = _both(number, at) | {"number": number, "notation": NOTATION, "content": base64.b64encode(pdf).decode()}
    return LETTER.format_map({name: escape(text) for name, text in fields.items()}).encode()


def status(number: str, at: datetime) -> bytes:
    """The receiver's status 03 (accepted) on that letter."""
    return STATUS.format_map({name: escape(text) for name, text in _both(number, at).items()}).encode()


def _both(number: str, at: datetime) -> dict[str, str]:
    local = at.astimezone(LOCAL)
    return {
        "sender": SENDER,
        "receiver": RECEIVER,
        "document_id": document_id(number, at),
        "day": f"{local:%Y/%m/%d}",
        "now": f"{local:%Y/%m/%d %H:%M:%S}",
    }
