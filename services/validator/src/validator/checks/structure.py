"""(3) Structure: which signatures the file holds, and that each signs exactly what it seems to sign.

ISO 32000-1 §12.8.1, EN 319 142-1 §5. The rules close the published attacks on universal forgery, signature wrapping
and incremental saving; a library's own arithmetic alone does not (it never reads the hole).
"""

import itertools
import re
from dataclasses import dataclass
from typing import Any

from asn1crypto import parser
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.xref import XRefSectionType
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.validation.status import SignatureCoverageLevel

from common.domain.reason import Reason
from validator.checks.gate import END, WHITE_SPACE
from validator.diff.fast_path.fast_path import settled
from validator.fault import Fault, Step, faults
from validator.pdf.digests import Covered, Digests
from validator.pdf.embedded_signature import Placed
from validator.pdf.reader import Reader
from validator.pdf.sections import own_trailer
from validator.pdf.usage_rights import covers_what_it_says, usage_rights
from validator.policy import Policy
from validator.report.model import SubIndication

HEX_STRING = re.compile(rb"<(?:[0-9A-Fa-f]{2})+>")
BYTE_RANGE = b"/ByteRange"
PLAIN_RANGE = re.compile(rb"/ByteRange[\x00\t\n\x0c\r ]*+\[[\x00\t\n\x0c\r 0-9]++\]")
RAW_RSA = "/adbe.x509.rsa_sha1"
MAX_WHITE_SPACE = 4096
WHITE_SPACES = frozenset(WHITE_SPACE[at : at + 1] for at in range(len(WHITE_SPACE)))
GAP = rb"(?:[\x00\t\n\x0c\r ]|%[^\r\n]{0,200}+[\r\n])"
"""White space, or a comment."""
OBJECT_HEADER = re.compile(rb"(?<![0-9])([0-9]{1,10})" + GAP + rb"++([0-9]{1,5})" + GAP + rb"++obj")
TRAILER = re.compile(rb"trailer" + GAP + rb"*+<<")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature of the file, placed and delimited, not yet verified."""

    field: str
    revision: int
    """Revision of the file it was added in, oldest = 0."""
    hole: tuple[int, int]
    """Offsets of the hexadecimal string, angle brackets included."""
    end: int
    """The signature covers all bytes before this offset but the hole."""
    subfilter: str
    cms: bytes
    """DER, padding cut off."""
    claimed_date: str | None
    """The dictionary's ``/M``."""
    certificate: bytes | None
    """DER of the signer's, where it stands beside the message instead of in it."""
    embedded: Placed

    digests: Digests
    """Of the document, for all of its signatures."""

    def signed_bytes(self, document: bytes) -> Covered:
        """The two signed ranges."""
        view = memoryview(document)
        covered = Covered((view[: self.hole[0]], view[self.hole[1] : self.end]))
        covered.digests, covered.hole, covered.end = self.digests, self.hole, self.end
        return covered


def find_signatures(document: bytes, reader: PdfFileReader, policy: Policy) -> tuple[Signature, ...]:
    """All signatures of the file, oldest first."""
    with faults(Step.STRUCTURE, Reason.E_SIG_FORMAT, "signature dictionaries not readable"):
        fields = list(enumerate_sig_fields(reader, filled_status=True))
    # (3.1) Every ByteRange of the file belongs to a signature we look at: none is hidden, forgotten or removed.
    layout = reader.layout if isinstance(reader, Reader) else None
    mentioned = layout.count(document, BYTE_RANGE) if layout else document.count(BYTE_RANGE)
    rights = _usage_rights(document, reader, bool(fields)) if mentioned > len(fields) else []
    if mentioned != len(fields) + len(rights):
        raise _format("a signature that no form field shows", "")
    digests = Digests(document)
    found = [_signature(document, reader, policy, name, field, digests) for name, _, field in fields]
    found.sort(key=lambda signature: signature.revision)
    _check_nesting(found)
    for signature in found:
        _check_coverage(document, reader, signature)
        _check_readable_alone(document, reader, signature)
    if found:
        _check_tail(document, reader, found)
        _check_trailers(reader, found[0])
        if any(reader.xrefs.get_last_change(each.reference) > found[0].revision for each in rights):
            raise _format("usage rights behind the first signature", "")
    return tuple(found)


