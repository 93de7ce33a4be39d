"""Linearized files (ISO 32000-1 annex F): one revision with two cross-reference tables, written in one go.

The table of the first page lies at the beginning and counts as the newer one; that of the rest follows and is named as
the one before it. A program that signs while it saves for the web leaves such a file.
"""

from validator.pdf.reader import Reader

HEAD_BYTES = 1024
"""The linearization dictionary is the first object, in the first bytes (annex F.3.3)."""


def whole_revision(reader: Reader, revision: int) -> int:
    """The revision; for the rest of a linearized file, that of its first page.

    Whether the signature covers both halves, and their end, is checked by the rules on coverage.
    """
    return 1 if revision == 0 and _is_linearized(reader) else revision


def _is_linearized(reader: Reader) -> bool:
    if reader.total_revisions < 2 or b"/Linearized" not in reader.document[:HEAD_BYTES]:
        return False
    rest, first_page = (reader.xrefs.get_xref_container_info(each).start_location for each in (0, 1))
    return bool(first_page < rest)
