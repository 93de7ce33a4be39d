"""What people see of a text: letters composed, look-alikes exchanged, invisible characters and strokes taken out.

Letters are exchanged while their marks stand apart: a Cyrillic A takes a circumflex and a dot as a Latin one does.
"""

import re
import unicodedata

_LETTERS = str.maketrans(
    # Cyrillic, Greek, Armenian
    "МТАУОСЕНКХРВІЈЅҮӀаоеусхіјѕһΜΤΑΥΟΕΗΚΧΡΒΙοιՍՕ"
    # Coptic, Cherokee, Lisu, small capitals
    "ⲘⲦⲀⲞⲈⲒᎷᎢᎪᎬꓟꓔꓮꓬꓳꓰꓲꓴᴍᴛᴀᴏᴇɪᴜʏ",
    "MTAYOCEHKXPBIJSYIaoeycxijshMTAYOEHKXPBIoiUO"
    "MTAOEIMTAEMTAYOEIUMTAOEIUY",
)  # fmt: skip
"""Letters that look like Latin ones."""
_MARKS = frozenset("\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u0309\u030a\u030b\u030c\u031b\u0323\u0327\u0328")
"""Marks that make another letter. Lines under, over and through letters do not."""
_LEFT_OVER = re.compile("[\u0300-\u036f]+")
_BLANK_PATTERN = 0x2800
_IGNORED_BLOCKS = (range(0x2065, 0x2066), range(0xFFF0, 0xFFF9), range(0xE0000, 0xE1000))
"""Not assigned, and default ignorable all the same (Unicode, DerivedCoreProperties)."""
MAX_KNOWN = 20_000
"""Characters that are remembered: more than the texts of a city hold, less than a hostile one can name."""


def seen(text: str) -> str:
    """The text as people see it, full-width and other compatible forms as plain letters."""
    if text.isascii():
        return text
    apart = unicodedata.normalize("NFKD", text).translate(_SIGHT)
    return _LEFT_OVER.sub("", unicodedata.normalize("NFC", apart))


class _Sight(dict[int, int | str | None]):
    """How each character looks; decided when it is first met."""

    def __missing__(self, code: int) -> int | str | None:
        look = _look(chr(code))
        if len(self) < MAX_KNOWN:
            self[code] = look
        return look


def _look(character: str) -> int | str | None:
    """The character itself or another; None = nobody sees it."""
    code, category = ord(character), unicodedata.category(character)
    if category in ("Cf", "Me") or (category == "Mn" and character not in _MARKS):
        return None
    if category in ("Zl", "Zp"):
        return "\n"
    if code == _BLANK_PATTERN or (category == "Lo" and unicodedata.name(character, "").endswith(" FILLER")):
        return " "
    if category == "Cn" and any(code in block for block in _IGNORED_BLOCKS):
        return None
    return code


_SIGHT = _Sight(_LETTERS)
