"""How the codes of a PDF font read: by its ToUnicode map, or by its encoding."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pyhanko.pdf_utils import generic

from validator.pdf.entries import readable_entry
from validator.policy import SecrecyLimits

_GLYPHS = {
    "Acircumflexdotbelow": "Ậ", "acircumflexdotbelow": "ậ", "Ecircumflexdotbelow": "Ệ", "ecircumflexdotbelow": "ệ",
    "Ocircumflexacute": "Ố", "ocircumflexacute": "ố", "space": " ", "hyphen": "-", "period": ".",
}  # fmt: skip
"""Names of the letters that marks are made of."""
UNICODE_END = 0x110000


@dataclass(slots=True)
class Font:
    """How a font's codes read."""

    width: int = 1
    """Bytes of one code."""
    letters: dict[int, str] = field(default_factory=dict)

    def read(self, data: bytes) -> str:
        """Letters of a shown string, one a code; codes of simple fonts without a map read as Windows-1252."""
        if self.width == 1:
            return (
                data.decode("cp1252", "replace") if not self.letters else data.decode("latin-1").translate(self.letters)
            )
        codes = (int.from_bytes(data[at : at + self.width], "big") for at in range(0, len(data), self.width))
        return "".join(self.letters.get(code) or "\ufffd" for code in codes)


def read_font(font: Any, limits: SecrecyLimits) -> Font:
    """A font's dictionary. Raises anything on hostile bytes."""
    composite = readable_entry(font, "/Subtype") == "/Type0"
    made = Font(width=2 if composite else 1)
    if isinstance(listed := readable_entry(font, "/ToUnicode"), generic.StreamObject):
        made.letters.update(_unicode_map(bytes(listed.data)[: limits.max_font_map_bytes], limits.max_font_range))
    elif not composite and isinstance(encoding := readable_entry(font, "/Encoding"), generic.DictionaryObject):
        made.letters.update(_differences(readable_entry(encoding, "/Differences") or ()))
    return made


def _unicode_map(data: bytes, max_range: int) -> dict[int, str]:
    """The map of a ToUnicode stream (bfchar, bfrange); of one range, the first ``max_range`` codes and one more."""
    letters: dict[int, str] = {}
    for block in re.findall(rb"beginbfchar(.*?)endbfchar", data, re.DOTALL):
        for code, text in re.findall(rb"<([0-9A-Fa-f\s]+)>\s*<([0-9A-Fa-f\s]*)>", block):
            letters[int(code, 16)] = _utf16(text)
    for block in re.findall(rb"beginbfrange(.*?)endbfrange", data, re.DOTALL):
        ranges = rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*(?:<([0-9A-Fa-f]*)>|\[([^\]]*)\])"
        for first, last, text, listed in re.findall(ranges, block):
            start, end = int(first, 16), int(last, 16)
            many = re.findall(rb"<([0-9A-Fa-f\s]*)>", listed)
            for number, code in enumerate(range(start, min(end, start + max_range) + 1)):
                if many:
                    letters[code] = _utf16(many[number]) if number < len(many) else ""
                elif text:
                    letters[code] = _following(_utf16(text), number)
    return letters


def _following(text: str, number: int) -> str:
    last = ord(text[-1]) + number if text else 0
    return text[:-1] + chr(last) if 0 < last < UNICODE_END else ""


def _utf16(digits: bytes) -> str:
    digits = b"".join(digits.split())
    return bytes.fromhex(digits.decode()).decode("utf-16-be", "replace") if len(digits) % 2 == 0 else ""


def _differences(listed: Any) -> Iterator[tuple[int, str]]:
    code = 0
    for each in listed:
        if isinstance(each, generic.NumberObject):
            code = int(each)
            continue
        name = str(each).lstrip("/")
        if letter := _letter(name):
            yield code, letter
        code += 1


def _letter(name: str) -> str | None:
    if name in _GLYPHS:
        return _GLYPHS[name]
    if match := re.fullmatch(r"(?:uni|u)([0-9A-Fa-f]{4,6})", name):
        return chr(int(match[1], 16)) if int(match[1], 16) < UNICODE_END else None
    return name if len(name) == 1 else None
