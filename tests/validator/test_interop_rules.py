"""What files of other makers hold (the test documents of EU DSS, pyHanko, PyMuPDF and pdfcpu were read for it) is
accepted; beside each case what it must not let in."""

import re
import struct
from collections.abc import Callable
from typing import Any

import pytest
from asn1crypto import cms
from pyhanko.pdf_utils import generic

from common.domain.reason import Reason
from mint.attacks.forge import ROOM, message, prepared, resigned, sign_quietly, without_attribute
from mint.attacks.raw import (
    ROW_OF_ZERO,
    appended,
    body_of,
    last_table,
    page,
    plain,
    root_of,
    size_of,
    stream,
    text,
    with_entry,
)
from mint.ltv import add_validation_data
from mint.sign import sign
from mint.tagged import tagged
from mint.tamper import BYTE_RANGE, hole
from mint.tsa import add_document_time_stamp, time_authority
from validator.checks.parse import parse
from validator.policy import DEFAULT
from validator.report.vocabulary import Integrity

from .conftest import NOW, Harness
from .test_difference_rules import Writer, accepted, dictionary, name, refused, sign_with

TOOL = b"<< /Length 2 >>\nstream\n0\n\nendstream"


@pytest.fixture(scope="module")
def paper() -> bytes:
    return tagged(2, font_bytes=300, paragraph_words=3)


def _twice(harness: Harness, paper: bytes) -> bytes:
    return sign(sign(paper, harness.sender.signer, NOW, field="A"), harness.sender.seal, NOW, field="B")


@pytest.fixture(scope="module")
def twice(harness: Harness, paper: bytes) -> bytes:
    return _twice(harness, paper)


# metadata: several descriptions of one thing; the identifier of the instance

HEAD = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
)
FOOT = b'</rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
NAMES = b'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"'
NAMES += b' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/"'
UUID = b"uuid:2f1f216c-83d0-7043-a9b7-66b08b879f72"


def _properties(**properties: bytes) -> bytes:
    """A description for each property, as word processors write them."""
    parts = (
        b'<rdf:Description rdf:about="" %s><%s>%s</%s></rdf:Description>' % (NAMES, key, value, key)
        for key, value in ((key.replace("_", ":").encode(), value) for key, value in properties.items())
    )
    return HEAD + b"".join(parts) + FOOT


def _as_stream(data: bytes) -> bytes:
    return stream(data, b"/Type /Metadata /Subtype /XML")


SAID = {"pdf_Producer": b"Word", "xmp_ModifyDate": b"2026-07-01T10:00:00+07:00", "xmpMM_InstanceID": UUID}
METADATA = 90


def _described(harness: Harness, paper: bytes, data: bytes) -> bytes:
    catalog = with_entry(body_of(paper, root_of(paper)), b"/Metadata %d 0 R" % METADATA)
    quiet = appended(paper, {root_of(paper): catalog, METADATA: _as_stream(data)})
    return _twice(harness, quiet)


def _renewed(document: bytes, data: bytes) -> bytes:
    """The metadata written anew behind the last signature."""
    number = int(re.findall(rb"/Metadata (\d+) 0 R", document)[-1])
    return appended(document, {number: _as_stream(data)})


@pytest.fixture(scope="module")
def described(harness: Harness, paper: bytes) -> bytes:
    return _described(harness, paper, _properties(**SAID))


RENEWALS = {
    "date": {"xmp_ModifyDate": b"2026-07-02T10:00:00+07:00"},
    "instance": {"xmpMM_InstanceID": UUID.replace(b"2f1f", b"0000")},
    "first identifier": {"xmpMM_DocumentID": UUID, "dc_format": b"application/pdf"},
}
OTHERS = {
    "title": {"dc_title": b"Khac"},
    "instance that is none": {"xmpMM_InstanceID": b"uuid: chi 500 ty dong"},
    "identifier that is none": {"xmpMM_DocumentID": b"chi 500 ty dong"},
    "date that is none": {"xmp_ModifyDate": b"chi 500 ty dong"},
    "format that is none": {"dc_format": b"chi 500 ty dong"},
}


