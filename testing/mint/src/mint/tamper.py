"""Wrong documents out of a right one: each a function from bytes to bytes, with the reason it must be refused for.

All take a PDF that signer and unit have signed with ``mint.sign.sign_pair``. The classes are those of the published
attacks on PDF signatures (universal forgery, incremental saving, signature wrapping, shadow, evil annotation).
Signatures with wrong certificates are not here, they need a certificate authority: see ``mint.wrong``.

Longer than 250 lines: it is a catalogue. Each function is one wrong document, and none needs another.
"""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import copy_into_new_writer

from common.domain.reason import Reason
from mint.sign import add_empty_fields

BYTE_RANGE = re.compile(rb"/ByteRange\s*\[\s*(\d+)\s+(\d+)\s+(\d+)\s+(\d+)\s*\]")


@dataclass(frozen=True, slots=True)
class Tamper:
    """One way to make a document wrong."""

    name: str
    apply: Callable[[bytes], bytes]
    reason: Reason
    """The one reason the validator must give."""


TAMPERS: dict[str, Tamper] = {}
"""All of them, by name."""

Wrongdoing = Callable[[bytes], bytes]


def tamper(reason: Reason) -> Callable[[Wrongdoing], Wrongdoing]:
    """Enter a function into the registry."""

    def enter(function: Wrongdoing) -> Wrongdoing:
        TAMPERS[function.__name__] = Tamper(function.__name__, function, reason)
        return function

    return enter


# the file


@tamper(Reason.E_PDF_FORMAT)
def empty_file(_pdf: bytes) -> bytes:
    """Nothing at all."""
    return b""


@tamper(Reason.E_PDF_FORMAT)
def not_a_pdf(_pdf: bytes) -> bytes:
    """A text file that is called a PDF."""
    return b"Cong van so 123/UBND-VP\n" * 100


@tamper(Reason.E_PDF_FORMAT)
def bytes_in_front(pdf: bytes) -> bytes:
    """Bytes before ``%PDF-``: offsets shift, and another program may see another file type."""
    return b"<html></html>\n" + pdf


@tamper(Reason.E_PDF_FORMAT)
def truncated(pdf: bytes) -> bytes:
    """The transfer broke off."""
    return pdf[: len(pdf) * 2 // 3]


@tamper(Reason.E_PDF_ENCRYPTED)
def encrypted(pdf: bytes) -> bytes:
    """Protected by a password."""
    writer = copy_into_new_writer(PdfFileReader(io.BytesIO(pdf)))
    writer.encrypt("secret")
    return _written(writer)


@tamper(Reason.E_PDF_FORMAT)
def bytes_behind_the_end(pdf: bytes) -> bytes:
    """Objects behind the last ``%%EOF``, which some readers pick up (incremental saving attack)."""
    return pdf + b"\n4 0 obj\n<< /Type /Page >>\nendobj\n"


@tamper(Reason.E_SIG_COVERAGE)
def bytes_and_the_old_end(pdf: bytes) -> bytes:
    """Objects behind the end, closed by a copy of the true ``startxref``: every parser sees the old file."""
    return pdf + b"4 0 obj\n<< /Type /Page >>\nendobj\n" + pdf[pdf.rindex(b"startxref") :]


@tamper(Reason.E_PDF_LIMIT)
def fifty_signatures(pdf: bytes) -> bytes:
    """Signature dictionaries without end, to keep a validator busy."""
    return pdf + b"\n".join(b"% /ByteRange [0 1 2 3]" for _ in range(50)) + b"\n%%EOF\n"


@tamper(Reason.E_PDF_LIMIT)
def a_thousand_revisions(pdf: bytes) -> bytes:
    """Incremental updates without end."""
    return pdf + pdf[pdf.rindex(b"startxref") :] * 1000


# the signed bytes


@tamper(Reason.E_SIG_DIGEST)
def one_byte_flipped(pdf: bytes) -> bytes:
    """One bit of the page's content stream."""
    at = pdf.index(b"stream", pdf.index(b"/FlateDecode")) + 20
    return _replaced(pdf, at, bytes([pdf[at] ^ 1]))


@tamper(Reason.E_SIG_VALUE)
def signature_value_changed(pdf: bytes) -> bytes:
    """The last bytes of the unit's CMS, which are the signature value itself."""
    start, end = hole(pdf, -1)
    at = start + len(pdf[start:end].rstrip(b"0>")) - 4
    return _replaced(pdf, at, b"0" if pdf[at : at + 1] != b"0" else b"1")


# updates after signing


@tamper(Reason.E_SIG_CHANGED)
def page_changed(pdf: bytes) -> bytes:
    """An unsigned, well-formed update that gives the first page another content."""
    return _updated(pdf, _overwrite_page)


@tamper(Reason.E_SIG_CHANGED)
def page_added(pdf: bytes) -> bytes:
    """An unsigned update with a second page."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        page = writer.root["/Pages"]["/Kids"][0].get_object()
        copy = generic.DictionaryObject({key: page.raw_get(key) for key in page if key != "/Annots"})
        writer.root["/Pages"]["/Kids"].append(writer.add_object(copy))
        writer.root["/Pages"]["/Count"] = generic.NumberObject(2)
        writer.update_container(writer.root["/Pages"]["/Kids"])
        writer.update_container(writer.root["/Pages"])

    return _updated(pdf, change)


@tamper(Reason.E_SIG_CHANGED)
def annotation_laid_over(pdf: bytes) -> bytes:
    """A comment that covers the text (evil annotation attack)."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        note = {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/FreeText"),
            pdf_name("/Rect"): generic.ArrayObject(map(generic.NumberObject, (50, 50, 500, 700))),
            pdf_name("/Contents"): generic.TextStringObject("DA PHE DUYET"),
        }
        page = writer.root["/Pages"]["/Kids"][0].get_object()
        page["/Annots"].append(writer.add_object(generic.DictionaryObject(note)))
        writer.update_container(page["/Annots"])

    return _updated(pdf, change)


