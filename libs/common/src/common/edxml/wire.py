"""How edXML 102 spells things: namespaces, element names, lengths, code tables (QCVN 102:2016/BTTTT).

Lengths are characters. They follow the input data tables of ND 30/2020 annex VI part II where these name the
field; the others are set by this project (docs/edxml.md). No other module spells an element's name.
"""

from dataclasses import dataclass

from common.domain.names import PackageKind

NAMESPACE = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
PREFIX = "edXML"
LEGACY_NAMESPACES = ("http://www.e-doc.vn/schema", "http://www.go.vn/edoc")
"""Lower case, without a trailing slash: older dialects that are recognised in order to be refused by name."""
XINCLUDE_NAMESPACES = ("http://www.w3.org/2001/XInclude", "http://www.w3.org/2003/XInclude")
MANIFEST_VERSION = "1.0"
CID = "cid:"


@dataclass(frozen=True, slots=True)
class Field:
    """An element: its name and, if it holds text, how many characters at most."""

    name: str
    max_chars: int = 0

    def __str__(self) -> str:
        return self.name


# the frame
ROOT = Field("edXML")
ENVELOPE = Field("edXMLEnvelope")
HEADER = Field("edXMLHeader")
BODY = Field("edXMLBody")
MANIFEST = Field("edXMLManifest")
MANIFEST_SHORT = Field("Manifest")
MESSAGE_HEADER = Field("MessageHeader")
SIGNATURE = Field("Signature")
"""XMLDSig in the header: proves nothing here, because peers rewrite it; never read."""

# units
FROM = Field("From")
TO = Field("To")
ORGAN_ID = Field("OrganId", 35)
IN_CHARGE = Field("OrganizationInCharge", 200)
ORGAN_NAME = Field("OrganName", 200)
ADDRESS = Field("OrganAdd", 250)
EMAIL = Field("Email", 100)
TELEPHONE = Field("Telephone", 50)
FAX = Field("Fax", 50)
WEBSITE = Field("Website", 100)

# the document
DOCUMENT_ID = Field("DocumentId", 200)
CODE = Field("Code")
CODE_NUMBER = Field("CodeNumber", 30)
CODE_NOTATION = Field("CodeNotation", 50)
PROMULGATION_INFO = Field("PromulgationInfo")
PLACE = Field("Place", 50)
PROMULGATION_DATE = Field("PromulgationDate", 40)
DOCUMENT_TYPE = Field("DocumentType")
TYPE = Field("Type", 10)
TYPE_DETAIL = Field("TypeDetail", 10)
TYPE_NAME = Field("TypeName", 100)
SUBJECT = Field("Subject", 500)
CONTENT = Field("Content", 500)
SIGNER_INFO = Field("SignerInfo")
COMPETENCE = Field("Competence", 100)
POSITION = Field("Position", 100)
FULL_NAME = Field("FullName", 50)
DUE_DATE = Field("DueDate", 40)

# its circulation
OTHER_INFO = Field("OtherInfo")
PRIORITY = Field("Priority", 10)
SPHERE = Field("SphereOfPromulgation", 100)
TYPIST = Field("TyperNotation", 10)
COPIES = Field("PromulgationAmount", 10)
PAGES = Field("PageAmount", 10)
DIRECTION = Field("Direction", 10)
REPLY_FORS = Field("ReplyFors", 500)
REFERENCE_CODES = Field("ReferenceCodes", 500)
APPENDIXES = Field("Appendixes")
APPENDIX = Field("Appendix", 250)
RESPONSE_FOR = Field("ResponseFor")
RESPONSE_CODE = Field("Code", 100)
STEERING_TYPE = Field("SteeringType", 10)
RESPONSE_FOR_TASK = Field("ResponseForTask")
TASK_CODE = Field("TaskCode", 100)
APPLICATION_TYPE = Field("ApplicationType", 10)
TO_PLACES = Field("ToPlaces")
FILING_PLACE = Field("Place", 150)

