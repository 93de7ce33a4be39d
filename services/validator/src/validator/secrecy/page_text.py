"""The text of a PDF page as people see it, by segments: enough to find a stamp, cheap enough for every document.

There is no layout engine. One expression picks the text operators out of the content, fonts turn codes into letters,
and pieces on one line belong together unless a wide gap lies between them.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from pyhanko.pdf_utils import generic

from validator.patterns import compiled
from validator.pdf.entries import entry, readable_entry
from validator.policy import SecrecyLimits
from validator.secrecy.fonts import Font, read_font
from validator.secrecy.search import Scan
from validator.secrecy.stream_data import stream_data

_NUMBER = rb"(?<![\w.])[-+]?(?:\d{1,15}+\.?+\d*+|\.\d++)"
_STRING = rb"\((?:[^()\\]|\\.|\((?:[^()\\]|\\.)*+\))*+\)|<[0-9A-Fa-f\s]*+>"
_OPERATOR = compiled(
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
_PIECE = compiled(rb"(?P<string>" + _STRING + rb")|(?P<number>[-+]?(?:\d{1,15}+\.?+\d*+|\.\d++))", re.DOTALL)
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|\r\n|(.))", re.DOTALL)
_PLAIN = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\n": b"", b"\r": b""}


@dataclass(slots=True)
class Segments:
    """Pieces of text put together in the order in which they are drawn."""

    limits: SecrecyLimits
    complete: list[str] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)
    end: tuple[float, float] | None = None
    """Where the last piece ended."""
    word_start: float | None = None
    """Where the last piece began, if it is more than a letter with its mark."""

    def add(self, text: str, x: float, y: float, em: float) -> None:
        """Add one piece at its place; ``em``: size of its font."""
        limits = self.limits
        if self.end is not None:
            gap, drop = x - self.end[0], abs(y - self.end[1])
            is_apart = gap > limits.column_gap_ems * em or gap < -limits.max_step_back_ems * em
            is_over = self.word_start is not None and x <= self.word_start
            if drop > limits.line_drop_ems * em or is_apart or is_over:
                self.close()
            elif gap > limits.word_gap_ems * em:
                self.pieces.append(" ")
        self.pieces.append(text)
        self.end = (x + len(text) * limits.character_ems * em, y)
        self.word_start = x if len(text.strip()) > 2 else None

    def close(self) -> None:
        """End the segment."""
        if text := "".join(self.pieces).strip():
            self.complete.append(text)
        self.pieces, self.end = [], None


class PageReader:
    """Reads pages of one document; each font is read once."""

    def __init__(self, scan: Scan) -> None:
        self.scan = scan
        self._fonts: dict[object, Font] = {}
        self._forms = 0

    def text(self, content: bytes, resources: Any, depth: int = 0) -> str:
        """Lines of the text that the content shows, forms in it included."""
        limits, missed = self.scan.limits, self.scan.missed
        if len(content) > limits.max_content_bytes:
            missed.beyond.append("page")
        drawing = _Drawing(self, resources, depth, limits)
        for count, operator in enumerate(_OPERATOR.finditer(content[: limits.max_content_bytes])):
            if count > limits.max_operators:
                missed.beyond.append("page")
                break
            _OPERATORS[operator.lastgroup](drawing, operator)
        drawing.segments.close()
        return "\n".join([*drawing.segments.complete, *drawing.forms])

    def form_text(self, form: Any, resources: Any, depth: int = 0) -> str:
        """Text of a form or of an annotation's appearance. ``resources``: for a form that has none of its own."""
        self._forms += 1
        if not isinstance(form, generic.StreamObject):
            return ""
        if depth > self.scan.limits.max_form_depth or self._forms > self.scan.limits.max_forms:
            self.scan.missed.beyond.append("form on a page")
            return ""
        return self.text(self.data(form), readable_entry(form, "/Resources") or resources, depth + 1)

    def data(self, stream: Any) -> bytes:
        """The data of a stream of content, one byte beyond the limit at most; what does not unpack is noted."""
        made = stream_data(stream, self.scan.limits.max_content_bytes + 1, self.scan.limits)
        if made.fault:
            self.scan.missed.closed.append("page content that does not unpack")
        return made.data

    def font(self, fonts: Any, name: str) -> Font:
        """The font of that name; a simple one where it cannot be read."""
        try:
            if name not in fonts:
                return Font()
            raw = fonts.raw_get(name)
            key = raw.reference if isinstance(raw, generic.IndirectObject) else (id(fonts), name)
            if key not in self._fonts:
                self._fonts[key] = read_font(fonts[name], self.scan.limits)
            return self._fonts[key]
        except Exception:
            return Font()


