"""(2) Parse: strictly, within limits on decoding, without repairing or guessing."""

import logging

from validator.checks.gate import END
from validator.fault import Fault, library_errors_as
from validator.pdf.containers import check_containers
from validator.pdf.reader import Reader
from validator.pdf.structure_bytes import BYTE_RANGE, count_in_structure
from validator.policy import Policy

logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
"""Its warnings quote objects of the document, which must not reach our logs (R15)."""


def parse(document: bytes, policy: Policy) -> Reader:
    """A strict reader over the document. Raises ``Fault`` if it cannot be read, is encrypted, or exceeds a limit."""
    limits = {END: policy.max_revisions, BYTE_RANGE: policy.max_signatures}
    crowded = any(document.count(word) > most for word, most in limits.items())
    # (1.4) Words inside of streams mean nothing, but only a file that can be read has streams.
    with library_errors_as("1.4" if crowded else "2.0"):
        reader = Reader(document, policy)
        if crowded and any(count_in_structure(reader, word) > most for word, most in limits.items()):
            raise Fault("1.4")
    with library_errors_as("2.0"):
        # (2.1) Encrypted files can be neither read by their receivers nor judged by us.
        if "/Encrypt" in reader.trailer:
            raise Fault("2.1")
        # (2.0) Each object stream lists its objects once.
        check_containers(reader)
        # (2.2) Limits that only the parsed file shows.
        if reader.total_revisions > policy.max_revisions:
            raise Fault("2.2", detail=f"more than {policy.max_revisions} revisions")
        if int(reader.trailer["/Size"]) > policy.max_objects:
            raise Fault("2.2", detail=f"more than {policy.max_objects} objects")
        # (2.3) The catalog and the page tree are there.
        if reader.root["/Pages"]["/Type"] != "/Pages":
            raise Fault("2.3")
    return reader
