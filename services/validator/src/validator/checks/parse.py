"""(2) Parse: strictly, with the library's limits on decoding; no repair, no guessing."""

import logging

from pyhanko.pdf_utils.reader import PdfFileReader

from common.domain.reason import Reason
from validator.fault import Fault, Step, faults
from validator.pdf.reader import Reader
from validator.policy import Policy
from validator.report.model import SubIndication

logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
"""Its warnings quote objects of the document, which must not reach our logs (R15)."""
ENTRIES_AN_OBJECT = 3
"""Cross-reference entries that may be read for each object that a file may have: updates list some of them again."""


def parse(document: bytes, policy: Policy) -> PdfFileReader:
    """A strict reader. ``strict=False`` would resolve references that only a later revision defines."""
    with faults(Step.PARSE, Reason.E_PDF_FORMAT, "not readable as a PDF"):
        reader = Reader(document, max_entries=ENTRIES_AN_OBJECT * policy.max_objects)
        # (2.1) Encrypted files cannot be read by their receivers nor judged by us.
        if "/Encrypt" in reader.trailer:
            raise _fault(Reason.E_PDF_ENCRYPTED, "encrypted")
        # (2.2) Limits that only the parsed file shows.
        if reader.total_revisions > policy.max_revisions:
            raise _fault(Reason.E_PDF_LIMIT, f"more than {policy.max_revisions} revisions")
        if int(reader.trailer["/Size"]) > policy.max_objects:
            raise _fault(Reason.E_PDF_LIMIT, f"more than {policy.max_objects} objects")
        # (2.3) The catalog and the page tree are there.
        if reader.root["/Pages"]["/Type"] != "/Pages":
            raise _fault(Reason.E_PDF_FORMAT, "no page tree")
    return reader


def _fault(reason: Reason, detail: str) -> Fault:
    return Fault(Step.PARSE, reason, SubIndication.FORMAT_FAILURE, detail)