@pytest.mark.parametrize("change", RENEWALS.values(), ids=RENEWALS)
def test_metadata_renewed(harness: Harness, described: bytes, change: dict[str, bytes]) -> None:
    assert accepted(harness, _renewed(described, _properties(**SAID | change)))


@pytest.mark.parametrize("change", OTHERS.values(), ids=OTHERS)
def test_metadata_that_say_something_else(harness: Harness, described: bytes, change: dict[str, bytes]) -> None:
    assert refused(harness, _renewed(described, _properties(**SAID | change)))


def test_identifier_of_the_document_exchanged(harness: Harness, paper: bytes) -> None:
    document = _described(harness, paper, _properties(**SAID, xmpMM_DocumentID=UUID))
    assert refused(harness, _renewed(document, _properties(**SAID, xmpMM_DocumentID=UUID.replace(b"2f", b"00"))))


def test_metadata_that_say_two_things(harness: Harness, described: bytes) -> None:
    both = _properties(**SAID).replace(FOOT, _properties(pdf_Producer=b"Khac")[len(HEAD) :])
    assert refused(harness, _renewed(described, both))


def test_metadata_that_nobody_can_read(harness: Harness, paper: bytes) -> None:
    """Kept as they are they say what they said; written anew nobody knows."""
    catalog = with_entry(body_of(paper, root_of(paper)), b"/Metadata %d 0 R" % METADATA)
    quiet = appended(paper, {root_of(paper): catalog, METADATA: _as_stream(b"<x:xmpmeta>")})
    document = sign_quietly(quiet, harness.sender.seal, NOW, field="A")
    assert harness.judge(_renewed(document, b"<x:xmpmeta>")).report.integrity is Integrity.INTACT
    assert harness.judge(_renewed(document, b"<x:xmpmeta >")).report.integrity is Integrity.TAMPERED


# a trailer's own entry names the number that comes next


def _awaiting(paper: bytes, number: int) -> bytes:
    entries = b"/AdditionalStreams [/application#2Fvnd.oasis.opendocument.text %d 0 R]"
    return appended(paper, {}, more=entries % number)


def test_number_that_a_trailer_names_is_given_out(harness: Harness, paper: bytes) -> None:
    """The second signature's field gets it: the library leaves one number out."""
    number = size_of(sign(paper, harness.sender.signer, NOW, field="A")) + 1
    document = _twice(harness, _awaiting(paper, number))
    assert re.search(rb"\n%d 0 obj" % number, document)
    assert accepted(harness, document)


def test_what_a_trailer_names_comes_behind_the_signatures(harness: Harness, paper: bytes, twice: bytes) -> None:
    """A program that looks there would open it instead of the document; where nothing names it, it is nothing."""
    number = size_of(twice)
    document = _twice(harness, _awaiting(paper, number))
    assert size_of(document) == number
    assert accepted(harness, appended(twice, {number: TOOL}))
    assert refused(harness, appended(document, {number: TOOL}))


# validation data


@pytest.mark.parametrize(
    ("name", "is_name"),
    [(b"A1" * 20, True), (b"a1" * 20, True), (b"A1" * 32, True), (b"A1" * 25, False), (b"Z1" * 20, False)],
)
def test_name_of_an_entry_of_validation_data(harness: Harness, twice: bytes, name: bytes, is_name: bool) -> None:
    """Hexadecimal digits of a digest."""
    entries = b"<< /VRI << /%s << >> >> >>" % name
    catalog = with_entry(body_of(twice, root_of(twice)), b"/DSS " + entries)
    document = appended(twice, {root_of(twice): catalog})
    assert (accepted if is_name else refused)(harness, document)


def test_store_of_entries_left_lying(harness: Harness, twice: bytes) -> None:
    entry = b"/" + b"A1" * 20
    assert accepted(harness, appended(twice, {98: b"<< /Type /VRI %s 97 0 R >>" % entry, 97: TOOL}))
    assert refused(harness, appended(twice, {98: b"<< /Type /Page %s 97 0 R >>" % entry, 97: TOOL}))


# a cross-reference stream beside the table


