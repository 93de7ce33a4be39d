"""Each departure that is put up with: what is read in spite of it, and what is noted."""

# ruff: noqa: E501  (XML is easier to compare unbroken)

from datetime import date

import pytest

from common.domain.envelope import UNKNOWN_DATE, Envelope, Hop, StatusReport
from common.domain.names import PackageKind, Priority
from common.domain.reason import Reason
from common.edxml import Tolerance

NS = "http://www.mic.gov.vn/TBT/QCVN_102_2016"
DECLARED = f' xmlns:edXML="{NS}"'
TO_OTHER_UNIT = "<edXML:To><edXML:OrganId>H29.901.01</edXML:OrganId></edXML:To>"
BUSINESS_OPEN = "<edXML:Bussiness>"
WHOLE_BUSINESS = """<edXML:Bussiness>
          <edXML:BussinessDocType>0</edXML:BussinessDocType>
        </edXML:Bussiness>"""

SILENT = [
    pytest.param([("\n", "\r\n")], id="T5 CRLF"),
    pytest.param([("<edXML:Subject>", "<!-- c --><?pi x?><edXML:Subject>")], id="T5 comment"),
    pytest.param([("<AttachmentEncoded>", f"<edXML:AttachmentEncoded{DECLARED}>"),
                  ("</AttachmentEncoded>", "</edXML:AttachmentEncoded>")], id="T2"),
    pytest.param([("<edXML:SteeringType>1</edXML:SteeringType>", ""),
                  ("<edXML:DocumentId>", "<edXML:SteeringType>1</edXML:SteeringType><edXML:DocumentId>")], id="T6"),
    pytest.param([("<edXML:DueDate>", "<edXML:ResponseFor/><edXML:Content> </edXML:Content><edXML:DueDate>")], id="T9"),
    pytest.param([("<edXML:OrganName>Sở Một</edXML:OrganName>", "<edXML:OrganName>\n Sở Một\n </edXML:OrganName>")],
                 id="T5 indented name"),
    pytest.param([("</edXML:MessageHeader>", "</edXML:MessageHeader><Signature><Reference/><x/></Signature>")],
                 id="signature"),
    pytest.param([("</edXML:MessageHeader>", '</edXML:MessageHeader><d:Signature xmlns:d="urn:d"><d:x/></d:Signature>')],
                 id="signature in its own namespace"),
]  # fmt: skip

NOTED = [
    (Tolerance.T1, [(f' xmlns="{NS}"', ""), (DECLARED, ""), ("edXML:", "")]),
    (Tolerance.T1, [(f' xmlns="{NS}"', "")]),
    (Tolerance.T3, [("<?xml", "\ufeff<?xml")]),
    (Tolerance.T3, [('encoding="UTF-8"', 'encoding="utf-16"')]),
    (Tolerance.T4, [("<?xml", "1212<?xml")]),
    (Tolerance.T4, [("<?xml", "\n  <?xml")]),
    (Tolerance.T4, [("<?xml", "\ufeff\ufeff<?xml")]),
    (Tolerance.T7, [("edXML:Bussiness>", "edXML:Business>")]),
    (Tolerance.T8, [(WHOLE_BUSINESS, "")]),
    (Tolerance.T11, [("<edXML:TraceHeader><edXML:OrganId>000.00.14.H29", "<edXML:TraceHeader><edXML:OrganId>null")]),
    (Tolerance.T11, [("2026/11/20 09:00:00", "soon")]),
    (Tolerance.T12, [("<edXML:DueDate>2026/12/01", "<edXML:DueDate>01/12/2026")]),
    (Tolerance.T12, [("<edXML:DueDate>2026/12/01", "<edXML:DueDate>2026-12-01T00:00:00")]),
    (Tolerance.T14, [("</AttachmentName><ContentType>application/pdf", "</AttachmentName><ContentType>application/zip")]),
    (Tolerance.T15, [("<edXML:ContentId>cid:a1", "<edXML:ContentId>a1")]),
    (Tolerance.T15, [("<ContentId>cid:a1", "<ContentId>cid:CID: a1")]),
    (Tolerance.T16, [("edXML:edXMLManifest", "edXML:Manifest")]),
    (Tolerance.T17, [("<edXML xmlns", "<EdXML xmlns"), ("</edXML>", "</EdXML>")]),
    (Tolerance.T17, [(f'<edXML xmlns="{NS}">', ""), ("</edXML>", ""), ("  </edXML:edXMLEnvelope>\n", ""),
                     ("</AttachmentEncoded>", "</AttachmentEncoded></edXML:edXMLEnvelope>"),
                     ("edXML:edXMLEnvelope", "edXML:EdXMLEnvelope"),
                     ("<edXML:EdXMLEnvelope ", f'<edXML:EdXMLEnvelope xmlns="{NS}" ')]),
    (Tolerance.T18, [("<edXML:Subject>", "<edXML:Novelty><edXML:Subject>x</edXML:Subject></edXML:Novelty><edXML:Subject>")]),
    (Tolerance.T18, [("<edXML:Subject>", '<y:Subject xmlns:y="urn:y">other</y:Subject><edXML:Subject>')]),
    (Tolerance.T19, [("<edXML:SteeringType>1", "<edXML:SteeringType>")]),
    (Tolerance.T19, [("<edXML:SteeringType>1", "<edXML:SteeringType>9")]),
    (Tolerance.T19, [("<edXML:PageAmount>3", "<edXML:PageAmount>ba trang")]),
    (Tolerance.T19, [("<edXML:PageAmount>3", "<edXML:PageAmount>-3")]),
    (Tolerance.T19, [("<edXML:PageAmount>3</edXML:PageAmount>", "<edXML:Direction>maybe</edXML:Direction>")]),
    (Tolerance.T20, [("<edXML:Type>2", "<edXML:Type>1")]),
    (Tolerance.T20, [("<edXML:Type>2", "<edXML:Type>7")]),
    (Tolerance.T22, [("<edXML:Reference>", '<edXML:Reference xlink:href="cid:a1">')]),
    (Tolerance.T22, [(f"<edXML:ContentTransferEncoded{DECLARED}>", "<edXML:ContentTransferEncoded>")]),
    (Tolerance.T22, [("<edXML:Subject>", "<z:Subject>other</z:Subject><edXML:Subject>")]),
    (Tolerance.T23, [("H29.901.01", "vxp.saas.03")]),
    (Tolerance.T23, [("H29.901.01", "28.22.H17")]),
    (Tolerance.T24, [("<edXML:OrganName>Sở Một", "<edXML:OrganName> Sở Một")]),
]  # fmt: skip


