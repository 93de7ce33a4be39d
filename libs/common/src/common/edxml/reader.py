"""Reads a package in pieces: a small tree of the header, attachments decoded on the way; memory stays constant."""

from collections.abc import Iterator
from typing import BinaryIO
from xml.parsers import expat

from common.domain.ids import comparable
from common.domain.names import UnitCode
from common.domain.reason import Reason
from common.edxml import wire
from common.edxml.limits import Limits
from common.edxml.namespaces import Namespaces
from common.edxml.payload import Measured, Payload, Sink
from common.edxml.prolog import SAFE_NAMES, open_prolog
from common.edxml.tolerance import Notes, Tolerance
from common.edxml.tree import Node
from common.edxml.unreadable import Unreadable

CHUNK_BYTES = 64 * 1024


class Reader:
    """One package on its way through expat."""

    def __init__(self, sink: Sink, limits: Limits, strict: bool, notes: Notes) -> None:
        self.root: Node | None = None
        self.files: list[BinaryIO] = []
        """All that were opened, to be closed if the package is refused."""
        self._sink = sink
        self._limits = limits
        self._strict = strict
        self._notes = notes
        self._namespaces = Namespaces(notes, strict, limits.max_attributes)
        self._open: list[Node] = []
        self._payload: Payload | None = None
        self._depth = 0
        self._skipped_from: int | None = None
        self._elements = 0
        self._chars = 0

    def read(self, source: BinaryIO) -> Node:
        """The root of the tree. Raises ``Unreadable``: E_XML, E_NS, E_SIZE or E_DEPTH."""
        chunks = self._chunks(source)
        opening = open_prolog(next(chunks, b""), self._notes, self._strict)
        parser = self._parser(opening.encoding)
        try:
            fed = self._feed(parser, opening.data, 0)
            for chunk in chunks:
                fed = self._feed(parser, chunk, fed)
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            place = f"line {error.lineno}, column {error.offset}"
            raise Unreadable(Reason.E_XML, f"Not well-formed at {place}: {expat.ErrorString(error.code)}.") from error
        if self.root is None:
            raise Unreadable(Reason.E_XML, "There is no root element.")
        return self.root

    @property
    def sender(self) -> UnitCode | None:
        """From/OrganId, as far as it has been read."""
        header = message_header(self.root) if self.root else None
        node = header.below(wire.FROM, wire.ORGAN_ID) if header else None
        code = comparable(node.text) if node and not node.cut else ""
        return code if 0 < len(code) <= wire.ORGAN_ID.max_chars and code.lower() != "null" else None

    def _chunks(self, source: BinaryIO) -> Iterator[bytes]:
        total = 0
        while chunk := _read_fully(source, CHUNK_BYTES):
            total += len(chunk)
            if total > self._limits.max_package_bytes:
                raise Unreadable(Reason.E_SIZE, f"The package has more than {self._limits.max_package_bytes} bytes.")
            yield chunk

    def _parser(self, encoding: str | None) -> expat.XMLParserType:
        parser = expat.ParserCreate(encoding)
        parser.buffer_text = True
        parser.buffer_size = CHUNK_BYTES
        parser.XmlDeclHandler = self._on_declaration
        parser.StartDoctypeDeclHandler = self._on_doctype
        parser.StartElementHandler = self._on_start
        parser.EndElementHandler = self._on_end
        parser.CharacterDataHandler = self._on_text
        return parser

    def _feed(self, parser: expat.XMLParserType, data: bytes, fed: int) -> int:
        """Feed one chunk.

        Raises ``Unreadable`` (E_SIZE) once a single token outgrows its limit: expat reads it again for each chunk.
        """
        parser.Parse(data, False)
        fed += len(data)
        if fed - parser.CurrentByteIndex > self._limits.max_token_bytes:
            raise Unreadable(Reason.E_SIZE, f"A tag or comment has more than {self._limits.max_token_bytes} bytes.")
        return fed

    def _on_declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding and encoding.lower() not in SAFE_NAMES:
            raise Unreadable(Reason.E_XML, "The XML declaration names an encoding other than UTF-8 or UTF-16.")

    def _on_doctype(self, *_: object) -> None:
        raise Unreadable(Reason.E_XML, "A document type declaration is not allowed.")

    def _on_start(self, name: str, attributes: dict[str, str]) -> None:
        self._count()
        uri, local = self._namespaces.enter(name, attributes)
        if uri in wire.XINCLUDE_NAMESPACES:
            raise Unreadable(Reason.E_XML, "XInclude is not allowed.")
        if self._payload:
            self._payload.spoil("it holds an element")
        elif self._skipped_from is None:
            self._enter(uri, local, attributes)

    def _enter(self, uri: str, local: str, attributes: dict[str, str]) -> None:
        _refuse_legacy(uri)
        known = self._known_name(uri, local)
        if not self._open:
            if known not in {field.name for field in wire.ROOTS}:
                raise Unreadable(Reason.E_NS, "The root is no edXML element of QCVN 102:2016.")
            self.root = Node(known)
            self._open.append(self.root)
        elif known is None or known == wire.SIGNATURE.name:
            self._skipped_from = self._depth
        else:
            self._append(Node(known, href=_href(attributes)))

    def _append(self, node: Node) -> None:
        parent = self._open[-1]
        parent.children.append(node)
        self._open.append(node)
        if node.name == wire.CONTENT_ENCODED.name and parent.name == wire.ATTACHMENT.name:
            self._payload = node.payload = self._open_payload()

    def _open_payload(self) -> Payload:
        if len(self.files) >= self._limits.max_attachments:
            raise Unreadable(Reason.E_SIZE, f"There are more than {self._limits.max_attachments} attachments.")
        file = self._sink()
        self.files.append(file)
        return Payload(Measured(file, self._limits.max_attachment_bytes))

    def _known_name(self, uri: str, local: str) -> str | None:
        """The name as the profile spells it, None for elements it does not know (T1, T17, T18)."""
        name = wire.FRAME_BY_LOWER.get(local.lower(), local)
        if uri not in {wire.NAMESPACE, ""} or name not in wire.KNOWN:
            if name != wire.SIGNATURE.name:
                self._notes.add(Tolerance.T18)
            return None
        if not uri:
            self._notes.add(Tolerance.T1)
        if name != local or (not self._open and name != wire.ROOT.name):
            self._notes.add(Tolerance.T17)
        return name

    def _on_end(self, _name: str) -> None:
        self._namespaces.leave()
        if self._skipped_from is None:
            if not self._payload or (self._open[-1].payload is self._payload and len(self._open) == self._depth):
                self._close()
        elif self._skipped_from == self._depth:
            self._skipped_from = None
        self._depth -= 1

    def _close(self) -> None:
        node = self._open.pop()
        if node.payload:
            node.payload.close()
            self._payload = None

    def _on_text(self, text: str) -> None:
        if self._payload:
            self._payload.feed(text)
        elif self._skipped_from is None:
            self._count_chars(len(text))
            self._open[-1].add_text(text)

    def _count(self) -> None:
        self._depth += 1
        self._elements += 1
        if self._depth > self._limits.max_depth:
            raise Unreadable(Reason.E_DEPTH, f"Elements are nested more than {self._limits.max_depth} deep.")
        if self._elements > self._limits.max_elements:
            raise Unreadable(Reason.E_DEPTH, f"There are more than {self._limits.max_elements} elements.")

    def _count_chars(self, count: int) -> None:
        self._chars += count
        if self._chars > self._limits.max_header_chars:
            raise Unreadable(Reason.E_SIZE, f"The header has more than {self._limits.max_header_chars} characters.")


def message_header(root: Node) -> Node | None:
    """The MessageHeader below any of the accepted roots (T17)."""
    header = header_of(root)
    return header.first(wire.MESSAGE_HEADER) if header else None


def header_of(root: Node) -> Node | None:
    """The edXMLHeader, in the envelope or, where the envelope is the root, in it."""
    return (root.first(wire.ENVELOPE) or root).first(wire.HEADER)


def _refuse_legacy(uri: str) -> None:
    if uri.lower().startswith(wire.LEGACY_NAMESPACES):
        raise Unreadable(Reason.E_NS, "The package is written in an older dialect that is not supported.")


def _href(attributes: dict[str, str]) -> str | None:
    return next((value for key, value in attributes.items() if key.rpartition(":")[2] == "href"), None)


def _read_fully(source: BinaryIO, count: int) -> bytes:
    """``count`` bytes, fewer only at the end: raw streams may give less at a time."""
    data = source.read(count)
    while data and len(data) < count and (more := source.read(count - len(data))):
        data += more
    return data