def _beside(document: bytes, change: Callable[[dict[str, Any]], None] = lambda table: None) -> bytes:
    """An update whose table lists an object and a stream that says the same as the table."""
    number, own = size_of(document), size_of(document) + 1
    table: dict[str, Any] = {
        "root": root_of(document), "previous": last_table(document), "size": own + 1, "more": b"",
        "rows": [(0, 0, 255), (1, len(document), 0)], "index": (0, 1, number, 1),
    }  # fmt: skip
    change(table)
    rows = b"".join(struct.pack(">BIB", *row) for row in table["rows"])
    entries = b"/Type /XRef /W [1 4 1] /Index [%d %d %d %d] /Size %d /Root %d 0 R /Prev %d %s" % (
        *table["index"], table["size"], table["root"], table["previous"], table["more"]
    )  # fmt: skip
    information = b"/Info %s 0 R" % info[1] if (info := re.search(rb"/Info (\d+) 0 R", document)) else b""
    return appended(document, {number: TOOL, own: stream(rows, entries + information)}, more=information)


STREAM_ATTACKS: dict[str, Callable[[dict[str, Any]], None]] = {
    "another place": lambda table: table.update(rows=[(0, 0, 255), (1, 15, 0)]),
    "another object": lambda table: table.update(index=(0, 1, 4, 1)),
    "another generation": lambda table: table.update(rows=[table["rows"][0], (*table["rows"][1][:2], 1)]),
    "inside of a stream": lambda table: table.update(rows=[table["rows"][0], (2, *table["rows"][1][1:])]),
    "another root": lambda table: table.update(root=table["root"] + 1),
    "another table before": lambda table: table.update(previous=15),
    "more rows than there are": lambda table: table.update(index=(0, 1, table["index"][2], 500_000)),
    "another entry": lambda table: table.update(more=b"/Encrypt << >>"),
}


def test_stream_that_says_what_the_table_says(harness: Harness, twice: bytes) -> None:
    assert accepted(harness, _beside(twice))


@pytest.mark.parametrize("attack", STREAM_ATTACKS.values(), ids=STREAM_ATTACKS)
def test_stream_that_says_something_else(
    harness: Harness, twice: bytes, attack: Callable[[dict[str, Any]], None]
) -> None:
    assert refused(harness, _beside(twice, attack))


def test_stream_that_announces_rows_without_end(harness: Harness, twice: bytes) -> None:
    endless = _beside(twice, lambda table: table.update(index=(0, 1, table["index"][2], 2_000_000_000)))
    assert harness.judge(endless).report.reason is Reason.E_PDF_LIMIT


# the version of the tool in the page tree


def _version(value: Any, **more: Any) -> Callable[[Writer, Any], None]:
    def write(writer: Writer, _widget: Any) -> None:
        root = writer.root["/Pages"]
        root[name("/ITXT")] = value
        root.update({name("/" + key): each for key, each in more.items()})
        writer.update_container(root)

    return write


def test_version_of_the_tool_in_the_page_tree(harness: Harness, paper: bytes) -> None:
    once = sign(paper, harness.sender.signer, NOW, field="A")
    version = generic.TextStringObject("2.1.7")
    assert accepted(harness, sign_with(once, harness.sender.seal, _version(version)))
    assert refused(harness, sign_with(once, harness.sender.seal, _version(dictionary(Khac=version))))
    assert refused(harness, sign_with(once, harness.sender.seal, _version(version, Rotate=generic.NumberObject(90))))
    assert refused(harness, sign_with(once, harness.sender.seal, _version(version, Count=generic.NumberObject(1))))


# a linearized file signed in one go


