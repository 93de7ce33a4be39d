"""(e) Behind the last signature, the dates and the tool of the last change in the XMP metadata.

Tools renew them, and the identifier of the instance (XMP part 2 §2.2), when they add validation data or a time stamp.
Metadata is compared by meaning, not as text, because tools write the same properties in another order. The same bytes
are the same metadata, readable or not; other bytes that cannot be read as XMP are a change.
"""

import io
import re
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

from validator.pdf.schema import METADATA_KEYS
from validator.policy import DifferenceLimits

MM = "http://ns.adobe.com/xap/1.0/mm/"
INSTANCE, DOCUMENT = ExpandedName(ns=MM, local_name="InstanceID"), ExpandedName(ns=MM, local_name="DocumentID")
FORMAT = ExpandedName(ns=NS["dc"], local_name="format")
ABOUT = ExpandedName(ns=NS["rdf"], local_name="about")
METADATA_DATE = ExpandedName(ns=NS["xmp"], local_name="MetadataDate")
TIME = re.compile(r"[0-9]{4}[0-9T:.Z+-]{0,31}")
IDENTIFIER = re.compile(r"(uuid:|xmp\.[id]id:)[0-9A-Fa-f-]{32,36}")
FORMS = {
    **dict.fromkeys((XMP_MODDATE, XMP_CREATEDATE, METADATA_DATE), TIME),
    INSTANCE: IDENTIFIER,
    DOCUMENT: IDENTIFIER,
    FORMAT: re.compile("application/pdf"),
    ABOUT: re.compile(f"({IDENTIFIER.pattern})?"),
}
"""What these properties look like where they are new: nothing that anybody reads."""
RENEWED = frozenset({XMP_MODDATE, PDF_PRODUCER, METADATA_DATE, INSTANCE})
FIRST = RENEWED | {XMP_CREATEDATE, XMP_CREATORTOOL, DOCUMENT, FORMAT, ABOUT}
"""What metadata may have in addition where there was none."""


class XmpRule(WhitelistRule):
    """The metadata stream, where nothing else differs."""

    def __init__(self, limits: DifferenceLimits) -> None:
        self._limits = limits

    def apply(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[ReferenceUpdate]:
        """The stream's object."""
        before, now = _metadata(old, self._limits), _metadata(new, self._limits)
        if before != now:
            if now is None:
                raise SuspiciousModification("metadata taken away")
            _check_properties({} if before is None else _properties(before), _properties(now))
        # The syntax is checked above, more strictly than pyHanko would.
        return MetadataUpdateRule(check_xml_syntax=False).apply(old, new)


def _check_properties(before: dict[Any, Any], now: dict[Any, Any]) -> None:
    for name in before.keys() | now.keys():
        if before.get(name) != now.get(name) and name not in (RENEWED if name in before else FIRST):
            raise SuspiciousModification("metadata changed")
    for name, meaning in FORMS.items():
        if name in now and now[name] != before.get(name) and not meaning.fullmatch(str(now[name].value)):
            raise SuspiciousModification(f"{name} says something else")


def _metadata(view: HistoricalResolver, limits: DifferenceLimits) -> bytes | None:
    """The text of the stream, which holds nothing but that; None = there is none."""
    if "/Metadata" not in view.root:
        return None
    place = view.root.raw_get("/Metadata")
    if not isinstance(place, generic.IndirectObject):
        raise SuspiciousModification("metadata is no object of its own")
    reference = generic.Reference(place.idnum, place.generation, view.reader)
    stream = view.reader.get_object(reference, revision=view.revision)
    if not isinstance(stream, generic.StreamObject) or not set(stream) <= METADATA_KEYS:
        raise SuspiciousModification("metadata is no plain stream")
    data = stream.read_data(DecodePurpose.XMP_METADATA)
    if len(data) > limits.max_xmp_bytes:
        raise SuspiciousModification("metadata too long")
    return bytes(data)


def _properties(data: bytes) -> dict[Any, Any]:
    if b"<!" in data:
        raise SuspiciousModification("metadata holds more than properties")
    properties: dict[Any, Any] = {}
    try:
        for part in parse_xmp(io.BytesIO(data)):
            for name, value in part:
                if properties.setdefault(name, value) != value:
                    raise SuspiciousModification("metadata says two things of a property")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise SuspiciousModification("metadata not readable") from error
    return properties
