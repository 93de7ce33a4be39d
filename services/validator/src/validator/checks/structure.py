"""(3) Structure: which signatures the file holds, and that each signs exactly what it seems to sign.

ISO 32000-1 §12.8.1, EN 319 142-1 §5. The rules close the published attacks of universal forgery, signature wrapping
and incremental saving. A library's own arithmetic alone does not: it never reads the hole.
"""

import re
from typing import Any

from asn1crypto import parser
from pyhanko.pdf_utils import generic
from pyhanko.sign.fields import enumerate_sig_fields

from validator.checks.coverage import check_coverage, check_nesting, stands_before
from validator.checks.signature import RAW_RSA, TIME_STAMP, Signature
from validator.fault import Fault, library_errors_as
from validator.pdf.digests import Digests
from validator.pdf.embedded_signature import EmbeddedSignature
from validator.pdf.entries import readable_entry
from validator.pdf.reader import Reader
from validator.pdf.schema import SIGNATURE_TYPE, TIME_STAMP_TYPE
from validator.pdf.structure_bytes import BYTE_RANGE, count_in_structure
from validator.pdf.usage_rights import covers_its_byte_range, usage_rights
from validator.policy import Policy
from validator.report.model import shown

HEX_DIGITS = b"0123456789ABCDEFabcdef"
PLAIN_RANGE = re.compile(rb"/ByteRange[\x00\t\n\x0c\r ]*+\[[\x00\t\n\x0c\r 0-9]++\]")


def find_signatures(document: bytes, reader: Reader, policy: Policy) -> tuple[Signature, ...]:
    """All signatures of the file, oldest first. Raises ``Fault``."""
    with library_errors_as("3.0"):
        fields = list(enumerate_sig_fields(reader, filled_status=True))
    rights = _check_all_are_shown(document, reader, len(fields), policy)
    digests = Digests(document)
    signatures = [_locate(document, reader, policy, name, field, digests) for name, _, field in fields]
    signatures.sort(key=lambda signature: signature.revision)
    check_nesting(signatures)
    check_coverage(document, reader, signatures, policy)
    if signatures and any(reader.xrefs.get_last_change(each.reference) > signatures[0].revision for each in rights):
        raise Fault("3.1", detail="usage rights behind the first signature")
    return tuple(signatures)


def _check_all_are_shown(document: bytes, reader: Reader, fields: int, policy: Policy) -> list[generic.IndirectObject]:
    """(3.1) Every ByteRange of the file belongs to a signature we look at: none is hidden, forgotten or removed.

    Returns the signatures of usage rights among them.
    """
    mentioned = count_in_structure(reader, BYTE_RANGE)
    rights: list[generic.IndirectObject] = []
    if mentioned > fields:
        with library_errors_as("3.1", detail="usage rights not readable"):
            rights = [
                each
                for each in usage_rights(reader)
                if fields or covers_its_byte_range(document, each.get_object(), policy.cms)
            ]
    if mentioned != fields + len(rights):
        raise Fault("3.1")
    return rights


def _locate(document: bytes, reader: Reader, policy: Policy, name: str, field: Any, digests: Digests) -> Signature:
    with library_errors_as("3.0", name, "signature not readable"):
        value, reference = _value(field, name)
        subfilter = _subfilter(value, policy, name)
        hole, end = _byte_range(document, value, name)
        contents = _contents(document, value, hole, name, policy)
        _check_place(document, reader, reference, hole, name)
        _check_unchanged(reader, reference, name)
        embedded = EmbeddedSignature(reader, field, name, contents)
        return Signature(
            field=shown(name),
            revision=embedded.signed_revision,
            hole=hole,
            end=end,
            subfilter=subfilter,
            cms=_without_padding(contents, name),
            claimed_date=_claimed_date(value),
            certificate=_certificate(value) if subfilter == RAW_RSA else None,
            embedded=embedded,
            digests=digests,
        )


def _value(field: Any, name: str) -> tuple[generic.DictionaryObject, generic.Reference]:
    # (3.2) The field's value is a dictionary of its own, so that revisions can tell when it changed.
    raw = field.get_object().raw_get("/V")
    if not isinstance(raw, generic.IndirectObject):
        raise Fault("3.2", name, "signature dictionary is not an object of its own")
    value = raw.get_object()
    if not isinstance(value, generic.DictionaryObject) or isinstance(value, generic.StreamObject):
        raise Fault("3.2", name)
    return value, raw.reference


