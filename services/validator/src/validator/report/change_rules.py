"""The rules of (4.1): what may become of an object after a signature, and why that is harmless.

One table for the analysis, the report and docs/validity.md. Each rule is a module of ``validator.diff``; its attacks
stand in ``tests/validator``. Stored reports name the rules, so that none is ever renamed.
"""

from dataclasses import dataclass
from enum import StrEnum


class ChangeRule(StrEnum):
    """Why an object may be written after a signature."""

    CATALOG = "catalog"
    INFORMATION = "information"
    METADATA = "metadata"
    VALIDATION_DATA = "validation_data"
    FORM = "form"
    PAGES = "pages"
    ANNOTATIONS = "annotations"
    STRUCTURE_TREE = "structure_tree"
    OUTPUT_INTENTS = "output_intents"
    REWRITTEN = "rewritten"
    UNUSED = "unused"


@dataclass(frozen=True, slots=True)
class ChangeRuleText:
    """One rule for people."""

    allows: str
    """English, for docs/validity.md."""
    vietnamese: str
    """For the page that people read."""
    source: str


CHANGE_RULES = {
    ChangeRule.CATALOG: ChangeRuleText(
        "the catalog is written again; form, validation data and metadata in it may come or change",
        "danh mục gốc của tệp", "ISO 32000-1 §7.7.2",
    ),
    ChangeRule.INFORMATION: ChangeRuleText(
        "document information between signatures; behind the last one, dates and tool of the last change",
        "thông tin tài liệu", "ISO 32000-1 §14.3.3",
    ),
    ChangeRule.METADATA: ChangeRuleText(
        "XMP metadata between signatures; behind the last one, dates and tool of the last change",
        "siêu dữ liệu XMP", "ISO 32000-1 §14.3.2",
    ),
    ChangeRule.VALIDATION_DATA: ChangeRuleText(
        "certificates, revocation lists and OCSP answers in the DSS",
        "dữ liệu kiểm tra dài hạn (DSS)", "EN 319 142-1 §5.4",
    ),
    ChangeRule.FORM: ChangeRuleText(
        "new signature fields, their signatures and appearances, and the form that lists them",
        "trường chữ ký, chữ ký và hình hiển thị", "ISO 32000-1 §12.7, §12.8",
    ),
    ChangeRule.PAGES: ChangeRuleText(
        "a page gains the widget of a new signature field, and means what it meant",
        "trang có thêm khung chữ ký", "ISO 32000-1 §12.5.6.19",
    ),
    ChangeRule.ANNOTATIONS: ChangeRuleText(
        "an annotation gains the /Type that it has anyway",
        "chú thích được ghi lại, không đổi nghĩa", "ISO 32000-1 table 164",
    ),
    ChangeRule.STRUCTURE_TREE: ChangeRuleText(
        "the structure tree gains elements that hold nothing but new signature fields",
        "cây cấu trúc có thêm trường chữ ký", "ISO 32000-1 §14.7, ISO 14289-1 §7.18",
    ),
    ChangeRule.OUTPUT_INTENTS: ChangeRuleText(
        "a document without output intent gains one that means sRGB",
        "không gian màu sRGB", "ISO 32000-1 §14.11.5",
    ),
    ChangeRule.REWRITTEN: ChangeRuleText(
        "an object is written again as it was", "đối tượng được ghi lại y nguyên", "ISO 32000-1 §7.5.6",
    ),
    ChangeRule.UNUSED: ChangeRuleText(
        "the file's own structure (object and cross-reference streams), and new objects that nothing refers to",
        "cấu trúc tệp và đối tượng không được dùng", "ISO 32000-1 §7.5.7, §7.5.8",
    ),
}  # fmt: skip