def essence(envelope: Envelope) -> tuple[object, ...]:
    """What no tolerance may change."""
    return (
        envelope.sender.code,
        envelope.sender.name,
        envelope.document_id,
        envelope.number,
        envelope.notation,
        envelope.promulgation_date,
        envelope.type.name,
        envelope.subject,
        envelope.signer.full_name,
        envelope.due_date,
        envelope.kind,
        [
            (part.content_id, part.name, part.content_type, part.size_bytes, part.sha256)
            for part in envelope.attachments
        ],
    )


@pytest.mark.parametrize("changes", SILENT)
def test_ordinary_variety_is_not_even_noted(document, read, changes) -> None:
    parsed = read(document(*changes))
    assert essence(parsed.message) == essence(read(document()).message)
    assert parsed.warnings == ()


@pytest.mark.parametrize(("tolerance", "changes"), NOTED, ids=[tolerance for tolerance, _ in NOTED])
def test_departures_are_noted_and_read(document, read, tolerance, changes) -> None:
    parsed = read(document(*changes))
    assert essence(parsed.message) == essence(read(document()).message)
    assert tolerance in parsed.warnings


def test_a_package_as_the_profile_wants_it_needs_no_tolerance(document, status, read) -> None:
    assert read(document()).warnings == ()
    assert read(status(), strict=True).warnings == ()


@pytest.mark.parametrize("changes", [[("<?xml", "1<?xml")], [("<edXML:Subject>", '<edXML:Subject q:a="">')],
                                     [('encoding="UTF-8"', 'encoding="utf-16"')]])  # fmt: skip
def test_strict_reading_refuses_what_is_no_xml(document, refusal, changes) -> None:
    assert refusal(document(*changes), strict=True).reason is Reason.E_XML


def test_an_old_manifest_points_with_an_attribute(document, read) -> None:
    changes = [("<edXML:Reference><edXML:ContentId>cid:a1</edXML:ContentId>", '<edXML:Reference xlink:href="cid:a1">')]
    parsed = read(document(*changes))
    assert parsed.message.attachments[0].content_id == "a1"
    assert parsed.warnings == (Tolerance.T22,)


def test_unknown_hops_keep_their_place(document, read) -> None:
    hop = "<edXML:TraceHeader><edXML:Timestamp>2026/11/20 08:00:00</edXML:Timestamp></edXML:TraceHeader>"
    parsed = read(document(("<edXML:TraceHeader>", hop + "<edXML:TraceHeader>")))
    assert [found.unit for found in parsed.message.hops] == [None, "000.00.14.H29"]
    assert parsed.message.hops[0] == Hop(unit=None, at=parsed.message.hops[0].at)


