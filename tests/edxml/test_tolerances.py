"""Each departure that is put up with: what is read in spite of it, and what is noted."""

# ruff: noqa: E501  (XML is easier to compare unbroken)

import unicodedata
from datetime import date

import pytest

from common.domain.envelope import UNKNOWN_DATE, Envelope, Hop, Replacement, StatusReport
from common.domain.ids import concerned_documents, document_key
from common.domain.names import PackageKind, Priority
from common.domain.reason import Reason
from common.edxml import Tolerance, Unreadable
from common.edxml.business import _merged

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
    assert [each.unit for each in parsed.message.hops] == [None, "000.00.14.H29"]
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


# Identifiers: compared in one form, kept as they were sent

ID = "000.00.14.H29,2026/11/20,15/TB-TEST"
VIETNAMESE = "000.00.14.H29,2026/11/20,15/QĐ-UBND Thủ Đức"
SAME_ID = {
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
    "zero width space inside": lambda text: f"{text[:4]}\u200b{text[4:]}",
    "zero width space around": lambda text: f"\u200b{text}\u200b",
    "byte order mark": lambda text: f"\ufeff{text}",
    "soft hyphen, joiner, direction": lambda text: f"\u00ad{text[:9]}\u200d\u202e{text[9:]}\u2060",
    "no-break space behind": lambda text: f"{text}\u200b\u00a0",
    "variation selector, filler": lambda text: f"{text[:3]}\ufe0f{text[3:]}\u3164",
    "all at once": lambda text: f"\u200b {unicodedata.normalize('NFD', text)}\ufeff",
}
OTHER_ID = [
    "000.00.14.H29,2026/11/20,15/QD-UBND Thủ Đức",
    "000.00.14.H29,2026/11/20,15/QĐ-UBND  Thủ Đức",
    VIETNAMESE.lower(),
]


@pytest.mark.parametrize("how", SAME_ID)
def test_ids_that_look_the_same_are_the_same_document(document, status, read, how) -> None:
    sent = SAME_ID[how](VIETNAMESE)
    assert sent != VIETNAMESE
    one, twin = (read(document((ID, text))) for text in (VIETNAMESE, sent))
    answer = read(status((ID, sent)))
    key = document_key(one.message.sender.code, one.message.document_id)
    assert document_key(twin.message.sender.code, twin.message.document_id) == key
    assert [document_key(*each) for each in concerned_documents(answer.message)] == [key]
    assert (one.warnings, twin.warnings) == ((), (Tolerance.T25,))
    assert Tolerance.T25 in answer.warnings
    assert twin.message.document_id == sent.strip()
    assert answer.message.response_for.document_id == sent.strip()


@pytest.mark.parametrize("other", OTHER_ID)
def test_ids_that_look_different_are_different(other) -> None:
    assert document_key("000.00.14.H29", other) != document_key("000.00.14.H29", VIETNAMESE)


def test_an_id_that_nobody_sees_is_missing(document, status, read) -> None:
    for package in (document((ID, "\u200b\u00ad")), status((ID, "\ufeff"))):
        with pytest.raises(Unreadable) as refused:
            read(package)
        assert refused.value.reason is Reason.E_REQ


@pytest.mark.parametrize("how", ["zero width space inside", "zero width space around", "byte order mark"])
def test_codes_of_units_are_read_as_the_directory_spells_them(document, read, how) -> None:
    parsed = read(document(("<edXML:OrganId>000.00.14.H29", f"<edXML:OrganId>{SAME_ID[how]('000.00.14.H29')}")))
    assert parsed.message.sender.code == "000.00.14.H29"
    assert Tolerance.T25 in parsed.warnings


def test_the_sender_of_an_unreadable_package_is_named_in_the_same_form(document, read) -> None:
    broken = [("<edXML:OrganId>000.00.14.H29", "<edXML:OrganId>\u200b000.00.14.H29"), ("<edXML:Subject>", "<edXML:x>")]
    with pytest.raises(Unreadable) as refused:
        read(document(*broken))
    assert refused.value.sender == "000.00.14.H29"


def test_one_unit_in_two_spellings_is_named_twice(document, read) -> None:
    twice = "</edXML:To><edXML:To><edXML:OrganId>H29.901\u200b.01</edXML:OrganId></edXML:To>"
    with pytest.raises(Unreadable) as refused:
        read(document(("</edXML:To>", twice)))
    assert refused.value.reason is Reason.E_TO


def test_replacements_of_one_document_are_one() -> None:
    named = (
        Replacement(document_id=VIETNAMESE, units=("A",)),
        Replacement(document_id=SAME_ID["decomposed"](VIETNAMESE), units=("B",)),
    )
    assert _merged(named) == (Replacement(document_id=VIETNAMESE, units=("A", "B")),)


def test_contents_are_found_by_ids_that_look_the_same(document, read) -> None:
    parsed = read(document(("<edXML:ContentId>cid:a1", "<edXML:ContentId>cid:a\u200b1")))
    assert Tolerance.T25 in parsed.warnings
    assert len(parsed.files) == 1


@pytest.mark.parametrize(
    ("sent", "tolerance"), [("2", Tolerance.T26), ("002", Tolerance.T26), ("\u200b02", Tolerance.T25), ("02", None)]
)
def test_codes_with_more_or_fewer_zeros(status, read, sent, tolerance) -> None:
    parsed = read(status(("<edXML:StatusCode>02", f"<edXML:StatusCode>{sent}")))
    assert parsed.message.code == "02"
    assert (tolerance in parsed.warnings) is (tolerance is not None)


@pytest.mark.parametrize("sent", ["0", "00", "7", "20", "2.0", "０2", "-2", "2a", "٢"])
def test_codes_that_are_no_codes(status, read, sent) -> None:
    with pytest.raises(Unreadable) as refused:
        read(status(("<edXML:StatusCode>02", f"<edXML:StatusCode>{sent}")))
    assert refused.value.reason is Reason.E_ENUM


@pytest.mark.parametrize(("sent", "kind"), [("00", PackageKind.NEW), ("0", PackageKind.NEW)])
def test_the_kind_of_business_with_zeros(document, read, sent, kind) -> None:
    parsed = read(document(("<edXML:BussinessDocType>0", f"<edXML:BussinessDocType>{sent}")))
    assert parsed.message.kind is kind
