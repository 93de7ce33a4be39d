"""(11) Form: does a declared copy look like a scan? Notes only: no machine can prove that a seal is genuine.

ND 30/2020, appendix I, part II.I.2: PDF 1.4 or later, colour, at least 200 dpi, 100 %; part II.I.3: the form of the
copy (SAO Y, SAO LỤC, TRÍCH SAO) is named. What is missing is a warning for the receiving clerk, never a refusal.
"""

from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.sign.fields import enumerate_sig_fields

from validator.copy_words import may_call_itself_copy
from validator.pdf.reader import Reader
from validator.pdf.schema import SIGNATURE_TEXT_KEYS, SUBJECT_KEYS
from validator.policy import CopyFormLimits
from validator.report.model import Note
from validator.report.vocabulary import NoteCode

POINTS_PER_INCH = 72
GREY = "/DeviceGray"


def copy_form_notes(reader: Reader, limits: CopyFormLimits) -> list[Note]:
    """What is missing of the prescribed form; empty = nothing."""
    try:
        missing = list(_missing(reader, limits))
    except Exception:
        missing = ["pages not readable"]
    return [Note(NoteCode.SCAN_FORM, text) for text in missing]


def _missing(reader: Reader, limits: CopyFormLimits) -> Iterator[str]:
    if reader.input_version < (1, 4):
        yield "older than PDF 1.4"  # (11.1)
    if not any(may_call_itself_copy(text) for text in _texts(reader, limits)):
        yield "form of the copy not named"  # (11.2)
    for number, page in enumerate(_pages(reader.root["/Pages"], limits.max_tree_depth), start=1):
        if number > limits.max_pages:
            return
        images = list(_images(page, limits.max_tree_depth))
        # (11.3) Every page is a picture, of 200 dpi and in colour.
        if not images:
            yield f"page {number}: no picture"
        elif max(int(image["/Width"]) for image in images) < _prescribed_dots(page, limits):
            yield f"page {number}: less than {limits.scan_dpi} dpi"
        elif all("/ColorSpace" in image and image["/ColorSpace"] == GREY for image in images):
            yield f"page {number}: not in colour"


def _texts(reader: Reader, limits: CopyFormLimits) -> Iterator[str]:
    """What the signatures say about themselves, and the metadata."""
    for _, value, _ in enumerate_sig_fields(reader, filled_status=True):
        entries = value.get_object()
        yield from (str(entries[key]) for key in SIGNATURE_TEXT_KEYS if key in entries)
    information = reader.trailer["/Info"] if "/Info" in reader.trailer else {}  # noqa: SIM401
    yield from (str(information[key]) for key in SUBJECT_KEYS if key in information)
    metadata = reader.root["/Metadata"] if "/Metadata" in reader.root else None  # noqa: SIM401 - get gives a reference
    if isinstance(metadata, generic.StreamObject):
        yield metadata.data[: limits.max_metadata_bytes].decode("utf-8", "replace")


def _pages(node: Any, depth: int) -> Iterator[Any]:
    """Leaves of the page tree, ``depth`` levels deep."""
    if depth < 0:
        return
    for kid in node["/Kids"]:
        child = kid.get_object()
        if child["/Type"] == "/Pages":
            yield from _pages(child, depth - 1)
        else:
            yield child


def _images(page: Any, depth: int) -> Iterator[Any]:
    resources = _inherited(page, "/Resources", depth)
    pictures = resources.get("/XObject", {})
    for name in pictures:
        if pictures[name]["/Subtype"] == "/Image":
            yield pictures[name]


def _inherited(page: Any, key: str, depth: int) -> Any:
    """An attribute of the page, or of a node at most ``depth`` levels above."""
    if key in page or depth < 0:
        return page[key]
    return _inherited(page["/Parent"], key, depth - 1)


def _prescribed_dots(page: Any, limits: CopyFormLimits) -> float:
    """Width of a picture that fills the page."""
    box = _inherited(page, "/MediaBox", limits.max_tree_depth)
    width = abs(float(box[2]) - float(box[0]))
    return width / POINTS_PER_INCH * limits.scan_dpi * limits.width_tolerance