def _subfilter(value: generic.DictionaryObject, policy: Policy, name: str) -> str:
    # (3.3) Type and SubFilter by allow list: what a reader does not know it may silently skip.
    subfilter = str(value.raw_get("/SubFilter"))
    types = (SIGNATURE_TYPE, TIME_STAMP_TYPE) if subfilter == TIME_STAMP else (SIGNATURE_TYPE,)
    if value.get("/Type", SIGNATURE_TYPE) not in types or subfilter not in policy.subfilters:
        raise Fault("3.3", name)
    return subfilter


def _claimed_date(value: generic.DictionaryObject) -> str | None:
    """The text of /M; None = there is none."""
    date = readable_entry(value, "/M")
    if isinstance(date, generic.ByteStringObject):
        return bytes(date).decode("latin-1")
    return str(date) if isinstance(date, generic.TextStringObject) else None


def _certificate(value: generic.DictionaryObject) -> bytes:
    """/Cert of the raw form: the signer's, or a chain that begins with it."""
    entry = value["/Cert"]
    first = entry[0] if isinstance(entry, generic.ArrayObject) else entry
    return bytes(first.original_bytes)


def _byte_range(document: bytes, value: generic.DictionaryObject, name: str) -> tuple[tuple[int, int], int]:
    # (3.4) ByteRange: four numbers, from the first byte, one hole, up to a byte of the file.
    raw = value.raw_get("/ByteRange")
    numbers = list(raw) if isinstance(raw, generic.ArrayObject) else []
    if len(numbers) != 4 or not all(isinstance(number, generic.NumberObject) for number in numbers):
        raise Fault("3.4", name, "ByteRange is not four numbers")
    start, first, second, length = (int(number) for number in numbers)
    if start != 0 or not 0 < first < second or length <= 0 or second + length > len(document):
        raise Fault("3.4", name)
    return (first, second), second + length


def _contents(
    document: bytes, value: generic.DictionaryObject, hole: tuple[int, int], name: str, policy: Policy
) -> bytes:
    # (3.5) The hole is exactly one hexadecimal string, the value of /Contents, and nothing else.
    text = document[hole[0] : hole[1]]
    if not _is_hex_string(text) or not stands_before(document, hole[0], b"/Contents", policy):
        raise Fault("3.5", name)
    contents = value.raw_get("/Contents", decrypt=generic.EncryptedObjAccess.RAW)
    read = getattr(contents, "original_bytes", None)
    if not isinstance(read, bytes) or bytes.fromhex(text[1:-1].decode("ascii")) != read:
        raise Fault("3.5", name, "/Contents is not what the hole holds")
    return read


def _is_hex_string(text: bytes) -> bool:
    """Whole bytes in hexadecimal digits, with nothing between them."""
    digits = text[1:-1]
    is_delimited = text.startswith(b"<") and text.endswith(b">")
    return is_delimited and bool(digits) and len(digits) % 2 == 0 and not digits.translate(None, HEX_DIGITS)


def _check_place(
    document: bytes, reader: Reader, reference: generic.Reference, hole: tuple[int, int], name: str
) -> None:
    # (3.6) The hole lies inside the object of this signature dictionary, not inside a look-alike.
    offset = reader.xrefs[reference]
    end = document.find(b"endobj", offset) if isinstance(offset, int) else -1
    if not isinstance(offset, int) or not offset < hole[0] < hole[1] <= end:
        raise Fault("3.6", name)
    # (3.1) It is one of those that were counted: a ByteRange in other letters would stand in for a hidden one.
    if document.count(BYTE_RANGE, offset, end) != 1 or not PLAIN_RANGE.search(document, offset, end):
        raise Fault("3.1", name, "ByteRange is not there once, in plain letters")


def _without_padding(contents: bytes, name: str) -> bytes:
    # (3.7) Behind the CMS there are only zeros.
    length = parser.peek(contents)
    if contents[length:].strip(b"\0"):
        raise Fault("3.7", name)
    return contents[:length]


def _check_unchanged(reader: Reader, reference: generic.Reference, name: str) -> None:
    # (3.8) The dictionary in the final file is the one that was signed: no later revision touched it.
    if reader.xrefs.get_introducing_revision(reference) != reader.xrefs.get_last_change(reference):
        raise Fault("3.8", name)
