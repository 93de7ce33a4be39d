"""edXML 102 packages (QCVN 102:2016/BTTTT): parse them from bytes, build them, never trust them. See docs/edxml.md."""

from common.edxml.attachments import attachment_of
from common.edxml.build import build
from common.edxml.dates import check_dates
from common.edxml.limits import Limits
from common.edxml.parse import Parsed, parse
from common.edxml.tolerance import Tolerance
from common.edxml.unreadable import Unreadable

__all__ = ["Limits", "Parsed", "Tolerance", "Unreadable", "attachment_of", "build", "check_dates", "parse"]
