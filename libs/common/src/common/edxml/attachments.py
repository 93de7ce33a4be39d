"""Decides what each attachment really is: takes it out of its wrapper, names its kind, refuses the dangerous."""

import hashlib
import io
from typing import BinaryIO

from common.domain.envelope import Attachment
from common.domain.reason import Reason
from common.edxml.active import OLE, storage_runs
from common.edxml.limits import DEFAULT_LIMITS, Limits
from common.edxml.parts import Part, read_parts
from common.edxml.payload import Measured, Sink
from common.edxml.sniff import (
    FORBIDDEN_EXTENSIONS,
    HEAD_BYTES,
    OFFICE_ZIPS,
    SEALED,
    TEXTUAL,
    Kind,
    extension,
    family,
    family_of_type,
    is_text,
    media_type,
    plain_type,
    refined,
    sniff,
)
from common.edxml.tolerance import Notes, Tolerance
from common.edxml.tree import Node
from common.edxml.unreadable import Unreadable
from common.edxml.unzip import Archive, open_archive

UNKNOWN_TYPE = "application/octet-stream"


def read_attachments(
    root: Node, notes: Notes, sink: Sink, limits: Limits
) -> tuple[tuple[Attachment, ...], tuple[BinaryIO, ...]]:
    """Attachments in the manifest's order, each with its file of unwrapped bytes.

    Raises ``Unreadable``: E_ATT_LINK, E_ATT_B64, E_ATT_CORRUPT, E_ATT_TYPE, E_ATT_ZIP or E_SIZE for the first at fault.
    """
    attachments: list[Attachment] = []
    files: list[BinaryIO] = []
    for part in read_parts(root, notes):
        measured, kind = _opened(part, sink, limits, notes)
        files.append(measured.file)
        attachments.append(_described(part, measured, kind, notes))
    return tuple(attachments), tuple(files)


def attachment_of(content_id: str, name: str, content: bytes, description: str | None = None) -> Attachment:
    """The Attachment that a file gives, as it would be read back after :func:`common.edxml.build`."""
    kind = sniff(content[:HEAD_BYTES])
    if kind is Kind.ZIP:
        with open_archive(io.BytesIO(content), DEFAULT_LIMITS) as archive:
            kind = archive.kind()
    if kind is Kind.ZIP and extension(name) != "zip":
        raise ValueError("a reader would take this ZIP for a wrapper: give it the extension zip")
    type_ = str(refined(kind, name) or media_type(name) or UNKNOWN_TYPE)
    return Attachment(
        content_id=content_id,
        name=name,
        content_type=type_,
        size_bytes=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        declared_type=type_,
        description=description,
    )


def _opened(part: Part, sink: Sink, limits: Limits, notes: Notes) -> tuple[Measured, Kind | None]:
    """The file a reader opens, taken out of its wrapper where there is one, and what it is."""
    raw = part.payload.measured
    if part.payload.fault:
        raise Unreadable(Reason.E_ATT_B64, f"{part.place} is no base64: {part.payload.fault}.")
    _refuse_damaged(part, raw)
    raw.file.seek(0)
    kind = sniff(raw.head)
    if kind is not Kind.ZIP:
        return raw, refined(kind, part.name)
    with open_archive(raw.file, limits) as archive:
        return _opened_zip(part, raw, archive, sink, limits, notes)


def _opened_zip(
    part: Part, raw: Measured, archive: Archive, sink: Sink, limits: Limits, notes: Notes
) -> tuple[Measured, Kind | None]:
    kind = archive.kind()
    if kind in OFFICE_ZIPS and not _may_be_unwrapped(part, kind, archive):
        archive.check_office()
        raw.file.seek(0)
        return raw, kind
    if part.is_archive:
        archive.check(sink)
        raw.file.seek(0)
        return raw, kind
    unwrapped = Measured(sink(), limits.max_attachment_bytes)
    try:
        if archive.unwrap(unwrapped):
            notes.add(Tolerance.T27)
        return unwrapped, _kind_unwrapped(part, unwrapped, limits)
    except BaseException:
        unwrapped.file.close()
        raise


