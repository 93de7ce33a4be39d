"""Elements that must stand once, because readers differ in which of two they take."""

from collections import Counter

from common.domain.reason import Reason
from common.edxml import wire
from common.edxml.tree import Node
from common.edxml.unreadable import Unreadable

SINGLE = frozenset(
    field.name
    for field in (
        wire.ENVELOPE,
        wire.HEADER,
        wire.BODY,
        wire.MANIFEST,
        wire.MESSAGE_HEADER,
        wire.FROM,
        wire.ORGAN_ID,
        wire.DOCUMENT_ID,
        wire.STATUS_CODE,
        wire.TRACE_LIST,
        wire.BUSINESS,
        wire.BUSINESS_TYPE,
        wire.REASON,
        wire.DOCUMENT_INFO_BLOCK,
    )
)
"""Who sends what, and what it does, in whatever spelling. Of other repeated elements the first is read."""


def refuse_doubles(root: Node) -> None:
    """Raises ``Unreadable``: E_FROM for a second From, E_XML for a second of the other elements.

    The bytes go on to the receivers as they came: what was checked here must be what they read there.
    """
    waiting = [root]
    while waiting:
        node = waiting.pop()
        waiting.extend(node.children)
        if node.name != wire.ORGAN_ID_LIST.name:
            _refuse_doubles_in(node)


def _refuse_doubles_in(node: Node) -> None:
    names = (wire.SPELLINGS.get(child.name, child.name) for child in node.children if not child.is_empty())
    counts = Counter(name for name in names if name in SINGLE)
    for name, count in counts.items():
        if count > 1:
            reason = Reason.E_FROM if name == wire.FROM.name else Reason.E_XML
            raise Unreadable(reason, f"{node.name} holds more than one {name}.")