def _usage_rights(document: bytes, reader: PdfFileReader, is_signed: bool) -> list[Any]:
    with faults(Step.STRUCTURE, Reason.E_SIG_FORMAT, "usage rights not readable"):
        return [each for each in usage_rights(reader) if is_signed or covers_what_it_says(document, each.get_object())]


def _signature(
    document: bytes, reader: PdfFileReader, policy: Policy, name: str, field: Any, digests: Digests
) -> Signature:
    with faults(Step.STRUCTURE, Reason.E_SIG_FORMAT, f"{name}: signature not readable"):
        value, reference = _value(field, name)
        subfilter = _subfilter(value, policy, name)
        hole, end = _byte_range(document, value, name)
        contents = _contents(document, value, hole, name)
        _check_place(document, reader, reference, hole, name)
        _check_kept(reader, reference, name)
        embedded = Placed(reader, field, name, contents)
        claimed = value.get("/M")
        return Signature(
            field=name,
            revision=embedded.signed_revision,
            hole=hole,
            end=end,
            subfilter=subfilter,
            cms=_without_padding(contents, name),
            claimed_date=None if claimed is None else str(claimed),
            certificate=_certificate(value) if subfilter == RAW_RSA else None,
            embedded=embedded,
            digests=digests,
        )


def _value(field: Any, name: str) -> tuple[generic.DictionaryObject, generic.Reference]:
    # (3.2) The field's value is a dictionary of its own, so that revisions can tell when it changed.
    raw = field.get_object().raw_get("/V")
    if not isinstance(raw, generic.IndirectObject):
        raise _format("signature dictionary is not an object of its own", name)
    value = raw.get_object()
    if not isinstance(value, generic.DictionaryObject) or isinstance(value, generic.StreamObject):
        raise _format("signature is not a dictionary", name)
    return value, raw.reference


def _subfilter(value: generic.DictionaryObject, policy: Policy, name: str) -> str:
    # (3.3) Type and SubFilter by allow list: what a reader does not know it may silently skip.
    subfilter = str(value.raw_get("/SubFilter"))
    kinds = ("/Sig", "/DocTimeStamp") if subfilter == "/ETSI.RFC3161" else ("/Sig",)
    if value.get("/Type", "/Sig") not in kinds or subfilter not in policy.subfilters:
        raise _format("kind of signature not supported", name)
    return subfilter


def _certificate(value: generic.DictionaryObject) -> bytes:
    """/Cert of the raw form: the signer's, or a chain that begins with it."""
    found = value["/Cert"]
    first = found[0] if isinstance(found, generic.ArrayObject) else found
    return bytes(first.original_bytes)


def _byte_range(document: bytes, value: generic.DictionaryObject, name: str) -> tuple[tuple[int, int], int]:
    # (3.4) ByteRange: four numbers, from the first byte, one hole, up to a byte of the file.
    raw = value.raw_get("/ByteRange")
    numbers = list(raw) if isinstance(raw, generic.ArrayObject) else []
    if len(numbers) != 4 or not all(isinstance(number, generic.NumberObject) for number in numbers):
        raise _format("ByteRange is not four numbers", name)
    start, first, second, length = (int(number) for number in numbers)
    if start != 0 or not 0 < first < second or length <= 0 or second + length > len(document):
        raise _format("ByteRange does not run from the first byte around one hole", name)
    return (first, second), second + length


def _contents(document: bytes, value: generic.DictionaryObject, hole: tuple[int, int], name: str) -> bytes:
    # (3.5) The hole is exactly one hexadecimal string, the value of /Contents, and nothing else.
    text = document[hole[0] : hole[1]]
    if not HEX_STRING.fullmatch(text) or not _stands_before(document, hole[0], b"/Contents"):
        raise _format("the hole of the ByteRange is not one hexadecimal string", name)
    contents = value.raw_get("/Contents", decrypt=generic.EncryptedObjAccess.RAW)
    read = getattr(contents, "original_bytes", None)
    if not isinstance(read, bytes) or bytes.fromhex(text[1:-1].decode("ascii")) != read:
        raise _format("/Contents is not what the hole holds", name)
    return read


