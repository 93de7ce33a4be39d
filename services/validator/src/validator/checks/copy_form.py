"""(11) Form: does a declared copy look like a scan? Notes only: no machine can prove that a seal is genuine.

ND 30/2020, appendix I, part II.I.2: PDF 1.4 or later, colour, at least 200 dpi, 100 %; part II.I.3: the form of the
copy (SAO Y, SAO LỤC, TRÍCH SAO) is named. What is missing is a warning for the receiving clerk, never a refusal.
"""

import unicodedata
from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import enumerate_sig_fields

from validator.policy import Policy
from validator.report.model import Note, NoteCode

POINTS_PER_INCH = 72
MAX_PAGES_LOOKED_AT = 50
MAX_DEPTH = 20
GREY = "/DeviceGray"
COPY_FORMS = ("sao y", "sao luc", "trich sao", "ban sao")
"""Without diacritics."""
MAX_METADATA_BYTES = 1024 * 1024


def scan_notes(reader: PdfFileReader, policy: Policy) -> list[Note]:
    """What is missing of the prescribed form; empty = nothing."""
    try:
        missing = list(_missing(reader, policy))
    except Exception:
        missing = ["pages not readable"]
    return [Note(NoteCode.SCAN_FORM, text) for text in missing]


def _missing(reader: PdfFileReader, policy: Policy) -> Iterator[str]:
    if reader.input_version < (1, 4):
        yield "older than PDF 1.4"  # (11.1)
    if not any(form in _plain(text) for text in _words(reader) for form in COPY_FORMS):
        yield "form of the copy not named"  # (11.2)
    for number, page in enumerate(_pages(reader.root["/Pages"], 0), start=1):
        if number > MAX_PAGES_LOOKED_AT:
            return
        images = list(_images(page))
        # (11.3) Every page is a picture, of 200 dpi and in colour.
        if not images:
            yield f"page {number}: no picture"
        elif max(int(image["/Width"]) for image in images) < _width(page) / POINTS_PER_INCH * policy.scan_dpi * 0.95:
            yield f"page {number}: less than {policy.scan_dpi} dpi"
        elif all("/ColorSpace" in image and image["/ColorSpace"] == GREY for image in images):
            yield f"page {number}: not in colour"


def _words(reader: PdfFileReader) -> Iterator[str]:
    """What the signatures say about themselves, and the metadata."""
    for _, value, _ in enumerate_sig_fields(reader, filled_status=True):
        found = value.get_object()
        yield from (str(found[key]) for key in ("/Reason", "/Location", "/Name", "/ContactInfo") if key in found)
    information = reader.trailer["/Info"] if "/Info" in reader.trailer else {}  # noqa: SIM401
    yield from (str(information[key]) for key in ("/Title", "/Subject", "/Keywords") if key in information)
    metadata = reader.root["/Metadata"] if "/Metadata" in reader.root else None  # noqa: SIM401 - get gives a reference
    if isinstance(metadata, generic.StreamObject):
        yield metadata.data[:MAX_METADATA_BYTES].decode("utf-8", "replace")


def _plain(text: str) -> str:
    spread = unicodedata.normalize("NFD", text.casefold())
    return " ".join("".join(letter for letter in spread if not unicodedata.combining(letter)).split())


def _pages(node: Any, depth: int) -> Iterator[Any]:
    if depth > MAX_DEPTH:
        return
    for kid in node["/Kids"]:
        child = kid.get_object()
        if child["/Type"] == "/Pages":
            yield from _pages(child, depth + 1)
        else:
            yield child


def _images(page: Any) -> Iterator[Any]:
    resources = _inherited(page, "/Resources", 0)
    pictures = resources.get("/XObject", {})
    for name in pictures:
        if pictures[name]["/Subtype"] == "/Image":
            yield pictures[name]


def _inherited(page: Any, key: str, depth: int) -> Any:
    if key in page or depth > MAX_DEPTH:
        return page[key]
    return _inherited(page["/Parent"], key, depth + 1)


def _width(page: Any) -> float:
    box = _inherited(page, "/MediaBox", 0)
    return abs(float(box[2]) - float(box[0]))
