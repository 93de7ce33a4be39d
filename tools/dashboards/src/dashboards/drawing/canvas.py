"""A picture under construction: boxes, lines, and text in Grafana's font, which is cut where its place ends."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import fontpkg_inter
from PIL import Image, ImageDraw, ImageFont

FONT = Path(fontpkg_inter.ROOT) / "files" / "Inter[opsz,wght].ttf"
SMOOTH = 3
"""Lines are drawn so many times larger, and made small again."""
Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels."""

    x: float
    y: float
    width: float
    height: float

    def inner(self, left: float = 0, top: float = 0, right: float = 0, bottom: float = 0) -> "Box":
        """Without its margins."""
        return Box(self.x + left, self.y + top, self.width - left - right, self.height - top - bottom)


@dataclass
class Canvas:
    """cut: every text that did not fit its place."""

    width: int
    height: int
    background: str
    cut: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.image = Image.new("RGB", (self.width, self.height), self.background)
        self._draw = ImageDraw.Draw(self.image)

    def box(self, box: Box, fill: str, outline: str | None = None) -> None:
        """A filled rectangle with round corners."""
        if box.width >= 1 and box.height >= 1:
            corners = (box.x, box.y, box.x + box.width - 1, box.y + box.height - 1)
            self._draw.rounded_rectangle(corners, 2, fill, outline)

    def text(
        self,
        at: Place,
        text: str,
        *,
        size: float = 14,
        color: str = "#ccccdc",
        weight: int = 400,
        anchor: str = "lm",
        most: float | None = None,
    ) -> float:
        """Writes one line and returns its width. most: pixels, beyond which it ends in three dots."""
        font = _font(round(size), weight)
        shown = text
        if most is not None and font.getlength(text) > most:
            self.cut.append(text)
            while shown and font.getlength(f"{shown}…") > most:
                shown = shown[:-1]
            shown += "…"
        self._draw.text(at, shown, color, font, anchor)
        return float(font.getlength(shown))

    def line(self, places: Sequence[Place], color: str, width: float = 1, dash: Sequence[int] = ()) -> None:
        """A line without smoothing, straight up or across. dash: lengths of stroke and gap."""
        (x1, y1), (x2, y2) = places
        if not dash:
            self._draw.line([(x1, y1), (x2, y2)], color, round(width))
            return
        stroke, gap = dash
        at = x1
        while at < x2:
            self._draw.line([(at, y1), (min(at + stroke, x2), y2)], color, round(width))
            at += stroke + gap

    def curves(self, box: Box, drawn: Sequence[tuple[Sequence[Sequence[Place]], str]], fill: float) -> None:
        """Smooth lines within a box, each in pieces and with its colour. fill: share of the colour below a line."""
        large = (round(box.width) * SMOOTH, round(box.height) * SMOOTH)
        corner = (round(box.x), round(box.y))
        layer = Image.new("RGBA", large)
        for pieces, color in drawn:
            shade = Image.new("RGBA", large)
            pen = ImageDraw.Draw(shade)
            for piece in pieces:
                scaled = [((x - box.x) * SMOOTH, (y - box.y) * SMOOTH) for x, y in piece]
                if len(scaled) == 1:
                    ((x, y),) = scaled
                    pen.ellipse((x - 6, y - 6, x + 6, y + 6), color)
                    continue
                pen.polygon(
                    [(scaled[0][0], large[1]), *scaled, (scaled[-1][0], large[1])], f"{color}{round(fill * 255):02x}"
                )
                pen.line(scaled, color, SMOOTH + 1, joint="curve")
            layer.alpha_composite(shade)
        self.image.paste(
            layer.resize((round(box.width), round(box.height))),
            corner,
            layer.resize((round(box.width), round(box.height))),
        )

    def save(self, file: Path) -> None:
        """As a PNG of 256 colours."""
        self.image.quantize(256, dither=Image.Dither.NONE).save(file, optimize=True)


def width_of(text: str, size: float, weight: int = 400) -> float:
    """Pixels that one line takes."""
    return float(_font(round(size), weight).getlength(text))


def on(color: str) -> str:
    """Black or white, whichever is read more easily on that colour."""
    red, green, blue = (int(color[at : at + 2], 16) for at in (1, 3, 5))
    return "#111217" if red * 0.299 + green * 0.587 + blue * 0.114 > 150 else "#ffffff"


@cache
def _font(size: int, weight: int) -> ImageFont.FreeTypeFont:
    font = ImageFont.truetype(FONT, max(size, 6))
    font.set_variation_by_axes([14, weight])
    return font
