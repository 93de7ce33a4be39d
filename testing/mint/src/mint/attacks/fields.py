"""Signature fields and forms: shown where nobody looks, dressed without being signed, drawn with another pen."""

from common.domain.reason import Reason
from mint.attacks.raw import appended, body_of, page, root_of, stream, text, with_entry
from mint.attacks.registry import Class, Scene, attack
from mint.attacks.saving import Change, change
from mint.attacks.shadow import GONE, shadow

CHANGED = Reason.E_SIG_CHANGED
COVER = b"/Type /XObject /Subtype /Form /BBox [0 0 595 842]"
EMPTY = b"/Type /Annot /Subtype /Widget /FT /Sig /F 132 /P 3 0 R"


def _laid_over(pdf: bytes, field: bytes, objects: dict[int, bytes]) -> bytes:
    """A field with a white appearance, entered into form and page."""
    return appended(
        pdf,
        {
            3: body_of(pdf, 3).replace(b"/Annots [", b"/Annots [ 94 0 R"),
            10: body_of(pdf, 10).replace(b"/Fields [", b"/Fields [ 94 0 R"),
            94: field,
            95: stream(b"1 1 1 rg 0 0 595 842 re f", COVER),
        }
        | objects,
    )


LOOK = b"/AP << /N 95 0 R >>"


@change(Class.SSA)
def empty_field_of_referenced_corners(pdf: bytes) -> bytes:
    """Its corners are objects of their own: a reader that takes numbers only sees no rectangle."""
    field = b"<< %s /T (Che) /Rect [96 0 R 96 0 R 97 0 R 97 0 R] %s >>" % (EMPTY, LOOK)
    return _laid_over(pdf, field, {96: b"0", 97: b"842"})


@change(Class.SSA)
def empty_field_of_five_corners(pdf: bytes) -> bytes:
    """One number too many."""
    return _laid_over(pdf, b"<< %s /T (Che) /Rect [0 0 595 842 0] %s >>" % (EMPTY, LOOK), {})


@change(Class.SSA)
def empty_field_with_a_deep_widget(pdf: bytes) -> bytes:
    """The widget hangs two levels below the field."""
    field = b"<< /FT /Sig /T (Che) /Kids [96 0 R] >>"
    pdf = _laid_over(pdf, field, {
        96: b"<< /Parent 94 0 R /Kids [97 0 R] >>",
        97: b"<< %s /Parent 96 0 R /Rect [0 0 595 842] %s >>" % (EMPTY, LOOK),
    })  # fmt: skip
    return pdf.replace(b"/Annots [ 94 0 R", b"/Annots [ 97 0 R")


def _premade() -> bytes:
    """A pre-made empty field as large as the page, which shows nothing yet."""
    return page(
        text(b"Chi 500 ty dong"),
        entries=b"/Annots [10 0 R]",
        catalog=b"/AcroForm 12 0 R",
        objects={
            10: b"<< %s /T (Che) /Rect [0 0 595 842] /AP << /N 11 0 R >> >>" % EMPTY,
            11: stream(b"", COVER),
            12: b"<< /Fields [10 0 R] /SigFlags 3 >>",
        },
    )


def _dressed(pdf: bytes) -> bytes:
    return appended(
        pdf, {10: body_of(pdf, 10).replace(b"/N 11 0 R", b"/N 96 0 R"), 96: stream(b"1 1 1 rg 0 0 9 9 re f", COVER)}
    )


def _repainted(pdf: bytes) -> bytes:
    return appended(pdf, {11: stream(b"1 1 1 rg 0 0 595 842 re f", COVER)})


shadow("premade_field_dressed", Class.SSA, _premade, _dressed)
shadow("premade_field_repainted", Class.SSA, _premade, _repainted)


def _typed(more: bytes, form: bytes = b"") -> bytes:
    """A text field that viewers draw themselves."""
    return page(
        text(b"So tien:"),
        entries=b"/Annots [10 0 R]",
        catalog=b"/AcroForm 12 0 R",
        objects={
            10: b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (So) /V (500 ty) /Rect [150 690 400 715] /P 3 0 R %s >>"
            % more,
            12: b"<< /Fields [10 0 R] /DR << /Font << /F1 5 0 R >> >> %s >>" % form,
        },
    )


def _pen(old: bytes, new: bytes) -> Change:
    return lambda pdf: appended(pdf, {12: body_of(pdf, 12).replace(old, new)})


