"""The paper before it is signed: a letter made with a word processor, and a scan of a stamped one.

Core PDF fonts know no Vietnamese letters, so the text on the page is written without its marks.
"""

import io
import random
import unicodedata
from datetime import UTC, datetime

from fpdf import FPDF
from PIL import Image, ImageDraw, ImageFont

A4_MM = (210.0, 297.0)
NOISE_BYTES_PER_PIXEL = 0.69
"""Measured: noise in a JPEG of quality 80."""
SCANNED_TEXT_BYTES = 150_000
"""Measured: one page of text at 200 dpi."""
WORDS = "can cu nghi dinh ve cong tac van thu uy ban nhan dan thanh pho de nghi cac don vi thuc hien"
MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)


def letter(
    subject: str = "V/v trien khai truc lien thong van ban",
    *,
    number: str = "123/UBND-VP",
    unit: str = "UY BAN NHAN DAN THANH PHO",
    signer: str = "Nguyen Van A",
    pages: int = 1,
    size_bytes: int = 0,
) -> bytes:
    """An administrative letter; ``size_bytes`` > 0 pads it with an embedded picture to about that size."""
    pdf = _new_pdf()
    for page in range(pages):
        pdf.add_page()
        if page == 0:
            _heading(pdf, unit, number, subject)
        _paragraphs(pdf, seed=page)
    _signature_block(pdf, signer)
    if (missing := size_bytes - 4_000) > 0:
        pdf.image(io.BytesIO(_noise_jpeg(missing)), x=20, y=240, w=20)
    return bytes(pdf.output())


def scan(*, pages: int = 1, dpi: int = 200, size_bytes: int = 0, text: str = "SAO Y") -> bytes:
    """A scanned paper letter: one JPEG picture a page, colour, ``dpi`` dots an inch, about ``size_bytes`` in all."""
    pdf = _new_pdf()
    for page in range(pages):
        pdf.add_page()
        picture = _scanned_page(f"{text} {page + 1}/{pages}", dpi, size_bytes // pages)
        pdf.image(io.BytesIO(picture), x=0, y=0, w=A4_MM[0], h=A4_MM[1])
    return bytes(pdf.output())


def ascii_text(text: str) -> str:
    """Vietnamese text without its marks."""
    plain = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return plain.encode("ascii", "ignore").decode()


def _new_pdf() -> FPDF:
    pdf = FPDF(format="A4")
    pdf.set_creation_date(MADE_AT)
    pdf.set_margins(30, 20, 20)
    return pdf


def _heading(pdf: FPDF, unit: str, number: str, subject: str) -> None:
    pdf.set_font("Times", "B", 13)
    pdf.cell(0, 7, "CONG HOA XA HOI CHU NGHIA VIET NAM", align="C", new_x="LMARGIN", new_y="NEXT")
    pdf.cell(0, 7, "Doc lap - Tu do - Hanh phuc", align="C", new_x="LMARGIN", new_y="NEXT")
    pdf.cell(0, 7, ascii_text(unit), new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("Times", "", 13)
    pdf.cell(0, 7, ascii_text(f"So: {number}"), new_x="LMARGIN", new_y="NEXT")
    pdf.multi_cell(0, 7, ascii_text(subject), new_x="LMARGIN", new_y="NEXT")


def _paragraphs(pdf: FPDF, seed: int) -> None:
    words = WORDS.split()
    dice = random.Random(seed)
    pdf.set_font("Times", "", 13)
    for _ in range(5):
        text = " ".join(dice.choice(words) for _ in range(50)).capitalize() + "."
        pdf.multi_cell(0, 7, text, new_x="LMARGIN", new_y="NEXT")
        pdf.ln(2)


def _signature_block(pdf: FPDF, signer: str) -> None:
    pdf.set_font("Times", "B", 13)
    pdf.cell(0, 10, "CHU TICH", align="R", new_x="LMARGIN", new_y="NEXT")
    pdf.cell(0, 10, ascii_text(signer), align="R", new_x="LMARGIN", new_y="NEXT")


def _scanned_page(text: str, dpi: int, size_bytes: int) -> bytes:
    size = (round(A4_MM[0] / 25.4 * dpi), round(A4_MM[1] / 25.4 * dpi))
    picture = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=dpi // 5)
    for line in range(20):
        draw.text((dpi, dpi + line * dpi // 2), f"{text} - dong {line + 1}", fill="black", font=font)
    draw.ellipse((dpi * 4, dpi * 8, dpi * 6, dpi * 10), outline="red", width=max(1, dpi // 30))
    _speckle(picture, size_bytes)
    return _jpeg(picture, 80)


def _speckle(picture: Image.Image, size_bytes: int) -> None:
    """Noise in one corner fills the picture up to the size that is wanted."""
    side = int((max(0, size_bytes - SCANNED_TEXT_BYTES) / NOISE_BYTES_PER_PIXEL) ** 0.5)
    if side:
        noise = Image.frombytes("RGB", (side, side), random.Random(side).randbytes(side * side * 3))
        picture.paste(noise.crop((0, 0, min(side, picture.width), min(side, picture.height))), (0, 0))


def _noise_jpeg(size_bytes: int) -> bytes:
    side = max(8, int((size_bytes / NOISE_BYTES_PER_PIXEL) ** 0.5))
    noise = random.Random(side).randbytes(side * side * 3)
    return _jpeg(Image.frombytes("RGB", (side, side), noise), 80)


def _jpeg(picture: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=quality, dpi=(200, 200))
    return out.getvalue()
