"""Names of X.500, compared by value (RFC 5280 §7.1): encodings do not matter, nor do case and blanks."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from validator.cms import ber
from validator.cms.ber import Element
from validator.policy import CmsLimits

UTF8_STRING, NUMERIC_STRING, PRINTABLE_STRING, TELETEX_STRING, IA5_STRING, VISIBLE_STRING = 12, 18, 19, 20, 22, 26
UNIVERSAL_STRING, BMP_STRING = 28, 30
EIGHT_BIT = frozenset({UTF8_STRING, NUMERIC_STRING, PRINTABLE_STRING, TELETEX_STRING, IA5_STRING, VISIBLE_STRING})
WIDE = {BMP_STRING: "utf-16-be", UNIVERSAL_STRING: "utf-32-be"}
REMEMBERED = 4096
EMAIL_ADDRESS, COMMON_NAME = "1.2.840.113549.1.9.1", "2.5.4.3"
SHORT = {
    COMMON_NAME: "CN", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.6": "C",
    "2.5.4.9": "STREET", "0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
}  # fmt: skip
"""Short names of attributes (RFC 4514 §3)."""
ESCAPED = frozenset('",+;<>\\')
DROPPED = frozenset("\u00ad\u034f\u1806\u180b\u180c\u180d\u200b\ufffc")
"""Characters that mean nothing in a comparison (RFC 4518 §2.2)."""

Value = tuple[str, str] | tuple[int, bytes]
"""Text, prepared to be compared, marked with an empty string; or tag and bytes of what is no text."""
Attribute = tuple[str, Value]
RelativeName = frozenset[Attribute]


@dataclass(frozen=True)
class Name:
    """A distinguished name."""

    raw: bytes
    """As it is encoded."""
    parts: tuple[RelativeName, ...]
    """Prepared to be compared; the most general part first."""
    texts: tuple[tuple[tuple[str, str], ...], ...]
    """Object identifier and text of each attribute, as written."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Name) and self.parts == other.parts

    def __hash__(self) -> int:
        return hash(self.parts)  # not remembered: a hash of texts differs in every process

    def __bool__(self) -> bool:
        return bool(self.parts)

    @cached_property
    def key(self) -> str:
        """Equal for equal names, across processes."""
        return repr([sorted(part, key=repr) for part in self.parts])

    def is_within(self, subtree: "Name") -> bool:
        """Whether the name lies at or below another."""
        return self.parts[: len(subtree.parts)] == subtree.parts

    def values_of(self, attribute: str) -> list[str]:
        """Texts of all attributes of that kind."""
        return [text for part in self.texts for kind, text in part if kind == attribute]

    def rfc4514_string(self) -> str:
        """The name as text for people, the most special part first (RFC 4514)."""
        return self._rfc4514

    @cached_property
    def _rfc4514(self) -> str:
        return ",".join("+".join(f"{SHORT.get(kind, kind)}={_escaped(text)}" for kind, text in part)
                        for part in reversed(self.texts))  # fmt: skip


@lru_cache(maxsize=REMEMBERED)
def read_name(raw: bytes, limits: CmsLimits) -> Name:
    """A name. Raises ``ValueError`` for bytes that are none."""
    sets = [list(_attributes(part)) for part in ber.read_whole(raw, limits)]
    if not all(sets):
        raise ValueError("empty part of a name")
    return Name(
        raw,
        tuple(frozenset((kind, _comparable(value)) for kind, value in part) for part in sets),
        tuple(tuple((kind, _shown(value)) for kind, value in part) for part in sets),
    )


def read_relative_name(content: Element) -> RelativeName:
    """The attributes inside of an element, as one part of a name."""
    return frozenset((kind, _comparable(value)) for kind, value in _pairs(content))


def _attributes(part: Element) -> Iterator[tuple[str, Element]]:
    return _pairs(part.expect(ber.SET))


def _pairs(part: Element) -> Iterator[tuple[str, Element]]:
    for attribute in part:
        kind, value = attribute.expect(ber.SEQUENCE)
        yield kind.oid(), value


def text_of(value: Element) -> str | None:
    """The text of a string of any type; None = it is no text.

    Certificates are in use whose PrintableString or TeletexString holds UTF-8, or Latin-1: either is read.
    """
    try:
        if value.tag in EIGHT_BIT:
            return _eight_bit_text(value.content)
        return value.content.decode(WIDE[value.tag]) if value.tag in WIDE else None
    except UnicodeDecodeError:
        return None


def _eight_bit_text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def _comparable(value: Element) -> Value:
    text = text_of(value)
    return (value.tag, value.content) if text is None else ("", prepared(text))


def _shown(value: Element) -> str:
    text = text_of(value)
    return f"#{value.raw.hex()}" if text is None else text


def prepared(text: str) -> str:
    """A text without regard to case, blanks and forms of the same character (RFC 4518 §2, RFC 5280 §7.1)."""
    if not (text.isascii() and text.isprintable()):
        text = unicodedata.normalize("NFKC", "".join(_mapped(each) for each in text))
        text = unicodedata.normalize("NFKC", text.casefold())
    return " ".join(text.casefold().split())


def _mapped(character: str) -> str:
    kind = unicodedata.category(character)
    if character in DROPPED or "\ufe00" <= character <= "\ufe0f":
        return ""
    if kind in ("Zs", "Zl", "Zp") or character in "\t\n\v\f\r\x85":
        return " "
    return "" if kind in ("Cc", "Cf") else character


def _escaped(text: str) -> str:
    """Special characters with a backslash (RFC 4514 §2.4)."""
    shown = "".join(f"\\{each}" if each in ESCAPED else "\\00" if each == "\0" else each for each in text)
    if shown.startswith((" ", "#")) and not shown.startswith(r"#0"):
        shown = "\\" + shown
    return shown[:-1] + "\\ " if shown.endswith(" ") and not shown.endswith("\\ ") else shown
