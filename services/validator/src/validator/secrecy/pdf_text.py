"""The text of a PDF page as people see it, by segments: enough to find a stamp, cheap enough for every document.

No layout engine: text operators are picked out of the content by one expression, codes are turned into letters by the
font's ToUnicode map or its encoding, and pieces on one line belong together unless a wide gap lies between them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pyhanko.pdf_utils import generic

from validator.secrecy.search import Missed

MAX_CONTENT_BYTES = 2 * 1024 * 1024
MAX_MAP_BYTES = 512 * 1024
MAX_OPERATORS = 60_000
MAX_FORMS = 60
GAP_EMS = 2.5
"""A wider gap between two pieces separates columns, or a stamp from the text beside it."""
CHARACTER_EMS = 0.55

_NUMBER = rb"(?<![\w.])[-+]?(?:\d{1,15}+\.?+\d*+|\.\d++)"
_STRING = rb"\((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*+\))*+\)|<[0-9A-Fa-f\s]*+>"
_OPERATOR = re.compile(
    rb"(?P<show>" + _STRING + rb")\s*+(?:Tj|'|\")"
    rb"|\[(?P<array>(?:\s|" + rb"[-+.\d]|" + _STRING + rb")*+)\]\s*+TJ"
    rb"|(?P<mx>" + _NUMBER + rb")\s++" + _NUMBER + rb"\s++" + _NUMBER + rb"\s++(?P<my>" + _NUMBER + rb")\s++"
    rb"(?P<e>" + _NUMBER + rb")\s++(?P<f>" + _NUMBER + rb")\s++Tm\b"
    rb"|(?P<dx>" + _NUMBER + rb")\s++(?P<dy>" + _NUMBER + rb")\s++T[dD]\b"
    rb"|/(?P<font>[^\s/<>\[\]()]{1,120}+)\s++(?P<size>" + _NUMBER + rb")\s++Tf\b"
    rb"|(?P<next>T\*)|(?P<begin>\bBT\b)"
    rb"|/(?P<form>[^\s/<>\[\]()]{1,120}+)\s++Do\b",
    re.DOTALL,
)  # fmt: skip
_PIECE = re.compile(rb"(?P<string>" + _STRING + rb")|(?P<number>[-+]?(?:\d{1,15}+\.?+\d*+|\.\d++))", re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|\r\n|(.))", re.DOTALL)
_PLAIN = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\n": b"", b"\r": b""}

_GLYPHS = {
    "Acircumflexdotbelow": "Ậ", "acircumflexdotbelow": "ậ", "Ecircumflexdotbelow": "Ệ", "ecircumflexdotbelow": "ệ",
    "Ocircumflexacute": "Ố", "ocircumflexacute": "ố", "space": " ", "hyphen": "-", "period": ".",
}  # fmt: skip
"""Names of the letters that marks are made of."""


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


@dataclass(slots=True)
class Segments:
    """Pieces of text put together as they come."""

    made: list[str] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    end: tuple[float, float] | None = None
    """Where the last piece ended."""

    def add(self, text: str, x: float, y: float, em: float) -> None:
        """One piece at its place."""
        if self.end is not None:
            gap, drop = x - self.end[0], abs(y - self.end[1])
            if drop > 0.35 * em or gap > GAP_EMS * em or gap < -8 * em:
                self.close()
            elif gap > 0.2 * em:
                self.pieces.append(" ")
        self.pieces.append(text)
        self.end = (x + len(text) * CHARACTER_EMS * em, y)

    def close(self) -> None:
        """The segment is whole."""
        if text := "".join(self.pieces).strip():
            self.made.append(text)
        self.pieces, self.end = [], None


class PageReader:
    """Reads pages of one document; fonts are read once."""

    def __init__(self, missed: Missed) -> None:
        """``missed`` learns of pages that hold more than is read."""
        self._missed = missed
        self._fonts: dict[object, Font] = {}
        self._forms = 0

    def text(self, content: bytes, resources: Any, depth: int = 0) -> str:
        """Lines of the text that the content shows, forms in it included."""
        segments = Segments()
        if len(content) > MAX_CONTENT_BYTES:
            self._missed.beyond.append("page")
        fonts = _dictionary(resources, "/Font")
        objects = _dictionary(resources, "/XObject")
        font, em, size = Font(), 10.0, 10.0
        x = y = left = scale = 0.0
        nested: list[str] = []
        for count, found in enumerate(_OPERATOR.finditer(content[:MAX_CONTENT_BYTES])):
            if count > MAX_OPERATORS:
                self._missed.beyond.append("page")
                break
            kind = found.lastgroup
            if found["show"] is not None:
                shown = font.read(_unquoted(found["show"]))
                segments.add(shown, x, y, em)
                x += len(shown) * CHARACTER_EMS * em
            elif found["array"] is not None:
                shown = _array(found["array"], font)
                segments.add(shown, x, y, em)
                x += len(shown) * CHARACTER_EMS * em
            elif kind == "f":
                scale = abs(float(found["my"])) or abs(float(found["mx"])) or 1.0
                x = left = float(found["e"])
                y, em = float(found["f"]), size * scale
            elif kind == "dy":
                step = scale or 1.0
                left += float(found["dx"]) * step
                x, y = left, y + float(found["dy"]) * step
            elif kind == "size":
                size = abs(float(found["size"])) or 1.0
                em = size * (scale or 1.0)
                font = self._font(fonts, "/" + found["font"].decode("latin-1"))
            elif kind == "next":
                x, y = left, y - em
            elif kind == "begin":
                x = y = left = 0.0
                scale, em = 1.0, size
            elif kind == "form":
                nested.append(self._form(objects, "/" + found["form"].decode("latin-1"), resources, depth))
        segments.close()
        return "\n".join([*segments.made, *nested])

    def stream(self, form: Any, resources: Any, depth: int = 0) -> str:
        """Text of a form or an annotation's appearance."""
        self._forms += 1
        if not isinstance(form, generic.StreamObject):
            return ""
        if depth > 3 or self._forms > MAX_FORMS:
            self._missed.beyond.append("form on a page")
            return ""
        return self.text(bytes(form.data), entry(form, "/Resources") or resources, depth + 1)

    def _form(self, objects: Any, name: str, resources: Any, depth: int) -> str:
        try:
            form = entry(objects, name)
            if form is None or entry(form, "/Subtype") != "/Form":
                return ""
            return self.stream(form, resources, depth)
        except Exception:
            return ""

    def _font(self, fonts: Any, name: str) -> Font:
        try:
            if name not in fonts:
                return Font()
            raw = fonts.raw_get(name)
            key = raw.reference if isinstance(raw, generic.IndirectObject) else (id(fonts), name)
            if key not in self._fonts:
                self._fonts[key] = _font_of(fonts[name])
            return self._fonts[key]
        except Exception:
            return Font()