@pytest.mark.parametrize(("value", "priority"), [("", 0), ("khẩn", 0), ("2.0", 0), ("4", 4), (" 3 ", 3)])
def test_urgency_is_a_number_or_normal(document, read, value, priority) -> None:
    parsed = read(document(("<edXML:Priority>1", f"<edXML:Priority>{value}")))
    assert parsed.message.other.priority is Priority(priority)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le-bom", "us-ascii", "iso-8859-1", "utf8"])
def test_encodings_that_the_parser_knows_itself(document, read, encoding) -> None:
    text = document().decode()
    plain = text.replace("UTF-8", encoding).encode("ascii", "xmlcharrefreplace")
    wide = text.replace("UTF-8", "utf-16").encode("utf-16")
    assert read(wide if "16" in encoding else plain).message == read(document()).message


def recall(*changes: tuple[str, str]) -> list[tuple[str, str]]:
    reason = "<edXML:BussinessDocReason>Sai số</edXML:BussinessDocReason><edXML:DocumentId>X-1</edXML:DocumentId>"
    return [("DocType>0</edXML:BussinessDocType>", f"DocType>1</edXML:BussinessDocType>{reason}"), *changes]


def test_a_recall_may_say_only_what_it_takes_back(document, read) -> None:
    text = document(*recall()).decode()
    start, end = text.index("<edXML:DocumentId>000"), text.index("</edXML:MessageHeader>")
    text = text[:start] + text[end:]
    text = text[: text.index("<edXML:edXMLBody>")] + "</edXML:edXMLEnvelope></edXML>"
    parsed = read(text.encode())
    envelope = parsed.message
    assert envelope.kind is PackageKind.RECALL
    assert (envelope.document_id, envelope.business.target) == ("X-1", "X-1")
    assert (envelope.number, envelope.subject, envelope.type.name, envelope.signer.full_name) == ("", "", "", "")
    assert envelope.promulgation_date == UNKNOWN_DATE
    assert envelope.attachments == ()
    assert parsed.warnings == (Tolerance.T9,)


def test_replaced_documents_are_named_once(document, read) -> None:
    item = "<edXML:ReplacementInfo><edXML:DocumentId>{}</edXML:DocumentId><edXML:OrganIdList>{}</edXML:OrganIdList></edXML:ReplacementInfo>"
    units = "<edXML:OrganId>{}</edXML:OrganId>".format
    replaced = (
        item.format("D1", units("A") + units("B"))
        + item.format("D2", units("A"))
        + item.format("D1", units("B") + units("C"))
    )
    inside = f"<edXML:BussinessDocReason>r</edXML:BussinessDocReason><edXML:ReplacementInfoList>{replaced}</edXML:ReplacementInfoList>"
    change = ("DocType>0</edXML:BussinessDocType>", f"DocType>3</edXML:BussinessDocType>{inside}")
    business = read(document(change)).message.business
    assert [(one.document_id, one.units) for one in business.replacements] == [("D1", ("A", "B", "C")), ("D2", ("A",))]


def test_an_answered_document_may_be_half_known(document, read) -> None:
    answered = "<edXML:ResponseFor><edXML:Code>7/CV</edXML:Code></edXML:ResponseFor>"
    parsed = read(document(("<edXML:SteeringType>", answered + "<edXML:SteeringType>")))
    assert (parsed.message.response_for[0].unit, parsed.message.response_for[0].code) == ("", "7/CV")
    assert Tolerance.T9 in parsed.warnings


def test_a_status_in_the_other_dialect(status, read) -> None:
    changes = [
        ("2026/11/20 10:30:00", "20/11/2026 10:30:00"),
        ("<edXML:PromulgationDate>2026/11/20", "<edXML:PromulgationDate>20/11/2026"),
    ]
    parsed = read(status(*changes))
    assert isinstance(parsed.message, StatusReport)
    assert parsed.message.at.isoformat() == "2026-11-20T10:30:00+07:00"
    assert parsed.message.response_for.promulgation_date == date(2026, 11, 20)
    assert parsed.warnings == (Tolerance.T12,)


def test_a_status_needs_no_description_unless_it_refuses(status, read) -> None:
    parsed = read(status(("StatusCode>02", "StatusCode>03"), ("Sai nơi nhận", "")))
    assert parsed.message.description is None