# its way and its business
TRACE_LIST = Field("TraceHeaderList")
TRACE = Field("TraceHeader")
TIMESTAMP = Field("Timestamp", 40)
BUSINESS = Field("Bussiness")
BUSINESS_CORRECTED = Field("Business")
BUSINESS_TYPE = Field("BussinessDocType", 10)
BUSINESS_TYPE_CORRECTED = Field("BusinessDocType", 10)
REASON = Field("BussinessDocReason", 500)
REASON_CORRECTED = Field("BusinessDocReason", 500)
PAPER = Field("Paper", 10)
DOCUMENT_INFO_BLOCK = Field("BussinessDocumentInfo")
DOCUMENT_INFO_BLOCK_CORRECTED = Field("BusinessDocumentInfo")
DOCUMENT_INFO = Field("DocumentInfo", 10)
DOCUMENT_RECEIVER = Field("DocumentReceiver", 10)
RECEIVER_LIST = Field("ReceiverList")
RECEIVER = Field("Receiver")
RECEIVER_TYPE = Field("ReceiverType", 10)
REPLACEMENT_LIST = Field("ReplacementInfoList")
REPLACEMENT = Field("ReplacementInfo")
ORGAN_ID_LIST = Field("OrganIdList")
STAFF_INFO = Field("StaffInfo")
DEPARTMENT = Field("Department", 250)
DEPARTMENT_ID = Field("DepartmentId", 100)
STAFF = Field("Staff", 100)
STAFF_ID = Field("StaffId", 100)
MOBILE = Field("Mobile", 100)

# a status
STATUS_CODE = Field("StatusCode", 10)
DESCRIPTION = Field("Description", 500)

# the attachments
REFERENCE = Field("Reference")
ATTACHMENTS = Field("AttachmentEncoded")
ATTACHMENT = Field("Attachment")
CONTENT_ID = Field("ContentId", 200)
CONTENT_TYPE = Field("ContentType", 200)
ATTACHMENT_NAME = Field("AttachmentName", 200)
FORMAT = Field("Format", 50)
CONTENT_ENCODED = Field("ContentTransferEncoded")
UNUSED = (Field("FieldName"), Field("MimeType"))
"""Known to the software development kit of the national axis, of no use to a reader."""

SPELLINGS = {
    other.name: field.name
    for field, other in (
        (MANIFEST, MANIFEST_SHORT),
        (BUSINESS, BUSINESS_CORRECTED),
        (BUSINESS_TYPE, BUSINESS_TYPE_CORRECTED),
        (REASON, REASON_CORRECTED),
        (DOCUMENT_INFO_BLOCK, DOCUMENT_INFO_BLOCK_CORRECTED),
    )
}
"""Names that some senders write for a field of the profile (T7, T16), and the profile's own."""
FRAME = (ROOT, ENVELOPE, HEADER, BODY, MANIFEST)
"""Elements whose names vary in upper and lower case from sender to sender (T17)."""
ROOTS = (ROOT, ENVELOPE)
FRAME_BY_LOWER = {field.name.lower(): field.name for field in FRAME}
KNOWN = frozenset(value.name for value in tuple(globals().values()) if isinstance(value, Field)) | {
    field.name for field in UNUSED
}

KIND_OF_TYPE = {
    "0": PackageKind.NEW,
    "1": PackageKind.RECALL,
    "2": PackageKind.UPDATE,
    "3": PackageKind.REPLACE,
}
"""BussinessDocType."""
TYPE_OF_KIND = {kind: code for code, kind in KIND_OF_TYPE.items()}
ADDED_OF_RECEIVER_TYPE = {"0": False, "1": True}
"""ReceiverType: 0 takes the document from a receiver, 1 adds one."""

LEGAL_TYPE = 1
"""DocumentType/Type of legal normative documents; 2 is administrative."""
ADMINISTRATIVE_TYPE = 2
TYPES = (LEGAL_TYPE, ADMINISTRATIVE_TYPE)
ADMINISTRATIVE_ONLY = frozenset(
    name.casefold()
    for name in [
        "Quy chế",
        "Quy định",
        "Thông cáo",
        "Thông báo",
        "Hướng dẫn",
        "Chương trình",
        "Kế hoạch",
        "Phương án",
        "Đề án",
        "Dự án",
        "Báo cáo",
        "Biên bản",
        "Tờ trình",
        "Hợp đồng",
        "Công văn",
        "Công điện",
        "Bản ghi nhớ",
        "Bản thỏa thuận",
        "Giấy ủy quyền",
        "Giấy mời",
        "Giấy giới thiệu",
        "Giấy nghỉ phép",
        "Phiếu gửi",
        "Phiếu chuyển",
        "Phiếu báo",
        "Thư công",
    ]
)
"""Type names of ND 30/2020 art. 7 that no legal normative document bears."""
