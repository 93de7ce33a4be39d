"""A file that cannot be read as a PDF, looked at by its bytes alone: was it one when it was signed?

An update with a table that leads nowhere is an attack on those readers that mend files (incremental saving), and a bit
turned in a table is a change of what was signed. Neither is a file that its signer wrote so.
"""

import re
from collections.abc import Iterator
from itertools import islice

from asn1crypto import parser

from validator.checks.gate import WHITE_SPACE, check_gate
from validator.checks.parse import parse
from validator.cms import ber
from validator.cms import signed_data as cms
from validator.fault import Fault
from validator.pdf.digests import Digests
from validator.policy import Policy

BLANK = rb"[\x00\t\n\x0c\r ]"
HEXADECIMAL = re.compile(rb"<[0-9A-Fa-f]++>")
NUMBER = rb"([0-9]{1,10})"
RANGE = re.compile(rb"/ByteRange%b*+\[%b*+%b%b%b*+\]" % (BLANK, BLANK, NUMBER, (BLANK + rb"++" + NUMBER) * 3, BLANK))


def was_broken_after_signing(document: bytes, policy: Policy) -> bool:
    """Whether signed bytes differ from what was signed, or more than a message was put between them, or what is
    unreadable now reads well up to a signature's end.

    ``document``: one that could not be parsed. False where that cannot be told, as in a file cut off
    or too large to be looked at.
    """
    if len(document) > policy.max_document_bytes:
        return False
    digests = Digests(document)
    for hole, end in islice(_covered(document), policy.max_signatures):
        is_whole = HEXADECIMAL.fullmatch(document, *hole)
        if not is_whole or _differs(digests, document, hole, end) or _reads_alone(document, end, policy):
            return True
    return False


def _covered(document: bytes) -> Iterator[tuple[tuple[int, int], int]]:
    """Hole and end of what looks like a signature over the file from its first byte; a message begins the hole."""
    for match in RANGE.finditer(document):
        start, first, second, length = (int(number) for number in match.groups())
        if start == 0 < first < second < second + length <= len(document) and HEXADECIMAL.match(
            document, first, second
        ):
            yield (first, second), second + length


def _differs(digests: Digests, document: bytes, hole: tuple[int, int], end: int) -> bool:
    """Whether a detached message names another digest than that of the bytes it covers."""
    try:
        contents = bytes.fromhex(document[hole[0] + 1 : hole[1] - 1].decode("ascii"))
        data = cms.read(contents[: parser.peek(contents)])
        named = data.one(cms.MESSAGE_DIGEST)
        if data.content_type != cms.DATA or data.content is not None or named is None:
            return False
        return digests.covered(data.digest, hole, end) != named.expect(ber.OCTET_STRING).content
    except Exception:  # as in ``faults``
        return False


def _reads_alone(document: bytes, end: int, policy: Policy) -> bool:
    """Whether more than blanks follow, and all was well without them."""
    if not document[end:].strip(WHITE_SPACE):
        return False
    try:
        check_gate(document[:end], policy)
        parse(document[:end], policy)
    except Fault:
        return False
    return True
