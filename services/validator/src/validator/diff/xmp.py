"""Behind the last signature, the dates and the tool of the last change in the XMP metadata.

Tools renew them, and the identifier of the instance (XMP part 2 §2.2), when they add validation data or a time stamp.
Metadata is compared by meaning, not as text, because tools write the same properties in another order. The same bytes
are the same metadata, whether they can be read or not. Other bytes that cannot be read as XMP are a change.
"""

import io
import re
from typing import Any

from pyhanko.pdf_utils.metadata.model import (
    NS,
    PDF_PRODUCER,
    XMP_CREATEDATE,
    XMP_CREATORTOOL,
    XMP_MODDATE,
    ExpandedName,
)
from pyhanko.pdf_utils.metadata.xmp_xml import parse_xmp

from validator.diff.change_not_allowed import ChangeNotAllowed

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


def check_renewed(before: bytes | None, now: bytes) -> None:
    """Raises ``ChangeNotAllowed`` if the metadata says more than another date and tool. ``before``: None = none."""
    if before != now:
        _check_properties({} if before is None else _properties(before), _properties(now))


def _check_properties(before: dict[Any, Any], now: dict[Any, Any]) -> None:
    for name in before.keys() | now.keys():
        if before.get(name) != now.get(name) and name not in (RENEWED if name in before else FIRST):
            raise ChangeNotAllowed("metadata changed")
    for name, meaning in FORMS.items():
        if name in now and now[name] != before.get(name) and not meaning.fullmatch(str(now[name].value)):
            raise ChangeNotAllowed(f"{name} says something else")


def _properties(data: bytes) -> dict[Any, Any]:
    if b"<!" in data:
        raise ChangeNotAllowed("metadata holds more than properties")
    properties: dict[Any, Any] = {}
    try:
        for part in parse_xmp(io.BytesIO(data)):
            for name, value in part:
                if properties.setdefault(name, value) != value:
                    raise ChangeNotAllowed("metadata says two things of a property")
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ChangeNotAllowed("metadata not readable") from error
    return properties