@tamper(Reason.E_SIG_CHANGED)
def javascript_added(pdf: bytes) -> bytes:
    """An unsigned update with a script that runs when the document is opened."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        action = {
            pdf_name("/S"): pdf_name("/JavaScript"),
            pdf_name("/JS"): generic.TextStringObject("app.alert(1)"),
        }
        writer.root[pdf_name("/OpenAction")] = writer.add_object(generic.DictionaryObject(action))
        writer.update_root()

    return _updated(pdf, change)


@tamper(Reason.E_SIG_CHANGED)
def title_changed(pdf: bytes) -> bytes:
    """An unsigned update of the document information, which viewers show as the document's name."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        writer.set_info(generic.DictionaryObject({pdf_name("/Title"): generic.TextStringObject("KHAC")}))

    return _updated(pdf, change)


@tamper(Reason.E_SIG_CHANGED)
def empty_field_laid_over(pdf: bytes) -> bytes:
    """A visible empty signature field over the text, added after signing."""
    return add_empty_fields(pdf, {"Them": (50, 50, 500, 700)})


@tamper(Reason.E_SIG_FORMAT)
def dictionary_overridden(pdf: bytes) -> bytes:
    """The signature dictionary rewritten by an update: another reason, name or time is shown."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        value = writer.root["/AcroForm"]["/Fields"][-1].get_object()["/V"]
        value[pdf_name("/Name")] = generic.TextStringObject("Chu tich")
        writer.update_container(value)

    return _updated(pdf, change)


# the signature as an object


@tamper(Reason.E_SIG_FORMAT)
def contents_as_literal_string(pdf: bytes) -> bytes:
    """``/Contents`` as a literal string takes half of the hole and leaves the rest for unsigned entries."""
    start, end = hole(pdf, -1)
    value = bytes.fromhex(pdf[start + 1 : end - 1].decode())
    literal = b"(" + re.sub(rb"([\\()\r])", lambda m: b"\\" + (b"r" if m[1] == b"\r" else m[1]), value) + b")"
    forged = literal + b" /Reason (Da phe duyet)"
    return pdf[:start] + forged.ljust(end - start) + pdf[end:]


@tamper(Reason.E_SIG_FORMAT)
def entries_in_the_hole(pdf: bytes) -> bytes:
    """The hexadecimal string cut short, and unsigned entries in the room that is left."""
    start, end = hole(pdf, -1)
    cms = pdf[start : end - 1].rstrip(b"0")
    cms += b"0" * (len(cms) % 2 == 0)
    return pdf[:start] + (cms + b"> /Reason (Da phe duyet)").ljust(end - start) + pdf[end:]


@tamper(Reason.E_SIG_FORMAT)
def bytes_behind_the_cms(pdf: bytes) -> bytes:
    """The padding of the hole filled with something else than zeros."""
    _, end = hole(pdf, -1)
    return _replaced(pdf, end - 9, b"deadbeef")


@tamper(Reason.E_SIG_FORMAT)
def contents_zero(pdf: bytes) -> bytes:
    """``/Contents`` all zeros (universal forgery)."""
    start, end = hole(pdf, -1)
    return pdf[:start] + b"<" + b"0" * (end - start - 2) + b">" + pdf[end:]


@tamper(Reason.E_SIG_FORMAT)
def unknown_subfilter(pdf: bytes) -> bytes:
    """A SubFilter nobody knows, at which many readers forget the signature."""
    return _last(pdf, b"/ETSI.CAdES.detached", b"/ETSI.CAdES.detaches")


@tamper(Reason.E_SIG_FORMAT)
def byte_range_negative(pdf: bytes) -> bytes:
    """A ByteRange that starts before the file."""
    return _last(pdf, b"/ByteRange [0 ", b"/ByteRange [-1 ", eat=1)


@tamper(Reason.E_SIG_FORMAT)
def byte_range_gone(pdf: bytes) -> bytes:
    """The unit's signature dictionary has no ByteRange any more (universal forgery)."""
    return _last(pdf, b"/ByteRange", b"/ByteRanje")


