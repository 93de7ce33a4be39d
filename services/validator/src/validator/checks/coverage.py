"""(3.9) to (3.13) Coverage: every signature covers its revision to the end, and nothing lies outside of revisions."""

import itertools
import re
from collections.abc import Sequence
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.xref import XRefSectionType
from pyhanko.sign.validation.status import SignatureCoverageLevel

from validator.checks.gate import END, WHITE_SPACE
from validator.checks.places import check_containers, check_places
from validator.checks.signature import Signature
from validator.fault import Fault, library_errors_as
from validator.patterns import compiled
from validator.pdf.plain_history import plain_history_of
from validator.pdf.pyhanko_internals import own_trailer
from validator.pdf.reader import Reader
from validator.pdf.structure_bytes import count_in_structure
from validator.policy import Policy

WHITE_SPACES = frozenset(WHITE_SPACE[at : at + 1] for at in range(len(WHITE_SPACE)))
START = b"startxref"
GAP = rb"(?:[\x00\t\n\x0c\r ]|%[^\r\n]{0,200}+[\r\n])"
"""White space, or a comment."""
HEADER_WORD = b"obj"
OBJECT_HEADER = compiled(rb"(?<![0-9])([0-9]{1,10})" + GAP + rb"++([0-9]{1,5})" + GAP + rb"++" + HEADER_WORD)
PLAIN_HEADER = re.compile(rb"(?<![0-9])[0-9]{1,10} [0-9]{1,5} " + HEADER_WORD + rb"\Z")
PLAIN_HEADER_BYTES = len("1234567890 12345 obj")
LINE_BYTES = 256
"""More than the longest comment of ``GAP``."""
TRAILER = compiled(rb"trailer" + GAP + rb"*+<<")


def check_nesting(signatures: Sequence[Signature]) -> None:
    """(3.9) One signature a revision; later ones cover the earlier ones completely. Raises ``Fault``."""
    for earlier, later in itertools.pairwise(signatures):
        if earlier.revision == later.revision or earlier.end > later.hole[0]:
            raise Fault("3.9", later.field)


def check_coverage(document: bytes, reader: Reader, signatures: Sequence[Signature], policy: Policy) -> None:
    """(3.10) to (3.13), of all signatures, oldest first. Raises ``Fault``."""
    for signature in signatures:
        _check_covers_revision(document, reader, signature, policy)
        _check_readable_alone(document, reader, signature, policy)
    if signatures:
        check_containers(reader, signatures[0])
        _check_tail(document, reader, signatures, policy)
        check_places(document, reader, signatures[0], signatures[-1])
        _check_trailers(reader, signatures[0])


def stands_before(document: bytes, offset: int, word: bytes, policy: Policy) -> bool:
    """Whether a word ends at ``offset``, white space aside; a limit on that bounds the search."""
    start = max(0, offset - policy.pdf.max_white_space)
    return document[start:offset].rstrip(WHITE_SPACE).endswith(word)


def _check_covers_revision(document: bytes, reader: Reader, signature: Signature, policy: Policy) -> None:
    # (3.10) It covers its whole revision, cross-reference table and end marker included.
    with library_errors_as("3.10", signature.field, "coverage not clear"):
        level = signature.embedded.evaluate_signature_coverage()
        covers = level.value >= SignatureCoverageLevel.ENTIRE_REVISION.value
        ends = stands_before(document, signature.end, END, policy)
        whole_file = signature.end == len(document)
        if not covers or not ends or (whole_file and signature.revision != reader.total_revisions - 1):
            raise Fault("3.10", signature.field)


def _check_readable_alone(document: bytes, reader: Reader, signature: Signature, policy: Policy) -> None:
    """(3.11) What was signed reads the same from the signed bytes alone.

    An offset or a stream that runs past the signed end, or a stream's length that a later revision sets, would let
    bytes become part of what was signed without any object of it being changed: difference analysis cannot see it.
    """
    if signature.end == len(document) or _certainly_reads_alone(reader, signature):
        return
    with library_errors_as("3.11", signature.field):
        alone = Reader(document[: signature.end], policy)
        if alone.total_revisions != signature.revision + 1:
            raise Fault("3.11", signature.field, "signed revisions differ from those of the file")
        for reference in _objects_of(alone):
            then = _read(alone, reference)
            now = _read(reader, reference, signature.revision)
            if _bytes_of(then) != _bytes_of(now):
                raise Fault("3.11", signature.field, f"object {reference.idnum} reaches past the signed bytes")


def _certainly_reads_alone(reader: Reader, signature: Signature) -> bool:
    """The fast way, for a file that is laid out plainly."""
    history = plain_history_of(reader)
    try:
        return history is not None and history.reads_alone(signature.revision, signature.end)
    except Exception:
        return False  # whatever it was: the slow way decides