def _check_place(
    document: bytes, reader: PdfFileReader, reference: generic.Reference, hole: tuple[int, int], name: str
) -> None:
    # (3.6) The hole lies inside the object of this signature dictionary, not inside a look-alike.
    offset = reader.xrefs[reference]
    end = document.find(b"endobj", offset) if isinstance(offset, int) else -1
    if not isinstance(offset, int) or not offset < hole[0] < hole[1] <= end:
        raise _format("the hole lies outside its signature dictionary", name)
    # (3.1) It is one of those that were counted: a ByteRange in other letters would stand in for a hidden one.
    if document.count(BYTE_RANGE, offset, end) != 1 or not PLAIN_RANGE.search(document, offset, end):
        raise _format("ByteRange is not there once, in plain letters", name)


def _without_padding(contents: bytes, name: str) -> bytes:
    # (3.7) Behind the CMS there are only zeros.
    length = parser.peek(contents)
    if contents[length:].strip(b"\0"):
        raise _format("bytes behind the CMS", name)
    return contents[:length]


def _check_kept(reader: PdfFileReader, reference: generic.Reference, name: str) -> None:
    # (3.8) The dictionary in the final file is the one that was signed: no later revision touched it.
    if reader.xrefs.get_introducing_revision(reference) != reader.xrefs.get_last_change(reference):
        detail = f"{name}: signature dictionary changed after signing"
        raise Fault(Step.STRUCTURE, Reason.E_SIG_CHANGED, SubIndication.FORMAT_FAILURE, detail)


def _check_nesting(found: list[Signature]) -> None:
    # (3.9) One signature a revision; later ones cover the earlier ones whole.
    for earlier, later in itertools.pairwise(found):
        if earlier.revision == later.revision or earlier.end > later.hole[0]:
            raise _format("signatures cross each other", later.field)


def _check_coverage(document: bytes, reader: PdfFileReader, signature: Signature) -> None:
    # (3.10) It covers its whole revision, cross-reference table and end marker included.
    with faults(Step.STRUCTURE, Reason.E_SIG_COVERAGE, f"{signature.field}: coverage not clear"):
        level = signature.embedded.evaluate_signature_coverage()
        covers = level.value >= SignatureCoverageLevel.ENTIRE_REVISION.value
        ends = _stands_before(document, signature.end, END)
        whole_file = signature.end == len(document)
        if not covers or not ends or (whole_file and signature.revision != reader.total_revisions - 1):
            raise _coverage("does not cover its whole revision", signature.field)


def _stands_before(document: bytes, offset: int, word: bytes) -> bool:
    """Whether a word ends at ``offset``, white space aside; not too much of it, or the search would take long."""
    return document[max(0, offset - MAX_WHITE_SPACE) : offset].rstrip(WHITE_SPACE).endswith(word)


def _check_readable_alone(document: bytes, reader: PdfFileReader, signature: Signature) -> None:
    """(3.11) What was signed reads the same from the signed bytes alone.

    An offset or a stream that runs past the signed end, or a stream's length that a later revision sets, would let
    bytes become part of what was signed without any object of it being changed: difference analysis cannot see it.
    """
    if signature.end == len(document):
        return
    known = settled(reader)
    if known and known.reads_alone(signature.revision, signature.end):
        return
    with faults(Step.STRUCTURE, Reason.E_SIG_COVERAGE, f"{signature.field}: signed revision not readable alone"):
        alone = Reader(document[: signature.end])
        if alone.total_revisions != signature.revision + 1:
            raise _coverage("signed revisions differ from those of the file", signature.field)
        for reference in _objects_of(alone):
            then = _read(alone, reference)
            now = _read(reader, reference, signature.revision)
            if _bytes_of(then) != _bytes_of(now):
                raise _coverage(f"object {reference.idnum} reaches past the signed bytes", signature.field)


