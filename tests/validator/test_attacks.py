"""Attacks that need more than one edit, and the promise that hostile bytes never raise and never pass."""

import io
import random
import re
import time

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm

from common.domain.reason import Reason
from mint.attacks.raw import page
from mint.ltv import add_validation_data
from mint.sign import add_empty_fields, sign
from mint.tamper import TAMPERS, hole, revision_end
from validator.policy import Policy
from validator.report.decision import Refused, Verified

from .conftest import NOW, Harness

CPU_SECONDS = 20.0
"""Of the slowest answer on a busy machine; most take a hundredth."""


def _written(writer: IncrementalPdfFileWriter) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _other_text(number: int) -> bytes:
    text = b"BT 72 72 Td (Da thay doi) Tj ET"
    return b"%d 0 obj\n<< /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (number, len(text), text)


def _moved_object(harness: Harness, offset: int) -> tuple[bytes, int]:
    """A letter whose page also shows an object that lies at ``offset``, far behind the end of what is signed."""
    writer = IncrementalPdfFileWriter(io.BytesIO(harness.letter))
    page = writer.root["/Pages"]["/Kids"][0].get_object()
    extra = writer.add_object(generic.StreamObject(stream_data=b"% nothing yet"))
    page[pdf_name("/Contents")] = generic.ArrayObject([page.raw_get("/Contents"), extra])
    writer.update_container(page)
    prepared = _written(writer)
    place = prepared.rindex(b"\n%d 0 obj" % extra.idnum) + 1
    return prepared.replace(b"%010d 00000 n" % place, b"%010d 00000 n" % offset), extra.idnum


def _hand_made_update(document: bytes, body: bytes, rows: bytes = b"0 0\n", more: bytes = b"") -> bytes:
    """An update with a classic table; ``rows`` = what the table admits to."""
    document += body
    root = re.findall(rb"/Root (\d+) 0 R", document)[-1]
    size = max(int(size) for size in re.findall(rb"/Size (\d+)", document))
    previous = int(document[document.rindex(b"startxref", 0, len(document) - len(body)) :].split()[1])
    trailer = b"trailer\n<< /Size %d /Root %s 0 R /Prev %d %s >>" % (size, root, previous, more)
    return document + b"xref\n" + rows + trailer + b"\nstartxref\n%d\n%%%%EOF\n" % len(document)


def test_object_that_a_signed_offset_expects_behind_the_end(harness: Harness) -> None:
    """Shadow attack on offsets: what is signed points behind its own end, where bytes are put later."""
    far = 60_000
    prepared, number = _moved_object(harness, far)
    signed = harness.city.signed("000.00.14.H29", prepared)
    content = _other_text(number)
    for rows in (b"0 0\n", b"%d 1\n%010d 00000 n \n" % (number, far)):
        grown = _hand_made_update(signed, b"\n" * (far - len(signed)) + content, rows)
        decision = harness.judge(grown)
        assert isinstance(decision, Refused)
        assert decision.reason in (Reason.E_SIG_COVERAGE, Reason.E_SIG_CHANGED)
    assert not isinstance(harness.judge(signed), Verified)


def test_offset_attack_between_signer_and_unit(harness: Harness) -> None:
    """The same, with the bytes added before the unit seals: the signer never saw them."""
    far = 60_000
    prepared, number = _moved_object(harness, far)
    signed = sign(prepared, harness.sender.signer, NOW, field="A")
    grown = _hand_made_update(signed, b"\n" * (far - len(signed)) + _other_text(number))
    sealed = sign(grown, harness.sender.seal, NOW, field="B")
    decision = harness.judge(sealed)
    assert isinstance(decision, Refused)
    assert decision.reason is Reason.E_SIG_COVERAGE
    assert "reaches past" in decision.detail


