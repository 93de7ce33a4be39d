"""One dictionary in two roles: a page, or a form's resources, that somebody else looks names up in.

What is harmless about a page (an attribute that it inherits anyway, the order of its annotations) draws something where
the same object is a table of pictures, of graphics states or of appearances.
"""

from mint.attacks.raw import appended, body_of, page, plain, root_of, stream, text, with_entry
from mint.attacks.registry import Class
from mint.attacks.shadow import GONE, shadow

FORM = b"/Type /XObject /Subtype /Form /BBox [0 0 595 842]"


def _picture_called_resources() -> bytes:
    """A table of pictures that calls itself a page, and whose parent has the picture."""
    return page(
        text(b"Chi") + b" /Resources Do",
        resources=b"/XObject 10 0 R",
        objects={
            10: b"<< /Type /Page /Parent 11 0 R >>",
            11: b"<< /Resources 12 0 R >>",
            12: stream(text(b"500 ty"), FORM),
        },
    )


def _picture_inherited(pdf: bytes) -> bytes:
    return appended(pdf, {10: with_entry(body_of(pdf, 10), b"/Resources 12 0 R")})


def _state_called_tabs() -> bytes:
    """A table of graphics states that calls itself a page: the order of its annotations is a state."""
    return page(
        b"/Tabs gs " + text(b"Chi 500 ty"),
        resources=b"/ExtGState 10 0 R",
        objects={10: b"<< /Type /Page /Parent 2 0 R /Tabs << /ca 0 >> >>"},
    )


def _state_made_visible(pdf: bytes) -> bytes:
    return appended(pdf, {10: body_of(pdf, 10).replace(b"/ca 0", b"/ca 1")})


def _page_is_its_own_table() -> bytes:
    """The page itself, as the table of its graphics states."""
    return page(b"/Tabs gs " + text(b"Chi 500 ty"), resources=b"/ExtGState 3 0 R", entries=b"/Tabs << /ca 0 >>")


def _own_state_made_visible(pdf: bytes) -> bytes:
    return appended(pdf, {3: body_of(pdf, 3).replace(b"/ca 0", b"/ca 1")})


def _page_is_an_appearance() -> bytes:
    """A second page, as the table of a note's appearances: which one is called like what the page inherits."""
    note = b"<< /Type /Annot /Subtype /Stamp /Rect [50 600 550 740] /F 4 /AS /Resources /AP << /N 6 0 R >> >>"
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R 6 0 R] /Count 2 /Resources 12 0 R >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Annots [10 0 R] /Resources << >> >>",
        4: stream(b"q Q"),
        6: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>",
        10: note,
        12: stream(b"0 0 595 842 re f", FORM),
    }
    return plain(objects)


def _appearance_inherited(pdf: bytes) -> bytes:
    return appended(pdf, {6: with_entry(body_of(pdf, 6), b"/Resources 12 0 R")})


def _note_is_a_font() -> bytes:
    """The page's font is in the list of its notes, too, and bears no type."""
    font = b"<< /Subtype /Type1 /BaseFont /Times-Roman >>"
    document = page(b"BT /Q 14 Tf 72 700 Td (Chi 5) Tj ET", entries=b"/Annots [10 0 R]", objects={10: font})
    return document.replace(b"/F1 5 0 R", b"/Q 10 0 R", 1)


def _font_typed(pdf: bytes) -> bytes:
    return appended(pdf, {10: with_entry(body_of(pdf, 10), b"/Type /Annot")})


shadow("note_is_a_font", Class.NAMES, _note_is_a_font, _font_typed, *GONE)
shadow("picture_called_resources", Class.NAMES, _picture_called_resources, _picture_inherited, *GONE)
shadow("state_called_tabs", Class.NAMES, _state_called_tabs, _state_made_visible, *GONE)
shadow("page_is_its_own_table", Class.NAMES, _page_is_its_own_table, _own_state_made_visible, *GONE)
shadow("page_is_an_appearance", Class.NAMES, _page_is_an_appearance, _appearance_inherited, *GONE)


# what a form's fields are drawn with


def _without_font(resources: bytes) -> bytes:
    """A text field whose font is not there: viewers have nothing to draw it with."""
    field = (
        b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (So) /V (500 ty) /DA (/G 12 Tf) /Rect [9 9 400 715] /P 3 0 R >>"
    )
    return page(
        text(b"So tien:"),
        entries=b"/Annots [10 0 R]",
        catalog=b"/AcroForm 12 0 R",
        objects={10: field, 12: b"<< /Fields [10 0 R] /DR %s >>" % resources, 13: b"<< /Font 14 0 R >>", 14: b"<< >>"},
    )


shadow(
    "font_given_to_the_form",
    Class.SHADOW_REPLACE,
    lambda: _without_font(b"13 0 R"),
    lambda pdf: appended(pdf, {13: b"<< /Font << /G 5 0 R >> >>"}),
)
shadow(
    "font_given_to_a_list_of_the_form",
    Class.SHADOW_REPLACE,
    lambda: _without_font(b"<< /Font 14 0 R >>"),
    lambda pdf: appended(pdf, {14: b"<< /G 5 0 R >>"}),
)


# numbers that are free, or a table's own


def _free_number() -> bytes:
    """The page shows an object that the table lists as free from the beginning, as it does all gaps."""
    return page(
        text(b"Chi 5 trieu dong") + b" /Sau Do",
        resources=b"/XObject << /Sau 10 0 R >>",
        objects={11: b"<< >>"},
    )


def _free_filled(pdf: bytes) -> bytes:
    return appended(pdf, {10: stream(text(b"500 ty"), FORM)})


def _free_as_evidence(pdf: bytes) -> bytes:
    catalog = with_entry(body_of(pdf, root_of(pdf)), b"/DSS 80 0 R")
    evidence = stream(text(b"500 ty"), FORM)
    return appended(pdf, {root_of(pdf): catalog, 80: b"<< /Type /DSS /Certs [10 0 R] >>", 10: evidence})


shadow("free_number_filled", Class.SHADOW_BOTH, _free_number, _free_filled, *GONE, only_after=True)
shadow("free_number_as_evidence", Class.SHADOW_BOTH, _free_number, _free_as_evidence, *GONE, only_after=True)