@tamper(Reason.E_SIG_FORMAT)
def signatures_removed(pdf: bytes) -> bytes:
    """An update empties the form: a naive reader calls the document unsigned."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        writer.root[pdf_name("/AcroForm")] = generic.DictionaryObject({pdf_name("/Fields"): generic.ArrayObject()})
        writer.update_root()

    return _updated(pdf, change)


@tamper(Reason.E_SIG_FORMAT)
def another_pdf_appended(pdf: bytes) -> bytes:
    """A whole second, unsigned PDF behind the signed one."""
    plain = pdf[: BYTE_RANGE.search(pdf).start()]  # type: ignore[union-attr]
    plain = plain[: plain.rindex(b"%%EOF") + 6]
    start = int(plain[plain.rindex(b"startxref") :].split()[1])
    return pdf + _shifted(plain, start, len(pdf))


@tamper(Reason.E_SIG_ORG_MISSING)
def unit_signature_cut_off(pdf: bytes) -> bytes:
    """The last revision taken off: what is left is a letter that only the signer signed."""
    return pdf[: revision_end(pdf, 0)]


# inside


def hole(pdf: bytes, which: int) -> tuple[int, int]:
    """Start and end of the ``which``-th signature's hole, angle brackets included."""
    byte_range = list(BYTE_RANGE.finditer(pdf))[which]
    return int(byte_range[2]), int(byte_range[3])


def revision_end(pdf: bytes, which: int) -> int:
    """Offset at which the revision of the ``which``-th signature ends."""
    byte_range = list(BYTE_RANGE.finditer(pdf))[which]
    return int(byte_range[3]) + int(byte_range[4])


def _replaced(pdf: bytes, at: int, new: bytes) -> bytes:
    return pdf[:at] + new + pdf[at + len(new) :]


def _last(pdf: bytes, old: bytes, new: bytes, eat: int = 0) -> bytes:
    """Replace the last ``old``; ``eat`` blanks behind the array make up for a longer ``new``."""
    at = pdf.rindex(old)
    behind = pdf[at + len(old) :]
    if eat:
        behind = behind.replace(b"] ", b"]", 1)
    return pdf[:at] + new + behind


def _updated(pdf: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    change(writer)
    return _written(writer)


def _overwrite_page(writer: IncrementalPdfFileWriter) -> None:
    page = writer.root["/Pages"]["/Kids"][0].get_object()
    content = generic.StreamObject(stream_data=b"BT /F1 24 Tf 72 720 Td (Da thay doi) Tj ET")
    page[pdf_name("/Contents")] = writer.add_object(content)
    writer.update_container(page)


def _written(writer: object) -> bytes:
    out = io.BytesIO()
    writer.write(out)  # type: ignore[attr-defined]
    return out.getvalue()


def _shifted(plain: bytes, xref: int, by: int) -> bytes:
    """A one-revision PDF whose table of offsets counts from ``by``."""
    body, table = plain[:xref], plain[xref:]
    table = re.sub(rb"(\d{10}) (\d{5} n)", lambda m: b"%010d %s" % (int(m[1]) + by, m[2]), table)
    return body + re.sub(rb"startxref\s+\d+", b"startxref\n%d" % (xref + by), table)