def _font_of(font: Any) -> Font:
    composite = entry(font, "/Subtype") == "/Type0"
    made = Font(width=2 if composite else 1)
    if isinstance(listed := entry(font, "/ToUnicode"), generic.StreamObject):
        made.letters.update(_unicode_map(bytes(listed.data)[:MAX_MAP_BYTES]))
    elif not composite and isinstance(encoding := entry(font, "/Encoding"), generic.DictionaryObject):
        made.letters.update(_differences(entry(encoding, "/Differences") or ()))
    return made


def _unicode_map(data: bytes) -> dict[int, str]:
    """The map of a ToUnicode stream (bfchar, bfrange)."""
    letters: dict[int, str] = {}
    for block in re.findall(rb"beginbfchar(.*?)endbfchar", data, re.DOTALL):
        for code, text in re.findall(rb"<([0-9A-Fa-f\s]+)>\s*<([0-9A-Fa-f\s]*)>", block):
            letters[int(code, 16)] = _utf16(text)
    for block in re.findall(rb"beginbfrange(.*?)endbfrange", data, re.DOTALL):
        ranges = rb"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>\s*(?:<([0-9A-Fa-f]*)>|\[([^\]]*)\])"
        for first, last, text, listed in re.findall(ranges, block):
            start, end = int(first, 16), int(last, 16)
            many = re.findall(rb"<([0-9A-Fa-f\s]*)>", listed)
            for number, code in enumerate(range(start, min(end, start + 4096) + 1)):
                if many:
                    letters[code] = _utf16(many[number]) if number < len(many) else ""
                elif text:
                    letters[code] = _following(_utf16(text), number)
    return letters


def _following(text: str, number: int) -> str:
    last = ord(text[-1]) + number if text else 0
    return text[:-1] + chr(last) if 0 < last < 0x110000 else ""


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
    if found := re.fullmatch(r"(?:uni|u)([0-9A-Fa-f]{4,6})", name):
        return chr(int(found[1], 16)) if int(found[1], 16) < 0x110000 else None
    return name if len(name) == 1 else None


def _array(data: bytes, font: Font) -> str:
    """A TJ array; a wide step inside it is a blank."""
    out: list[str] = []
    for piece in _PIECE.finditer(data):
        if piece["string"] is not None:
            out.append(font.read(_unquoted(piece["string"])))
        elif float(piece["number"]) < -200:
            out.append(" ")
    return "".join(out)


def _unquoted(text: bytes) -> bytes:
    if text[:1] == b"<":
        digits = b"".join(text[1:-1].split())
        return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())
    inner = text[1:-1]
    return _ESCAPE.sub(_escaped, inner) if b"\\" in inner else inner


def _escaped(found: re.Match[bytes]) -> bytes:
    if found[1]:
        return bytes([int(found[1], 8) & 0xFF])
    return _PLAIN.get(found[2], found[2]) if found[2] else b""


def entry(dictionary: Any, key: str) -> Any:
    """An entry with references followed (``get`` does not follow them); None = absent or unreadable."""
    try:
        return dictionary[key] if key in dictionary else None  # noqa: SIM401
    except Exception:
        return None


def _dictionary(resources: Any, key: str) -> Any:
    found = entry(resources, key)
    return found if isinstance(found, generic.DictionaryObject) else generic.DictionaryObject()
