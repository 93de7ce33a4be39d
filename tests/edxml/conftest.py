"""A sound package as text, to be bent in one place at a time."""

# ruff: noqa: E501  (XML is easier to compare unbroken)

import base64
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from common.edxml import Limits, Parsed, Unreadable, parse

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n%%EOF\n"

DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016">
  <edXML:edXMLEnvelope xmlns:edXML="http://www.mic.gov.vn/TBT/QCVN_102_2016">
    <edXML:edXMLHeader>
      <edXML:MessageHeader>
        <edXML:From><edXML:OrganId>000.00.14.H29</edXML:OrganId><edXML:OrganName>Sở Một</edXML:OrganName></edXML:From>
        <edXML:To><edXML:OrganId>000.00.09.H29</edXML:OrganId></edXML:To>
        <edXML:To><edXML:OrganId>H29.901.01</edXML:OrganId></edXML:To>
        <edXML:DocumentId>000.00.14.H29,2026/11/20,15/TB-TEST</edXML:DocumentId>
        <edXML:Code><edXML:CodeNumber>15</edXML:CodeNumber><edXML:CodeNotation>TB-TEST</edXML:CodeNotation></edXML:Code>
        <edXML:PromulgationInfo><edXML:PromulgationDate>2026/11/20</edXML:PromulgationDate></edXML:PromulgationInfo>
        <edXML:DocumentType><edXML:Type>2</edXML:Type><edXML:TypeName>Thông báo</edXML:TypeName></edXML:DocumentType>
        <edXML:Subject>Về việc thử</edXML:Subject>
        <edXML:SignerInfo><edXML:FullName>Trần Thị Thử</edXML:FullName></edXML:SignerInfo>
        <edXML:DueDate>2026/12/01</edXML:DueDate>
        <edXML:OtherInfo><edXML:Priority>1</edXML:Priority><edXML:PageAmount>3</edXML:PageAmount></edXML:OtherInfo>
        <edXML:SteeringType>1</edXML:SteeringType>
      </edXML:MessageHeader>
      <edXML:TraceHeaderList>
        <edXML:Bussiness>
          <edXML:BussinessDocType>0</edXML:BussinessDocType>
        </edXML:Bussiness>
        <edXML:TraceHeader><edXML:OrganId>000.00.14.H29</edXML:OrganId><edXML:Timestamp>2026/11/20 09:00:00</edXML:Timestamp></edXML:TraceHeader>
      </edXML:TraceHeaderList>
    </edXML:edXMLHeader>
    <edXML:edXMLBody>
      <edXML:edXMLManifest version="1.0">
        <edXML:Reference><edXML:ContentId>cid:a1</edXML:ContentId><edXML:ContentType>application/pdf</edXML:ContentType><edXML:AttachmentName>15-TB.pdf</edXML:AttachmentName></edXML:Reference>
      </edXML:edXMLManifest>
    </edXML:edXMLBody>
  </edXML:edXMLEnvelope>
  <AttachmentEncoded>
    <Attachment><ContentId>cid:a1</ContentId><AttachmentName>15-TB.pdf</AttachmentName><ContentType>application/pdf</ContentType><edXML:ContentTransferEncoded xmlns:edXML="http://www.mic.gov.vn/TBT/QCVN_102_2016">@CONTENT@</edXML:ContentTransferEncoded></Attachment>
  </AttachmentEncoded>
</edXML>
"""

STATUS = """<?xml version="1.0" encoding="UTF-8"?>
<edXML xmlns="http://www.mic.gov.vn/TBT/QCVN_102_2016">
  <edXML:edXMLEnvelope xmlns:edXML="http://www.mic.gov.vn/TBT/QCVN_102_2016">
    <edXML:edXMLHeader>
      <edXML:MessageHeader>
        <edXML:From><edXML:OrganId>000.00.09.H29</edXML:OrganId></edXML:From>
        <edXML:ResponseFor>
          <edXML:OrganId>000.00.14.H29</edXML:OrganId>
          <edXML:Code>15/TB-TEST</edXML:Code>
          <edXML:PromulgationDate>2026/11/20</edXML:PromulgationDate>
          <edXML:DocumentId>000.00.14.H29,2026/11/20,15/TB-TEST</edXML:DocumentId>
        </edXML:ResponseFor>
        <edXML:StatusCode>02</edXML:StatusCode>
        <edXML:Description>Sai nơi nhận</edXML:Description>
        <edXML:Timestamp>2026/11/20 10:30:00</edXML:Timestamp>
      </edXML:MessageHeader>
    </edXML:edXMLHeader>
  </edXML:edXMLEnvelope>
</edXML>
"""

Changes = tuple[tuple[str, str], ...]


def changed(text: str, changes: Changes) -> str:
    """The text with each old part replaced; an old part that is not there is a mistake in the test."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def document_bytes(*changes: tuple[str, str], content: bytes = PDF) -> bytes:
    """A document package; each change replaces one text by another everywhere."""
    return changed(DOCUMENT, changes).replace("@CONTENT@", base64.b64encode(content).decode()).encode()


def status_bytes(*changes: tuple[str, str]) -> bytes:
    """A status package, changed likewise."""
    return changed(STATUS, changes).encode()


def zip_bytes(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP of these entries."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return buffer.getvalue()


def read(data: bytes, limits: Limits | None = None, strict: bool = False) -> Parsed:
    """Parse bytes."""
    return parse(io.BytesIO(data), limits=limits or Limits(), strict=strict)


def refusal(data: bytes, limits: Limits | None = None, strict: bool = False) -> Unreadable:
    """The fault for which bytes are refused."""
    with pytest.raises(Unreadable) as caught:
        read(data, limits, strict)
    return caught.value


@pytest.fixture
def document() -> Callable[..., bytes]:
    """Builds document packages."""
    return document_bytes


@pytest.fixture
def status() -> Callable[..., bytes]:
    """Builds status packages."""
    return status_bytes


@pytest.fixture
def zipped() -> Callable[..., bytes]:
    """Builds ZIP files."""
    return zip_bytes


@pytest.fixture(name="read")
def read_fixture() -> Callable[..., Parsed]:
    """Parses bytes."""
    return read


@pytest.fixture(name="refusal")
def refusal_fixture() -> Callable[..., Unreadable]:
    """Parses bytes that must be refused."""
    return refusal


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of real messages, kept beside the checkout; absent on other machines."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "edxml-samples"
    if not folder.is_dir():
        pytest.skip("the folder ../shared/edxml-samples with the real messages is absent")
    return folder