def _objects_of(reader: Reader) -> list[generic.Reference]:
    """Objects with an offset of their own; those in object streams live inside one of these."""
    generations: dict[int, int] = {}
    for revision in range(reader.total_revisions):
        for part in reversed(reader.tables_in(revision)):  # an entry of the table counts, not that of the stream
            generations.update({number: generation for number, (generation, _) in part.standard_xrefs.items()})
    return [generic.Reference(number, generation, reader) for number, generation in generations.items()]


def _read(reader: Reader, reference: generic.Reference, revision: int | None = None) -> Any:
    """The object; None where it cannot be read: unused objects may be broken, as long as they stay so."""
    own = generic.Reference(reference.idnum, reference.generation, reader)
    try:
        return reader.get_object(own, revision=revision)
    except MemoryError:
        raise
    except Exception:
        return None


def _bytes_of(value: Any) -> bytes | bool:
    """The encoded data of a stream; of any other object, whether there is one: its text starts at the same offset."""
    return bytes(value.encoded_data) if isinstance(value, generic.StreamObject) else value is not None


def _check_tail(document: bytes, reader: Reader, signatures: Sequence[Signature], policy: Policy) -> None:
    """(3.12) Behind the first signature there is nothing but the revisions we know, each with one end marker."""
    first, last = signatures[0], signatures[-1]
    final = reader.total_revisions - 1
    for word in (END, START):
        if count_in_structure(reader, word, first.end, last.end) != last.revision - first.revision:
            raise Fault("3.12", last.field)
        # Behind the last signature nobody vouches for the data of streams, either.
        if document.count(word, last.end) != final - last.revision:
            raise Fault("3.12", last.field)
    if final == last.revision and document[last.end :].strip(WHITE_SPACE):
        raise Fault("3.12", last.field, "bytes behind the last signed revision")
    # Between the signatures, too: the later signer vouches for the bytes, but the earlier one never saw what a reader
    # that repairs files would find in them.
    known, gap = _offsets_after(reader, first.revision), policy.pdf.max_white_space
    if any(not _is_known(document, start, known, gap) for start in _headers(document, first.end)):
        raise Fault("3.12", last.field, "an object that no cross-reference table knows")
    if len(TRAILER.findall(document, first.end)) != _tables_after(reader, first.revision):
        raise Fault("3.12", last.field, "a trailer that belongs to no cross-reference table")


def _headers(document: bytes, start: int) -> list[int]:
    """Where something begins behind ``start`` that a reader could take for an object.

    The word is searched for, and what is before it read. Where that is not plain, the pattern looks at every byte.
    """
    found: list[int] = []
    at = document.find(HEADER_WORD, start)
    while at >= 0:
        end = at + len(HEADER_WORD)
        if document[at - 1 : at] in WHITE_SPACES:
            plain = PLAIN_HEADER.search(document, max(start, end - PLAIN_HEADER_BYTES), end)
            if plain is None or _is_behind_comment_sign(document, plain.start()):
                return [header.start() for header in OBJECT_HEADER.finditer(document, start)]
            found.append(plain.start())
        at = document.find(HEADER_WORD, end)
    return found


def _is_behind_comment_sign(document: bytes, offset: int) -> bool:
    """Whether a comment could begin on the same line before ``offset``."""
    before = document[max(0, offset - LINE_BYTES) : offset].replace(b"\r", b"\n")
    return b"%" in before[before.rfind(b"\n") + 1 :]


def _check_trailers(reader: Reader, first: Signature) -> None:
    """(3.13) Each update behind the first signature names its catalog: without, readers look for one by themselves."""
    for revision in range(first.revision + 1, reader.total_revisions):
        if "/Root" not in own_trailer(reader, revision):
            raise Fault("3.13", first.field)


def _is_known(document: bytes, offset: int, known: set[int], max_white_space: int) -> bool:
    """Whether a table points to ``offset``, or to the white space before it, as some tools do."""
    for at in range(offset, max(0, offset - max_white_space), -1):
        if at in known:
            return True
        if document[at - 1 : at] not in WHITE_SPACES:
            return False
    return False


def _tables_after(reader: Reader, revision: int) -> int:
    """Number of cross-reference tables, which have a trailer each; streams have none."""
    kinds = (reader.xrefs.get_xref_container_info(each) for each in range(revision + 1, reader.total_revisions))
    return sum(kind.xref_section_type is not XRefSectionType.STREAM for kind in kinds)


def _offsets_after(reader: Reader, revision: int) -> set[int]:
    known: set[int] = set()
    for later in range(revision + 1, reader.total_revisions):
        section = reader.xrefs.get_xref_data(later)
        known.update(offset for _, offset in section.standard_xrefs.values())
        known.add(reader.xrefs.get_xref_container_info(later).start_location)
        if section.hybrid is not None:
            known.update(offset for _, offset in section.hybrid.xref_data.standard_xrefs.values())
            known.add(section.hybrid.meta_info.start_location)
    return known