def _may_be_unwrapped(part: Part, kind: Kind, archive: Archive) -> bool:
    """Whether receivers may take an office document for the wrapper of another file, which they then open.

    The parts of one are no reason to call it so if its name tells of something else, or if it is declared as a ZIP and
    its first file is a document.
    """
    by_name = family(part.name)
    if by_name and kind not in by_name:
        return True
    is_declared = any(plain_type(declared) == Kind.ZIP for declared in part.declared_types)
    return is_declared and not part.is_archive and archive.opens_with_a_document()


def _kind_unwrapped(part: Part, unwrapped: Measured, limits: Limits) -> Kind | None:
    if not unwrapped.size_bytes:
        raise Unreadable(Reason.E_ATT_B64, f"{part.place} is empty.")
    _refuse_damaged(part, unwrapped)
    kind = sniff(unwrapped.head)
    if kind is Kind.ZIP:
        with open_archive(unwrapped.file, limits) as inner:
            kind = inner.kind()
            if kind not in OFFICE_ZIPS:
                raise Unreadable(Reason.E_ATT_ZIP, f"{part.place} is wrapped in more than one ZIP.")
            inner.check_office()
        unwrapped.file.seek(0)
    return refined(kind, part.name)


def _refuse_damaged(part: Part, measured: Measured) -> None:
    """Binary content that went through a text decoder is lost for good."""
    kind = sniff(measured.head)
    is_binary = kind not in TEXTUAL if kind else b"\0" in measured.head
    if is_binary and measured.was_decoded_as_text():
        raise Unreadable(Reason.E_ATT_CORRUPT, f"{part.place} was damaged by decoding its bytes as text.")


def _described(part: Part, measured: Measured, kind: Kind | None, notes: Notes) -> Attachment:
    _refuse_forbidden(part, measured, kind)
    if not _agree(part, kind, wrapped=measured is not part.payload.measured):
        notes.add(Tolerance.T14)
    return Attachment(
        content_id=part.content_id,
        name=part.name,
        content_type=_content_type(part, kind),
        size_bytes=measured.size_bytes,
        sha256=measured.sha256,
        declared_type=part.declared_types[0] if part.declared_types else None,
        description=part.description,
    )


def _refuse_forbidden(part: Part, measured: Measured, kind: Kind | None) -> None:
    if kind is Kind.EXECUTABLE or extension(part.name) in FORBIDDEN_EXTENSIONS:
        raise Unreadable(Reason.E_ATT_TYPE, f"{part.place} is a program.")
    if kind in SEALED:
        raise Unreadable(Reason.E_ATT_TYPE, f"{part.place} is an archive that nobody can look into.")
    if kind is None and not is_text(measured.head):
        raise Unreadable(Reason.E_ATT_TYPE, f"{part.place} is of no kind that units exchange.")
    if kind in OLE and storage_runs(measured.file):
        raise Unreadable(Reason.E_ATT_TYPE, f"{part.place} holds macros or a program.")
    expected = _expected(part)
    if kind and expected and kind not in expected:
        raise Unreadable(Reason.E_ATT_TYPE, f"{part.place} is neither what its name nor what its media type says.")


def _expected(part: Part) -> set[Kind]:
    """Kinds that the name or a declared type allows; empty unless both have an opinion.

    ``application/zip`` only tells of the wrapper and does not count.
    """
    by_type = [family_of_type(declared) for declared in part.declared_types if plain_type(declared) != Kind.ZIP]
    opinions = [family(part.name), *by_type]
    return set().union(*opinions) if by_type and all(opinions) else set()


def _agree(part: Part, kind: Kind | None, wrapped: bool) -> bool:
    """Whether both declarations, the name and the bytes tell the same story (T14)."""
    declared = {plain_type(text) for text in part.declared_types}
    if len(declared) > 1 or (wrapped and Kind.ZIP not in declared):
        return False
    said = [family(part.name, usual=True), *(family_of_type(text, usual=True) for text in declared)]
    if wrapped:
        said = said[:1]
    return all(kind in kinds for kinds in said if kinds)


def _content_type(part: Part, kind: Kind | None) -> str:
    """By the bytes; else as declared, unless that told of the wrapper; else by the name."""
    declared = next((text for text in part.declared_types if plain_type(text) != Kind.ZIP), None)
    return str(kind or declared or media_type(part.name) or UNKNOWN_TYPE)
