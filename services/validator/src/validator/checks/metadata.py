"""(4.1) The XMP metadata behind the last signature: the dates and the tool of the last change may differ, nothing else.

Tools renew them when they add validation data or a time stamp. Compared by meaning, not as text: tools write the same
properties in another order. What cannot be read as XMP is a change.
"""

import io
from collections.abc import Iterable
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.decode_limits import DecodePurpose
from pyhanko.pdf_utils.metadata.model import (
    NS,
    PDF_PRODUCER,
    XMP_CREATEDATE,
    XMP_CREATORTOOL,
    XMP_MODDATE,
    ExpandedName,
)
from pyhanko.pdf_utils.metadata.xmp_xml import parse_xmp
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import SuspiciousModification
from pyhanko.sign.diff_analysis.rules.metadata_rules import MetadataUpdateRule
from pyhanko.sign.diff_analysis.rules_api import ReferenceUpdate, WhitelistRule

MAX_BYTES = 1024 * 1024
STREAM_KEYS = frozenset({"/Type", "/Subtype", "/Length", "/Filter", "/DecodeParms"})
RENEWED = frozenset({XMP_MODDATE, PDF_PRODUCER, ExpandedName(ns=NS["xmp"], local_name="MetadataDate")})
FIRST = RENEWED | {XMP_CREATEDATE, XMP_CREATORTOOL}
"""What metadata may say where there was none."""


class MetadataDateRule(WhitelistRule):
    """The metadata stream, where it says what it said before."""

    def apply(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[ReferenceUpdate]:
        """The stream's object."""
        before, now = _properties(old), _properties(new)
        if before != now:
            if now is None:
                raise SuspiciousModification("metadata taken away")
            if before is None and not now.keys() <= FIRST:
                raise SuspiciousModification("metadata added")
            if before is not None and _kept(before) != _kept(now):
                raise SuspiciousModification("metadata changed")
        # Its own look at the syntax is done above, and stricter.
        return MetadataUpdateRule(check_xml_syntax=False).apply(old, new)


def _properties(view: HistoricalResolver) -> dict[Any, Any] | None:
    if "/Metadata" not in view.root:
        return None
    place = view.root.raw_get("/Metadata")
    if not isinstance(place, generic.IndirectObject):
        raise SuspiciousModification("metadata is no object of its own")
    reference = generic.Reference(place.idnum, place.generation, view.reader)
    stream = view.reader.get_object(reference, revision=view.revision)
    if not isinstance(stream, generic.StreamObject) or not set(stream) <= STREAM_KEYS:
        raise SuspiciousModification("metadata is no plain stream")
    data = stream.read_data(DecodePurpose.XMP_METADATA)
    if len(data) > MAX_BYTES or b"<!" in data:
        raise SuspiciousModification("metadata too long, or more than properties")
    found: dict[Any, Any] = {}
    try:
        for part in parse_xmp(io.BytesIO(data)):
            for name, value in part:
                if name in found:
                    raise SuspiciousModification("metadata names a property twice")
                found[name] = value
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SuspiciousModification("metadata not readable") from error
    return found


def _kept(properties: dict[Any, Any]) -> dict[Any, Any]:
    return {name: value for name, value in properties.items() if name not in RENEWED}
