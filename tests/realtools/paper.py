"""Unsigned documents as real programs write them."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

from mint.hybrid import hybrid
from mint.paper import letter, scan
from mint.tagged import tagged

from .tools import Tool, command_line

FODT = Path(__file__).parent / "papers" / "cong-van.fodt"


def writer(home: Path, **options: object) -> bytes:
    """LibreOffice's export; ``options`` of its PDF filter."""
    out = home / "writer"
    filter_options = {key: {"type": _kind(value), "value": str(value).lower()} for key, value in options.items()}
    words = [
        "soffice", f"-env:UserInstallation=file://{home}/office", "--headless", "--convert-to",
        f"pdf:writer_pdf_Export:{json.dumps(filter_options)}", "--outdir", str(out), str(FODT),
    ]  # fmt: skip
    subprocess.run(words, check=True, capture_output=True, timeout=180)
    return (out / "cong-van.pdf").read_bytes()


def _kind(value: object) -> str:
    return "boolean" if isinstance(value, bool) else "long"


def qpdf(home: Path, document: bytes, *words: str) -> bytes:
    """The document as qpdf writes it."""
    return command_line(home, lambda source, out: ["qpdf", *words, source, out], document)


def papers(home: Path, itext5: Tool, itext9: Tool, pdfbox3: Tool) -> dict[str, Callable[[], bytes]]:
    """By name; each makes its document when asked."""
    note = home / "note.txt"
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text("phu luc")
    office = lambda **options: writer(home, **options)  # noqa: E731
    return {
        "letter": letter,
        "scan": lambda: scan(dpi=72),
        "writer": lambda: office(UseTaggedPDF=False),
        "writer-tagged": lambda: office(UseTaggedPDF=True, ExportBookmarks=True),
        "writer-ua": lambda: office(PDFUACompliance=True, UseTaggedPDF=True),
        "writer-a1": lambda: office(SelectPdfVersion=1),
        "writer-a3": lambda: office(SelectPdfVersion=3),
        "word-like-tagged": lambda: tagged(2, font_bytes=300, paragraph_words=3),
        "hybrid": lambda: hybrid(letter()),
        "hybrid-tagged": lambda: hybrid(tagged(2, font_bytes=300, paragraph_words=3)),
        "linearized": lambda: qpdf(home, letter(pages=3), "--linearize"),
        "linearized-packed": lambda: qpdf(home, letter(pages=3), "--linearize", "--object-streams=generate"),
        "packed": lambda: qpdf(home, letter(), "--object-streams=generate"),
        "tagged-packed": lambda: qpdf(home, tagged(2, font_bytes=300, paragraph_words=3), "--object-streams=generate"),
        "pdf-2.0": lambda: qpdf(home, letter(), "--force-version=2.0", "--object-streams=generate"),
        "attachment": lambda: qpdf(home, letter(), "--add-attachment", str(note), "--"),
        "itext5": lambda: itext5.do("paper"),
        "itext5-tagged": lambda: itext5.do("paper", tagged=1),
        "itext5-packed-layers": lambda: itext5.do("paper", packed=1, layers=1),
        "itext5-script": lambda: itext5.do("paper", script=1),
        "itext5-form": lambda: itext5.do("form"),
        "itext5-fields": lambda: itext5.do("paper", fields="NguoiKy,CoQuan"),
        "itext9-tagged": lambda: itext9.do("paper", tagged=1, pages=2),
        "itext9-two": lambda: itext9.do("paper", two=1, packed=1),
        "pdfbox-form": lambda: pdfbox3.do("form"),
    }
