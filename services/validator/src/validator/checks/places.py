"""Part of (3.11) and (3.12): every object of an update lies where its tables say, and nowhere else a second time.

An entry for a packed object names an object stream by number alone. Which stream that is must not change: readers take
the newest one, whatever the signed table meant. And a reader that repairs files reads objects where they lie: what a
table lists must be there under its own number, and what an object stream holds must be listed.
"""

from collections.abc import Iterator
from typing import Any

from pyhanko.pdf_utils.xref import ObjStreamRef

from validator.checks.signature import Signature
from validator.fault import Fault, library_errors_as
from validator.pdf.plain_history import WHITE_SPACES, plain_history_of
from validator.pdf.reader import OBJECT, Reader


def check_containers(reader: Reader, first: Signature) -> None:
    """(3.11) The object streams that a revision uses are there in it, and no update behind ``first`` touches them.

    Raises ``Fault``.
    """
    if not reader.containers():
        return
    used, known = set[int](), dict[int, tuple[int, int]]()
    for revision in range(reader.total_revisions):
        parts = reader.tables_in(revision)
        if revision > first.revision and any(_touches(part, used, known) for part in parts):
            raise Fault("3.11", first.field, "an object stream was exchanged")
        for part in parts:
            known |= part.standard_xrefs
            used |= part.obj_streams_used
        if revision >= first.revision and not used <= known.keys():
            raise Fault("3.11", first.field, "an object stream that is not there")


def _touches(part: Any, used: set[int], known: dict[int, tuple[int, int]]) -> bool:
    """Whether a table lists one of the object streams at another place."""
    listed = part.standard_xrefs
    return any(
        number in part.freed or number in part.xrefs_in_objstm or listed.get(number, known[number]) != known[number]
        for number in used
    )


def check_places(document: bytes, reader: Reader, first: Signature, last: Signature) -> None:
    """(3.12) What the updates behind ``first`` list is there, and nothing else is in their object streams."""
    is_plain = plain_history_of(reader) is not None  # then all entries have been followed already
    for revision in range(first.revision + 1, reader.total_revisions):
        for part in reader.tables_in(revision):
            if not is_plain and not all(_is_there(document, *entry) for entry in part.standard_xrefs.items()):
                raise Fault("3.12", last.field, "an object that is not where its table says")
        with library_errors_as("3.12", last.field, "object stream not readable"):
            if not _listed(reader, revision).issuperset(_packed(reader, revision)):
                raise Fault("3.12", last.field, "an object that only an object stream lists")


def _is_there(document: bytes, number: int, entry: tuple[int, int]) -> bool:
    generation, offset = entry
    start = WHITE_SPACES.match(document, offset)
    header = OBJECT.match(document, start.end()) if start else None
    return header is not None and (int(header[1]), int(header[2])) == (number, generation)


def _packed(reader: Reader, revision: int) -> Iterator[tuple[int, ObjStreamRef]]:
    """What the object streams hold that the revision brings and uses."""
    parts = reader.tables_in(revision)
    brought = set[int]().union(*(part.standard_xrefs for part in parts))
    for container in brought & set[int]().union(*(part.obj_streams_used for part in parts)):
        _, objects = reader.unpacked(container)
        for number, (place, _) in objects.items():
            yield number, ObjStreamRef(container, place)


def _listed(reader: Reader, revision: int) -> set[tuple[int, ObjStreamRef]]:
    return {entry for part in reader.tables_in(revision) for entry in part.xrefs_in_objstm.items()}
