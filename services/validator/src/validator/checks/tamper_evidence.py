"""Was an unreadable file a readable PDF when it was signed? Judged by its bytes alone.

An update with a table that leads nowhere is an attack on readers that repair files (incremental saving), and a flipped
bit in a table is a change of what was signed. Neither file was written so by its signer.
"""

import re
from collections.abc import Iterator
from itertools import islice

from asn1crypto import parser

from validator.checks.gate import WHITE_SPACE, check_gate
from validator.checks.parse import parse
from validator.cms import ber
from validator.cms.signed_data import DATA, MESSAGE_DIGEST, read_signed_data
from validator.fault import Fault
from validator.pdf.digests import Digests
from validator.policy import Policy

BLANK = rb"[\x00\t\n\x0c\r ]"
HEXADECIMAL = re.compile(rb"<[0-9A-Fa-f]++>")
NUMBER = rb"([0-9]{1,10})"
RANGE = re.compile(rb"/ByteRange%b*+\[%b*+%b%b%b*+\]" % (BLANK, BLANK, NUMBER, (BLANK + rb"++" + NUMBER) * 3, BLANK))


def was_broken_after_signing(document: bytes, policy: Policy) -> bool:
    """Whether a document that cannot be parsed was changed after it was signed.

    True if signed bytes differ from what was signed, if more than a CMS was put between them, or if the file reads well
    up to a signature's end. False where that cannot be told, as in a file that is cut off or too large.
    """
    if len(document) > policy.max_document_bytes:
        return False
    digests = Digests(document)
    for hole, end in islice(_covered_ranges(document), policy.max_signatures):
        is_whole = HEXADECIMAL.fullmatch(document, *hole)
        if not is_whole or _differs(digests, document, hole, end, policy) or _reads_alone(document, end, policy):
            return True
    return False


def _covered_ranges(document: bytes) -> Iterator[tuple[tuple[int, int], int]]:
    """Hole and end of what looks like a signature over the file from its first byte, with a message in the hole."""
    for match in RANGE.finditer(document):
        start, first, second, length = (int(number) for number in match.groups())
        if start == 0 < first < second < second + length <= len(document) and HEXADECIMAL.match(
            document, first, second
        ):
            yield (first, second), second + length


def _differs(digests: Digests, document: bytes, hole: tuple[int, int], end: int, policy: Policy) -> bool:
    """Whether a detached CMS names another digest than that of the bytes it covers."""
    try:
        contents = bytes.fromhex(document[hole[0] + 1 : hole[1] - 1].decode("ascii"))
        data = read_signed_data(contents[: parser.peek(contents)], policy.cms)
        named = data.one(MESSAGE_DIGEST)
        if data.content_type != DATA or data.content is not None or named is None:
            return False
        return digests.covered(data.digest, hole, end) != named.expect(ber.OCTET_STRING).content
    except Exception:  # libraries raise anything on hostile bytes
        return False


def _reads_alone(document: bytes, end: int, policy: Policy) -> bool:
    """Whether more than white space follows, and the file reads well without it."""
    if not document[end:].strip(WHITE_SPACE):
        return False
    try:
        check_gate(document[:end], policy)
        parse(document[:end], policy)
    except Fault:
        return False
    return True