class _Drawing:
    """The state of one content stream while its operators are followed (ISO 32000-1 §9.4)."""

    def __init__(self, reader: PageReader, resources: Any, depth: int, limits: SecrecyLimits) -> None:
        self.segments = Segments(limits)
        self.forms: list[str] = []
        """Text of the forms that the content shows."""
        self._reader, self._resources, self._depth, self._limits = reader, resources, depth, limits
        self._fonts = _dictionary(resources, "/Font")
        self._objects = _dictionary(resources, "/XObject")
        self._font, self._em, self._size = Font(), 10.0, 10.0
        self._x = self._y = self._left = self._scale = 0.0

    def show_string(self, operator: re.Match[bytes]) -> None:
        """``Tj``, ``'`` or ``"``."""
        self._show(self._font.read(_unquoted(operator["show"])))

    def show_array(self, operator: re.Match[bytes]) -> None:
        """``TJ``."""
        self._show(_array_text(operator["array"], self._font, self._limits.word_gap_thousandths))

    def _show(self, text: str) -> None:
        self.segments.add(text, self._x, self._y, self._em)
        self._x += len(text) * self._limits.character_ems * self._em

    def set_matrix(self, operator: re.Match[bytes]) -> None:
        """``Tm``."""
        self._scale = abs(float(operator["my"])) or abs(float(operator["mx"])) or 1.0
        self._x = self._left = float(operator["e"])
        self._y, self._em = float(operator["f"]), self._size * self._scale

    def move(self, operator: re.Match[bytes]) -> None:
        """``Td`` or ``TD``."""
        step = self._scale or 1.0
        self._left += float(operator["dx"]) * step
        self._x, self._y = self._left, self._y + float(operator["dy"]) * step

    def set_font(self, operator: re.Match[bytes]) -> None:
        """``Tf``."""
        self._size = abs(float(operator["size"])) or 1.0
        self._em = self._size * (self._scale or 1.0)
        self._font = self._reader.font(self._fonts, "/" + operator["font"].decode("latin-1"))

    def next_line(self, _operator: re.Match[bytes]) -> None:
        """``T*``."""
        self._x, self._y = self._left, self._y - self._em

    def begin_text(self, _operator: re.Match[bytes]) -> None:
        """``BT``."""
        self._x = self._y = self._left = 0.0
        self._scale, self._em = 1.0, self._size

    def show_form(self, operator: re.Match[bytes]) -> None:
        """``Do``, if it names a form."""
        name = "/" + operator["form"].decode("latin-1")
        form = self._reader.scan.tried("form on a page", lambda: entry(self._objects, name), None)
        is_form = isinstance(form, generic.StreamObject) and readable_entry(form, "/Subtype") == "/Form"
        self.forms.append(self._reader.form_text(form, self._resources, self._depth) if is_form else "")


_OPERATORS: dict[str | None, Callable[[_Drawing, re.Match[bytes]], None]] = {
    "show": _Drawing.show_string,
    "array": _Drawing.show_array,
    "f": _Drawing.set_matrix,
    "dy": _Drawing.move,
    "size": _Drawing.set_font,
    "next": _Drawing.next_line,
    "begin": _Drawing.begin_text,
    "form": _Drawing.show_form,
}
"""By the last group of the expression that matched."""


def _array_text(data: bytes, font: Font, word_gap: int) -> str:
    """A TJ array; a wider step than ``word_gap`` inside it is a blank."""
    pieces: list[str] = []
    for piece in _PIECE.finditer(data):
        if piece["string"] is not None:
            pieces.append(font.read(_unquoted(piece["string"])))
        elif float(piece["number"]) < -word_gap:
            pieces.append(" ")
    return "".join(pieces)


def _unquoted(text: bytes) -> bytes:
    """The bytes of a literal or hexadecimal string."""
    if text[:1] == b"<":
        digits = b"".join(text[1:-1].split())
        return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())
    inner = text[1:-1]
    return _ESCAPE.sub(_escaped, inner) if b"\\" in inner else inner


def _escaped(escape: re.Match[bytes]) -> bytes:
    if escape[1]:
        return bytes([int(escape[1], 8) & 0xFF])
    return _PLAIN.get(escape[2], escape[2]) if escape[2] else b""


def _dictionary(resources: Any, key: str) -> Any:
    value = readable_entry(resources, key)
    return value if isinstance(value, generic.DictionaryObject) else generic.DictionaryObject()
