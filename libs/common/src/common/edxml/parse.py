"""From bytes to a message: read the tree, then the header, then the attachments. The first fault ends it."""

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import BinaryIO, cast

from common.domain.envelope import Envelope, Message
from common.domain.names import PackageKind
from common.domain.reason import Reason
from common.edxml import wire
from common.edxml.attachments import read_attachments
from common.edxml.doubles import refuse_doubles
from common.edxml.fields import Fields
from common.edxml.header import read_envelope
from common.edxml.limits import DEFAULT_LIMITS, MIB, Limits
from common.edxml.payload import Sink
from common.edxml.reader import Reader, header_of
from common.edxml.status import is_status, read_status
from common.edxml.tolerance import Notes, Tolerance
from common.edxml.tree import Node
from common.edxml.unreadable import Unreadable


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a package says."""

    message: Message
    warnings: tuple[Tolerance, ...]
    """Departures from the profile that were put up with, by number, each once."""
    files: tuple[BinaryIO, ...]
    """Unwrapped attachments in the order of ``message.attachments``, rewound; the caller closes them."""


def spool() -> BinaryIO:
    """A temporary file that stays in memory up to a MiB."""
    return cast(BinaryIO, tempfile.SpooledTemporaryFile(max_size=MIB))


def parse(source: BinaryIO, sink: Sink = spool, limits: Limits = DEFAULT_LIMITS, strict: bool = False) -> Parsed:
    """Read one package from ``source`` in pieces.

    ``sink`` opens an empty file for each attachment (and for what is taken out of ZIP wrappers). ``strict``
    refuses packages that are not namespace-well-formed XML from their first byte on (T4, T22).
    Raises Unreadable, after closing all files, with the first fault found: well-formedness, limits and
    namespaces as the bytes come, then the header, then the attachments. Nothing is looked up anywhere.
    """
    notes = Notes()
    files: list[BinaryIO] = []

    def open_file() -> BinaryIO:
        files.append(sink())
        return files[-1]

    reader = Reader(open_file, limits, strict, notes)
    try:
        parsed = _parsed(reader.read(source), notes, open_file, limits)
    except Unreadable as unreadable:
        unreadable.sender = reader.sender
        _close(files)
        raise
    except BaseException:
        _close(files)
        raise
    _close(file for file in files if not any(file is kept for kept in parsed.files))
    return parsed


def _parsed(root: Node, notes: Notes, sink: Sink, limits: Limits) -> Parsed:
    refuse_doubles(root)
    header_block = header_of(root)
    if header_block is None:
        raise Unreadable(Reason.E_FROM, "There is no edXMLHeader.")
    header = Fields(header_block, wire.HEADER.name, notes).child(wire.MESSAGE_HEADER)
    if is_status(header):
        return _status(root, header, notes)
    trace = Fields(header_block, wire.HEADER.name, notes).child(wire.TRACE_LIST)
    envelope = read_envelope(header, trace, limits)
    attachments, files = read_attachments(root, notes, sink, limits)
    _require_attachments(envelope, len(attachments))
    for file in files:
        file.seek(0)
    return Parsed(replace(envelope, attachments=attachments), notes.in_order(), files)


def _status(root: Node, header: Fields, notes: Notes) -> Parsed:
    """A status carries no attachments; any that come along are dropped and noted (T18)."""
    if root.all(wire.ATTACHMENTS):
        notes.add(Tolerance.T18)
    return Parsed(read_status(header), notes.in_order(), ())


def _require_attachments(envelope: Envelope, count: int) -> None:
    """Only a recall, and an update that changes receivers alone, may come without."""
    business = envelope.business
    lax = business.kind is PackageKind.RECALL or (business.kind is PackageKind.UPDATE and not business.document_changed)
    if not count and not lax:
        raise Unreadable(Reason.E_ATT_NONE, "A document package needs an attachment.")


def _close(files: Iterable[BinaryIO]) -> None:
    for file in files:
        file.close()
