"""A linearized file (ISO 32000-1 annex F) has two tables for one revision: it was written in one go.

The table of the first page lies at the beginning and counts as the newer one; that of the rest follows and is named as
the one before it. A program that signs while it saves for the web leaves such a file.
"""

from pyhanko.pdf_utils.reader import PdfFileReader

from validator.pdf.reader import Reader

HEAD_BYTES = 1024
"""The dictionary that says so is the first object, in the first bytes (annex F.3.3)."""


def whole_revision(reader: PdfFileReader, revision: int) -> int:
    """The revision, or that of the first page where it is the rest of a linearized file.

    That the signature covers both halves, and the file's end in between none, is for the rules on coverage to say.
    """
    return 1 if revision == 0 and _is_linearized(reader) else revision


def _is_linearized(reader: PdfFileReader) -> bool:
    if reader.total_revisions < 2 or not isinstance(reader, Reader):
        return False
    if b"/Linearized" not in reader.document[:HEAD_BYTES]:
        return False
    rest, first_page = (reader.xrefs.get_xref_container_info(each).start_location for each in (0, 1))
    return bool(first_page < rest)