def _plain_pdf(objects: dict[int, bytes], more: bytes) -> bytes:
    out, rows = b"%PDF-1.7\n", [b"0000000000 65535 f \n"]
    for number, body in objects.items():
        rows.append(b"%010d 00000 n \n" % len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R %s >>" % (len(rows), more)
    return out + b"xref\n0 %d\n" % len(rows) + b"".join(rows) + trailer + b"\nstartxref\n%d\n%%%%EOF\n" % len(out)


def test_length_of_a_signed_stream_set_later(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stream's length is an object that an update may replace, because it poses as document information."""
    monkeypatch.setattr(IncrementalPdfFileWriter, "_update_meta", lambda _: None)
    visible, hidden = (
        b"BT /F1 12 Tf 72 600 Td (Dong y) Tj ET",
        b"\nendstream\nendobj\n BT 72 500 Td (500 ty dong) Tj ET",
    )
    page = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << >> /Contents 4 0 R >>"
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: page,
        4: b"<< /Length 5 0 R >>\nstream\n%s\nendstream" % (visible + hidden),
        5: b"%d" % len(visible),
    }
    signed = sign(_plain_pdf(objects, b"/Info 5 0 R"), harness.sender.signer, NOW, field="A")
    assert isinstance(harness.judge(sign(signed, harness.sender.seal, NOW, field="B")), Verified)
    longer = b"5 0 obj\n%d\nendobj\n" % len(visible + hidden)
    grown = _hand_made_update(signed, longer, b"5 1\n%010d 00000 n \n" % len(signed), b"/Info 5 0 R")
    decision = harness.judge(sign(grown, harness.sender.seal, NOW, field="B"))
    assert isinstance(decision, Refused)
    assert decision.reason is Reason.E_SIG_COVERAGE, decision
    assert "object 4 reaches past" in decision.detail


def test_form_of_a_sealed_copy_changed_by_an_update(harness: Harness) -> None:
    """The form written straight into the catalog, where no object of its own shows the change."""
    sealed = harness.city.certified_copy("000.00.14.H29", harness.scan)
    writer = IncrementalPdfFileWriter(io.BytesIO(sealed))
    form = generic.DictionaryObject(dict(writer.root["/AcroForm"].items()))
    form[pdf_name("/NeedAppearances")] = generic.BooleanObject(True)
    writer.root[pdf_name("/AcroForm")] = form
    writer.update_root()
    writer._update_meta = lambda: None
    decision = harness.judge(_written(writer), declared_copy=True)
    assert isinstance(decision, Refused)
    assert decision.reason is Reason.E_SIG_CHANGED


def test_unlisted_object_in_an_update_of_validation_data(harness: Harness) -> None:
    with_dss = add_validation_data(harness.signed, [harness.sender.seal], [])
    assert isinstance(harness.judge(with_dss), Verified)
    smuggled = _hand_made_update(harness.signed, b"4 0 obj\n<< /Type /Page >>\nendobj\n")
    decision = harness.judge(smuggled)
    assert isinstance(decision, Refused)
    assert decision.reason is Reason.E_SIG_COVERAGE


def test_validation_data_with_renewed_metadata(harness: Harness) -> None:
    """Tools renew the dates; nobody signs for anything else in the metadata behind the last signature."""
    document = add_validation_data(harness.signed, [harness.sender.seal], [], touch_metadata=True)
    assert isinstance(harness.judge(document), Verified)
    for old, new in ((b"</rdf:RDF>", b"</rdf:RDF><!-- -->"), (b"ModifyDate", b"Rating"), (b"</rdf:RDF>", b"</rdf:X>")):
        writer = IncrementalPdfFileWriter(io.BytesIO(document))
        stream = writer.root["/Metadata"]
        assert old in stream.data
        changed = generic.StreamObject(
            {pdf_name("/Type"): pdf_name("/Metadata"), pdf_name("/Subtype"): pdf_name("/XML")},
            stream_data=stream.data.replace(old, new),
        )
        writer.objects[(0, writer.root.raw_get("/Metadata").idnum)] = changed
        writer._update_meta = lambda: None
        decision = harness.judge(_written(writer))
        assert isinstance(decision, Refused), old
        assert decision.reason is Reason.E_SIG_CHANGED


def test_empty_field_laid_over_between_the_signatures(harness: Harness) -> None:
    signed = sign(harness.letter, harness.sender.signer, NOW, field="A")
    covered = add_empty_fields(signed, {"Che": (50, 50, 500, 700)})
    decision = harness.judge(sign(covered, harness.sender.seal, NOW, field="B"))
    assert isinstance(decision, Refused)
    assert decision.reason is Reason.E_SIG_CHANGED


@pytest.mark.parametrize("name", ["page_changed", "page_added", "annotation_laid_over", "javascript_added"])
def test_changes_between_the_signatures(harness: Harness, name: str) -> None:
    """The unit seals what its signer has not signed."""
    changed = TAMPERS[name].apply(sign(harness.letter, harness.sender.signer, NOW, field="A"))
    decision = harness.judge(sign(changed, harness.sender.seal, NOW, field="B"))
    assert isinstance(decision, Refused)
    assert decision.reason is Reason.E_SIG_CHANGED
    assert decision.report.signatures[0].field == "A"
    assert decision.report.signatures[0].reason is Reason.E_SIG_CHANGED


def test_signature_of_another_document(harness: Harness) -> None:
    """A CMS cut out of one document and put into another."""
    other = harness.city.signed("000.00.14.H29", harness.scan)
    mine, theirs = hole(harness.signed, -1), hole(other, -1)
    value = other[theirs[0] + 1 : theirs[1] - 1].rstrip(b"0").ljust(mine[1] - mine[0] - 2, b"0")
    forged = harness.signed[: mine[0] + 1] + value + harness.signed[mine[1] - 1 :]
    assert len(forged) == len(harness.signed)
    assert harness.judge(forged).reason is Reason.E_SIG_DIGEST  # type: ignore[union-attr]


def test_more_than_the_policy_allows(harness: Harness) -> None:
    for policy in (
        Policy(max_document_bytes=1000),
        Policy(max_revisions=2),
        Policy(max_signatures=1),
        Policy(max_objects=5),
    ):
        assert harness.judge(harness.signed, policy=policy).reason is Reason.E_PDF_LIMIT  # type: ignore[union-attr]


def test_nine_sound_signatures_are_too_many(harness: Harness) -> None:
    document = harness.letter
    for number in range(9):
        document = sign(document, harness.sender.signer, NOW, field=f"S{number}")
    assert harness.judge(document).reason is Reason.E_PDF_LIMIT  # type: ignore[union-attr]


def test_no_single_byte_can_be_changed(harness: Harness) -> None:
    """Outside of the hexadecimal strings, no changed byte passes; inside, nothing ever raises."""
    dice = random.Random(1)
    document = harness.signed
    holes = [hole(document, which) for which in (0, 1)]
    for _ in range(120):
        at = dice.randrange(len(document))
        changed = document[:at] + bytes([document[at] ^ (1 << dice.randrange(8))]) + document[at + 1 :]
        decision = harness.judge(changed)
        if not any(start <= at < end for start, end in holes):
            assert isinstance(decision, Refused), at


def test_broken_bytes_never_raise_and_never_pass(harness: Harness) -> None:
    dice = random.Random(2)
    document = harness.signed
    for _ in range(120):
        start = dice.randrange(len(document))
        end = min(len(document), start + dice.randrange(1, 400))
        piece = document[start:end]
        for changed in (
            document[:start] + document[end:],
            document[:start] + piece + piece + document[end:],
            document[:start] + dice.randbytes(len(piece)) + document[end:],
        ):
            if changed != document:
                assert not isinstance(harness.judge(changed), Verified)


def test_every_prefix_is_refused(harness: Harness) -> None:
    ends = {revision_end(harness.signed, 0), len(harness.signed)}
    for end in [*range(0, len(harness.signed), 997), *ends]:
        decision = harness.judge(harness.signed[:end])
        assert isinstance(decision, Verified) == (end == len(harness.signed))


@pytest.mark.parametrize("certify", [None, MDPPerm.FILL_FORMS])
def test_objects_that_name_the_next_one_twice(harness: Harness, certify: MDPPerm | None) -> None:
    """A thousand million ways through the file, which nothing walks."""
    objects = {number: b"[%d 0 R %d 0 R]" % (number + 1, number + 1) for number in range(90, 120)} | {120: b"5"}
    paper = page(entries=b"/Khac 90 0 R", objects=objects)
    signed = sign(paper, harness.sender.signer, NOW, field="A", certify=certify)
    began = time.process_time()
    assert isinstance(harness.judge(sign(signed, harness.sender.seal, NOW, field="B")), Verified)
    assert time.process_time() - began < CPU_SECONDS
