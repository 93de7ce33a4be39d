"""(2) Parse: strictly, within limits on decoding, without repairing or guessing."""

import logging

from validator.fault import Fault, library_errors_as
from validator.pdf.reader import Reader
from validator.policy import Policy

logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
"""Its warnings quote objects of the document, which must not reach our logs (R15)."""


def parse(document: bytes, policy: Policy) -> Reader:
    """A strict reader over the document. Raises ``Fault``."""
    with library_errors_as("2.0"):
        reader = Reader(document, policy)
        # (2.1) Encrypted files can be neither read by their receivers nor judged by us.
        if "/Encrypt" in reader.trailer:
            raise Fault("2.1")
        # (2.2) Limits that only the parsed file shows.
        if reader.total_revisions > policy.max_revisions:
            raise Fault("2.2", detail=f"more than {policy.max_revisions} revisions")
        if int(reader.trailer["/Size"]) > policy.max_objects:
            raise Fault("2.2", detail=f"more than {policy.max_objects} objects")
        # (2.3) The catalog and the page tree are there.
        if reader.root["/Pages"]["/Type"] != "/Pages":
            raise Fault("2.3")
    return reader