def _objects_of(reader: PdfFileReader) -> list[generic.Reference]:
    """Objects with an offset of their own; those in object streams live inside one of these."""
    found: dict[int, int] = {}
    for revision in range(reader.total_revisions):
        section = reader.xrefs.get_xref_data(revision)
        sections = [section] if section.hybrid is None else [section.hybrid.xref_data, section]
        for part in sections:
            found.update({number: generation for number, (generation, _) in part.standard_xrefs.items()})
    return [generic.Reference(number, generation, reader) for number, generation in found.items()]


def _read(reader: PdfFileReader, reference: generic.Reference, revision: int | None = None) -> Any:
    """The object, or None where it cannot be read: unused leftovers may be broken, as long as they stay so."""
    own = generic.Reference(reference.idnum, reference.generation, reader)
    try:
        return reader.get_object(own, revision=revision)
    except Exception:
        return None


def _bytes_of(found: Any) -> bytes | bool:
    """The encoded data of a stream; of any other object, whether there is one: its text starts at the same offset."""
    return bytes(found.encoded_data) if isinstance(found, generic.StreamObject) else found is not None


def _check_tail(document: bytes, reader: PdfFileReader, found: list[Signature]) -> None:
    """(3.12) Behind the first signature there is nothing but the revisions we know, each with one end marker."""
    first, last = found[0], found[-1]
    final = reader.total_revisions - 1
    for part, revisions in (
        (document[first.end : last.end], last.revision - first.revision),
        (document[last.end :], final - last.revision),
    ):
        if part.count(END) != revisions or part.count(b"startxref") != revisions:
            raise _coverage("bytes that belong to no revision", last.field)
    if final == last.revision and document[last.end :].strip(WHITE_SPACE):
        raise _coverage("bytes behind the last signed revision", last.field)
    # Between the signatures, too: the later signer vouches for the bytes, but the earlier one never saw what a reader
    # that mends files would find in them.
    known = _offsets_after(reader, first.revision)
    if any(not _is_known(document, match.start(), known) for match in OBJECT_HEADER.finditer(document, first.end)):
        raise _coverage("an object that no cross-reference table knows", last.field)
    if len(TRAILER.findall(document, first.end)) != _tables_after(reader, first.revision):
        raise _coverage("a trailer that belongs to no cross-reference table", last.field)


def _check_trailers(reader: PdfFileReader, first: Signature) -> None:
    """(3.13) Each update behind the first signature names its catalog: without, readers look for one by themselves."""
    for revision in range(first.revision + 1, reader.total_revisions):
        if "/Root" not in own_trailer(reader, revision):
            raise _coverage("an update that names no catalog", first.field)


def _is_known(document: bytes, offset: int, known: set[int]) -> bool:
    """Some tools point to the white space before an object."""
    for at in range(offset, max(0, offset - MAX_WHITE_SPACE), -1):
        if at in known:
            return True
        if document[at - 1 : at] not in WHITE_SPACES:
            return False
    return False


def _tables_after(reader: PdfFileReader, revision: int) -> int:
    """Cross-reference tables, which have a trailer each; streams have none."""
    kinds = (reader.xrefs.get_xref_container_info(each) for each in range(revision + 1, reader.total_revisions))
    return sum(kind.xref_section_type is not XRefSectionType.STREAM for kind in kinds)


def _offsets_after(reader: PdfFileReader, revision: int) -> set[int]:
    known: set[int] = set()
    for later in range(revision + 1, reader.total_revisions):
        section = reader.xrefs.get_xref_data(later)
        known.update(offset for _, offset in section.standard_xrefs.values())
        known.add(reader.xrefs.get_xref_container_info(later).start_location)
        if section.hybrid is not None:
            known.update(offset for _, offset in section.hybrid.xref_data.standard_xrefs.values())
            known.add(section.hybrid.meta_info.start_location)
    return known


def _format(detail: str, name: str) -> Fault:
    text = f"{name}: {detail}" if name else detail
    return Fault(Step.STRUCTURE, Reason.E_SIG_FORMAT, SubIndication.FORMAT_FAILURE, text)


def _coverage(detail: str, name: str) -> Fault:
    return Fault(Step.STRUCTURE, Reason.E_SIG_COVERAGE, SubIndication.FORMAT_FAILURE, f"{name}: {detail}")