def _halves(harness: Harness, *, content: bytes = text(b"Cong van")) -> bytes:
    """Signed by the unit; the table of the first page lies in front and names that of the rest."""
    document, places = b"%PDF-1.7\n", {}

    def add(number: int, body: bytes) -> None:
        nonlocal document
        places[number] = len(document)
        document += b"%d 0 obj\n%s\nendobj\n" % (number, body)

    def table(first: int, count: int, trailer: bytes, start: int) -> bytes:
        rows = b"".join(b"%010d 00000 n \n" % places.get(each, 0) for each in range(first, first + count))
        return b"xref\n%d %d\n%strailer\n<< %s >>\nstartxref\n%d\n%%%%EOF\n" % (first, count, rows, trailer, start)

    add(5, b"<< /Linearized 1 >>")
    front, trailer = len(document), b"/Size 9 /Root 6 0 R /Prev 0000000000"
    document += table(5, 4, trailer, 0)
    behind = len(document)
    add(6, b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [8 0 R] /SigFlags 3 >> >>")
    add(7, b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 3 0 R /Annots [8 0 R] /Resources << >> >>")
    add(8, b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (A) /Rect [0 0 0 0] /P 7 0 R /V 4 0 R /F 132 >>")
    add(1, b"null")
    add(2, b"<< /Type /Pages /Count 1 /Kids [7 0 R] >>")
    add(3, stream(content))
    add(
        4,
        b"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /adbe.pkcs7.detached /M (D:20260701100000+07'00') %s >>"
        % ROOM,
    )
    main = len(document)
    rest = b"xref\n0 5\n" + ROW_OF_ZERO + b"".join(b"%010d 00000 n \n" % places[each] for each in range(1, 5))
    document += rest + b"trailer\n<< /Size 5 >>\nstartxref\n%d\n%%%%EOF\n" % front
    front_table = table(5, 4, trailer.replace(b"0000000000", b"%010d" % main), 0)
    document = document[:front] + front_table + document[behind:]
    return resigned(prepared(document), lambda digest: message(harness.sender.seal, digest, NOW))


def test_linearized_file_signed_in_one_go(harness: Harness) -> None:
    document = _halves(harness)
    assert harness.judge(document).report.integrity is Integrity.INTACT
    assert harness.judge(document, declared_copy=True).report.signatures[0].reason is None
    later = add_document_time_stamp(document, time_authority(harness.city.authority), NOW)
    assert harness.judge(later).report.integrity is Integrity.INTACT


def test_linearized_file_changed_later(harness: Harness) -> None:
    document = _halves(harness)
    changed = appended(document, {3: stream(text(b"Khac"))}, previous=int(document.split(b"startxref")[-1].split()[0]))
    assert refused(harness, changed)


@pytest.mark.parametrize("head", [b"<< /Linearized 1 >>", b"<< >>"])
def test_table_in_front_that_a_later_end_brings_up(harness: Harness, head: bytes) -> None:
    """A stream of the signed file holds a table that shows another page; an end that leads there is put behind it."""
    other = b"4 0 obj\n%s\nendobj\n" % stream(text(b"500 ty dong"))
    table = b"xref\n4 1\n%010d 00000 n \ntrailer\n<< /Size 8 /Root 1 0 R /Prev %010d >>\n" % (0, 0)
    objects = {
        7: head,
        4: stream(text(b"5 dong") + other + table),
        1: b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [6 0 R] /SigFlags 3 >> >>",
        2: b"<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Annots [6 0 R] /Resources << >> >>",
        5: b"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /adbe.pkcs7.detached %s >>" % ROOM,
        6: b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (A) /Rect [0 0 0 0] /P 3 0 R /V 5 0 R /F 132 >>",
    }
    document = plain(objects)
    hidden = table.replace(b"0" * 10, b"%010d" % document.index(other), 1).replace(
        b"0" * 10, b"%010d" % last_table(document), 1
    )
    signed = resigned(
        prepared(document.replace(table, hidden)), lambda digest: message(harness.sender.seal, digest, NOW)
    )
    assert harness.judge(signed).report.integrity is Integrity.INTACT
    attack = signed + b"startxref\n%d\n%%%%EOF\n" % signed.index(hidden)
    assert b"500 ty dong" in parse(attack, DEFAULT).root["/Pages"]["/Kids"][0]["/Contents"].data
    assert harness.judge(attack).report.integrity is Integrity.TAMPERED


# certificates


def test_certificate_that_cannot_be_read_whole(harness: Harness) -> None:
    """The document is what was signed; by whom, nobody can say."""
    version, unknown = b"\xa0\x03\x02\x01\x02", b"\xa0\x03\x02\x01\x07"
    quiet = without_attribute("signing_certificate_v2")
    signature_of = lambda digest: message(harness.sender.seal, digest, NOW, change=quiet)  # noqa: E731
    document = resigned(harness.signed, lambda digest: signature_of(digest).replace(version, unknown))
    report = harness.judge(document).report
    assert (report.integrity, report.reason, report.step) == (Integrity.INTACT, Reason.E_SIG_CERT_FORMAT, 6)


# time stamps


def _without_certificates(document: bytes) -> bytes:
    """The last message without its certificates, which the store may hold instead."""
    start, end = hole(document, -1)
    content = cms.ContentInfo.load(bytes.fromhex(document[start + 1 : end - 1].decode()), strict=False)
    content["content"]["certificates"] = None
    value = content.dump(force=True).hex().encode().ljust(end - start - 2, b"0")
    return document[: start + 1] + value + document[end - 1 :]


def test_certificate_of_a_time_stamp_in_the_store(harness: Harness, twice: bytes) -> None:
    tsa = time_authority(harness.city.authority)
    with_certificate = add_validation_data(twice, [tsa.identity], [])
    assert accepted(harness, _without_certificates(add_document_time_stamp(with_certificate, tsa, NOW)))
    assert not harness.judge(_without_certificates(add_document_time_stamp(twice, tsa, NOW))).report.trusted
    stranger = add_validation_data(twice, [harness.sender.seal], [])
    assert not harness.judge(_without_certificates(add_document_time_stamp(stranger, tsa, NOW))).report.trusted


def test_certificate_of_a_signature_in_the_store(harness: Harness, twice: bytes) -> None:
    """For signatures the message must say who signed."""
    with_certificate = add_validation_data(sign(twice, harness.sender.seal, NOW, field="C"), [harness.sender.seal], [])
    assert len(BYTE_RANGE.findall(with_certificate)) == 3
    assert not harness.judge(_without_certificates(with_certificate)).report.trusted


def test_time_stamp_in_a_rectangle_without_appearance(harness: Harness, paper: bytes) -> None:
    """A field that was there before is filled; nothing is drawn in it. One that brings a drawing: test_time."""
    field = b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (TG) /F 132 /Rect [0 0 50 50] %s >>"
    for drawn, judge in ((b"", accepted), (b"/MK << /BG [1 1 1] >>", refused)):
        number = size_of(paper)
        catalog = with_entry(body_of(paper, root_of(paper)), b"/AcroForm << /Fields [%d 0 R] >>" % number)
        document = _twice(harness, appended(paper, {root_of(paper): catalog, number: field % drawn}))
        assert judge(
            harness, add_document_time_stamp(document, time_authority(harness.city.authority), NOW, field="TG")
        )


# updates without changes; the first document information


def test_update_without_changes_says_a_size_of_one(harness: Harness, twice: bytes) -> None:
    empty, root, size = appended(twice, {}, size=1), root_of(twice), size_of(twice)
    assert accepted(harness, empty)
    catalog = with_entry(body_of(twice, root), b"/DSS << /Certs [%d 0 R] >>" % size)
    assert accepted(harness, appended(empty, {root: catalog, size: TOOL}, size=size + 1))
    assert not harness.judge(appended(twice, {root: body_of(twice, root)}, size=root + 1)).report.trusted


def _twice_quietly(harness: Harness, document: bytes) -> bytes:
    """Signed by tools that write neither document information nor metadata."""
    once = sign_quietly(document, harness.sender.signer, NOW, field="A")
    return sign_quietly(once, harness.sender.seal, NOW, field="B")


INFORMATION = {
    b"/CreationDate (D:20260701) /Producer (cong cu)": accepted,
    b"/CreationDate (D:20260701) /Title (khac)": refused,
    b"/CreationDate (chi 500 ty dong)": refused,
}


@pytest.mark.parametrize("entries", INFORMATION)
def test_first_document_information(harness: Harness, entries: bytes) -> None:
    quiet = _twice_quietly(harness, page())
    assert b"/Info" not in quiet
    number = size_of(quiet)
    document = appended(quiet, {number: b"<< %s >>" % entries}, more=b"/Info %d 0 R" % number)
    assert INFORMATION[entries](harness, document)