shadow(
    "pen_of_the_form_made_white",
    Class.SHADOW_HIDE,
    lambda: _typed(b"", b"/DA (/F1 12 Tf 0 g) /NeedAppearances true"),
    _pen(b"0 g", b"1 g"),
)
shadow(
    "pen_of_the_form_given",
    Class.SHADOW_REPLACE,
    lambda: _typed(b""),
    _pen(b"/Fields", b"/DA (/F1 12 Tf 0 g) /Fields"),
)
shadow(
    "form_aligned_elsewhere",
    Class.SHADOW_HIDE,
    lambda: _typed(b"", b"/DA (/F1 12 Tf 0 g) /Q 0 /NeedAppearances true"),
    _pen(b"/Q 0", b"/Q 2"),
)
shadow(
    "form_with_xfa",
    Class.SHADOW_REPLACE,
    lambda: _typed(b"/DA (/F1 12 Tf 0 g)"),
    lambda pdf: appended(
        pdf,
        {
            12: with_entry(body_of(pdf, 12), b"/XFA [(template) 96 0 R]"),
            96: stream(b'<template xmlns="http://www.xfa.org/schema/xfa-template/2.8/"/>'),
        },
    ),
)
shadow(
    "form_calculates",
    Class.SCRIPT,
    lambda: _typed(b"/DA (/F1 12 Tf 0 g)"),
    lambda pdf: appended(pdf, {12: with_entry(body_of(pdf, 12), b"/CO [10 0 R]")}),
)


def _loose() -> bytes:
    """A text widget on the page which is in no form: most viewers do not draw it."""
    return page(
        text(b"So tien:"),
        entries=b"/Annots [10 0 R]",
        catalog=b"/AcroForm 12 0 R",
        objects={
            10: b"<< /Type /Annot /Subtype /Widget /FT /Tx /V (500 ty) /DA (/F1 12 Tf 0 g) /Rect [9 9 400 715] >>",
            12: b"<< /Fields [] /NeedAppearances true /DR << /Font << /F1 5 0 R >> >> >>",
        },
    )


shadow(
    "widget_entered_into_the_form",
    Class.SHADOW_REPLACE,
    _loose,
    lambda pdf: appended(pdf, {12: body_of(pdf, 12).replace(b"/Fields [", b"/Fields [10 0 R ")}),
)


@attack(Class.OVERRIDE, *GONE)
def two_fields_share_a_signature(scene: Scene) -> bytes:
    """A new field shows the unit's signature dictionary as its own, over the text."""
    pdf = scene.signed
    start = pdf.rindex(b"/Contents <")
    number = pdf[: pdf.rindex(b" 0 obj", 0, start)].split()[-1]
    return _laid_over(pdf, b"<< %s /T (Che) /Rect [0 0 595 842] /V %s 0 R %s >>" % (EMPTY, number, LOOK), {})


@attack(Class.SCRIPT, CHANGED)
def filled_field_with_a_script(scene: Scene) -> bytes:
    """The unit's pre-made field gets an action when it is filled; by the tool, not by the signer."""
    pdf = scene.quietly_by_signer(_premade())
    number = 10
    acting = appended(pdf, {number: with_entry(body_of(pdf, number), b"/AA << /E << /S /JavaScript /JS (1) >> >>")})
    return scene.quietly_by_unit(acting, "Che")


# the update's own trailer


@attack(Class.TRAILER, *GONE)
def update_without_root(scene: Scene) -> bytes:
    """The newest trailer names no catalog: readers look for one, and find the last that was written."""
    pdf = scene.quietly_by_unit(scene.quietly_by_signer(page(objects={
        10: b"<< /Type /Catalog /Pages 11 0 R >>", 11: b"<< /Type /Pages /Kids [] /Count 0 >>",
    })))  # fmt: skip
    root = root_of(pdf)
    grown = appended(pdf, {})
    at = grown.rindex(b"/Root %d 0 R" % root)
    return grown[:at] + b" " * len(b"/Root %d 0 R" % root) + grown[at + len(b"/Root %d 0 R" % root) :]


@attack(Class.TRAILER, *GONE)
def update_with_two_roots(scene: Scene) -> bytes:
    """The newest trailer names two catalogs: which one counts is the reader's choice."""
    pdf = scene.quietly_by_unit(scene.quietly_by_signer(page(objects={
        10: b"<< /Type /Catalog /Pages 11 0 R >>", 11: b"<< /Type /Pages /Kids [] /Count 0 >>",
    })))  # fmt: skip
    return appended(pdf, {}, more=b"/Root 10 0 R")


@attack(Class.TRAILER, *GONE)
def update_with_two_previous(scene: Scene) -> bytes:
    """The newest trailer names two earlier tables."""
    return appended(scene.signed, {}, more=b"/Prev 9")


for _name, _entries in {
    "catalog_left_lying": b"<< /Type /Catalog /Pages 1 0 R /OpenAction << /S /JavaScript /JS (1) >> >>",
    "page_left_lying": b"<< /Type /Page /Parent 1 0 R /MediaBox [0 0 595 842] >>",
    "script_left_lying": b"<< /S /JavaScript /JS (app.alert\\(1\\)) >>",
    "picture_left_lying": stream(b"q Q", COVER),
    "field_left_lying": b"<< %s /T (Che) /Rect [0 0 595 842] >>" % EMPTY,
}.items():
    attack_made = (lambda entries: lambda scene: appended(scene.signed, {98: entries}))(_entries)
    attack_made.__name__ = _name
    attack(Class.ISA, CHANGED)(attack_made)
