"""Joins the manifest with the contents: what a package says about each attachment."""

from dataclasses import dataclass

from common.domain.ids import comparable
from common.domain.reason import Reason
from common.edxml import wire
from common.edxml.fields import Fields
from common.edxml.filenames import NAMELESS, clean
from common.edxml.payload import Payload
from common.edxml.sniff import extension
from common.edxml.tolerance import Notes, Tolerance
from common.edxml.tree import Node
from common.edxml.unreadable import Unreadable


@dataclass(frozen=True, slots=True)
class Part:
    """One attachment as the package describes it, in the manifest and beside the content."""

    reference: Fields
    attachment: Fields
    payload: Payload
    content_id: str

    @property
    def place(self) -> str:
        """For sentences."""
        return place_of(self.content_id)

    @property
    def name(self) -> str:
        """The file name, that beside the content first."""
        return clean(
            self.attachment.text(wire.ATTACHMENT_NAME) or self.reference.text(wire.ATTACHMENT_NAME) or NAMELESS
        )

    @property
    def declared_types(self) -> tuple[str, ...]:
        """What both places say of the media type, that beside the content first."""
        both = (self.attachment.text(wire.CONTENT_TYPE), self.reference.text(wire.CONTENT_TYPE))
        return tuple(declared for declared in both if declared)

    @property
    def is_archive(self) -> bool:
        """Whether a ZIP is the attachment itself, not its wrapper: its format or name says so."""
        return (self.attachment.text(wire.FORMAT) or extension(self.name)).lower().lstrip(".") == "zip"

    @property
    def description(self) -> str | None:
        """That beside the content first."""
        return self.attachment.text(wire.DESCRIPTION) or self.reference.text(wire.DESCRIPTION)


def read_parts(root: Node, notes: Notes) -> list[Part]:
    """All attachments in the manifest's order. Raises ``Unreadable``: E_ATT_LINK, E_ATT_B64 or E_LEN."""
    manifest = _by_id(_references(root, notes), wire.REFERENCE, notes)
    encoded = _by_id(_contents(root), wire.ATTACHMENT, notes)
    if manifest.keys() != encoded.keys():
        lonely = place_of(min(manifest.keys() ^ encoded.keys()))
        raise Unreadable(Reason.E_ATT_LINK, f"{lonely} stands in the manifest or at a content, not at both.")
    return [_part(key, node, encoded[key], notes) for key, node in manifest.items()]


def _references(root: Node, notes: Notes) -> list[Node]:
    """The manifest's entries; it may be called Manifest (T16)."""
    body = (root.first(wire.ENVELOPE) or root).first(wire.BODY)
    manifest = body.first(wire.MANIFEST, wire.MANIFEST_SHORT) if body else None
    if manifest is None:
        return []
    if manifest.name == wire.MANIFEST_SHORT.name:
        notes.add(Tolerance.T16)
    return [node for node in manifest.all(wire.REFERENCE) if not node.is_empty()]


def _contents(root: Node) -> list[Node]:
    """The contents, below the root or wherever an envelope that is the root leaves room for them."""
    envelope = root.first(wire.ENVELOPE)
    blocks = [block for node in (root, envelope) if node for block in node.all(wire.ATTACHMENTS)]
    return [node for block in blocks for node in block.all(wire.ATTACHMENT) if not node.is_empty()]


def _by_id(nodes: list[Node], field: wire.Field, notes: Notes) -> dict[str, Node]:
    found: dict[str, Node] = {}
    for node in nodes:
        key = comparable(_content_id(Fields(node, field.name, notes), node, notes))
        if found.setdefault(key, node) is not node:
            raise Unreadable(Reason.E_ATT_LINK, f"Two {field} elements are {place_of(key)}.")
    return found


def _content_id(fields: Fields, node: Node, notes: Notes) -> str:
    """Without ``cid:``, of which there may be none or several (T15); an old manifest points by ``href``."""
    text = fields.text(wire.CONTENT_ID) or (node.href or "")[: wire.CONTENT_ID.max_chars].strip()
    key = text
    while key[: len(wire.CID)].lower() == wire.CID:
        key = key[len(wire.CID) :].strip()
    if not comparable(key):
        fields.refuse(Reason.E_ATT_LINK, wire.CONTENT_ID, "is missing")
    if text != wire.CID + key:
        notes.add(Tolerance.T15)
    if comparable(key) != key:
        notes.add(Tolerance.T25)
    return key


def place_of(content_id: str) -> str:
    return f"Attachment {content_id}" if content_id.isprintable() and len(content_id) <= 60 else "An attachment"


def _part(key: str, reference: Node, content: Node, notes: Notes) -> Part:
    payloads = [node.payload for node in content.all(wire.CONTENT_ENCODED) if node.payload]
    place = place_of(key)
    if len(payloads) > 1:
        raise Unreadable(Reason.E_ATT_LINK, f"{place} has more than one content.")
    if not payloads or payloads[0].measured.size_bytes == 0:
        fault = payloads[0].fault if payloads else None
        raise Unreadable(Reason.E_ATT_B64, f"{place} is no base64: {fault}." if fault else f"{place} is empty.")
    return Part(Fields(reference, place, notes), Fields(content, place, notes), payloads[0], key)
