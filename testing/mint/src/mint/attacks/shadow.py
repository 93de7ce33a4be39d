"""Shadow attacks: the document is prepared before it is signed, so that a small later change says something else.

Also evil annotations (EAA) and signature fields that cover the text (SSA). Each is done behind both signatures and
between them.

Longer than 250 lines: it is a catalogue. Each function is one attack, and none needs another.
"""

from collections.abc import Callable

from pyhanko.sign.fields import MDPPerm

from common.domain.reason import Reason
from mint.attacks.forge import message, resigned
from mint.attacks.raw import appended, body_of, page, stream, text, with_entry
from mint.attacks.registry import Class, Scene, add, attack
from mint.attacks.saving import change
from mint.sign import GAP, add_empty_fields, sign

CHANGED = Reason.E_SIG_CHANGED
GONE = (Reason.E_SIG_CHANGED, Reason.E_PDF_FORMAT, Reason.E_SIG_COVERAGE, Reason.E_SIG_FORMAT)
FIELD_BOX = (50, 50, 500, 780)

Prepared = Callable[[], bytes]
Change = Callable[[bytes], bytes]


def shadow(
    name: str, kind: Class, prepared: Prepared, later: Change, *reasons: Reason, only_after: bool = False
) -> None:
    """One prepared document, changed behind the signatures and between them; signed without renewing metadata.

    ``only_after``: what the change leaves no signing tool would sign any more.
    """

    def both(scene: Scene) -> bytes:
        return later(scene.quietly_by_unit(scene.quietly_by_signer(prepared())))

    def between(scene: Scene) -> bytes:
        return scene.quietly_by_unit(later(scene.quietly_by_signer(prepared())))

    add(f"{name}_after", kind, both, *(reasons or (CHANGED,)))
    if not only_after:
        add(f"{name}_between", kind, between, *(reasons or (CHANGED,)))


# hide: something lies over the true text when it is signed, and is taken away later


def _covered() -> bytes:
    """A picture over the text."""
    return page(
        text(b"Chi 500 ty dong") + b" q 500 0 0 60 50 680 cm /Che Do Q",
        resources=b"/XObject << /Che 10 0 R >>",
        objects={10: stream(b"\xff", b"/Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8"
                            b" /ColorSpace /DeviceGray")},
    )  # fmt: skip


def _noted() -> bytes:
    """An annotation over the text."""
    note = b"<< /Type /Annot /Subtype /Square /Rect [50 680 550 740] /IC [1 1 1] /F 4 >>"
    return page(text(b"Chi 500 ty dong"), entries=b"/Annots [10 0 R]", objects={10: note})


shadow("picture_freed", Class.SHADOW_HIDE, _covered, lambda pdf: appended(pdf, {}, freed=[10]), *GONE)
shadow("picture_emptied", Class.SHADOW_HIDE, _covered, lambda pdf: appended(pdf, {10: b"null"}), *GONE)
shadow("picture_made_text", Class.SHADOW_HIDE, _covered, lambda pdf: appended(pdf, {10: b"(nothing)"}), *GONE)
shadow("note_freed", Class.SHADOW_HIDE, _noted, lambda pdf: appended(pdf, {}, freed=[10]), *GONE)
shadow(
    "note_moved_away",
    Class.SHADOW_HIDE,
    _noted,
    lambda pdf: appended(pdf, {10: body_of(pdf, 10).replace(b"50 680 550 740", b"0 0 1 1")}),
)


# replace: values, appearances and fonts that look harmless


def _form() -> bytes:
    """A filled text field in the letter."""
    field = b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (So tien) /V (5 trieu) /DA (/F1 12 Tf) /F 4"
    return page(
        text(b"So tien:"),
        entries=b"/Annots [10 0 R]",
        catalog=b"/AcroForm 12 0 R",
        objects={
            10: field + b" /Rect [150 690 400 715] /P 3 0 R /AP << /N 11 0 R >> >>",
            11: stream(b"BT /F1 12 Tf (5 trieu) Tj ET", b"/Type /XObject /Subtype /Form /BBox [0 0 250 25]"),
            12: b"<< /Fields [10 0 R] /DR << /Font << /F1 5 0 R >> >> >>",
        },
    )


def _appearance(pdf: bytes) -> bytes:
    return appended(
        pdf, {11: stream(b"BT /F1 12 Tf (500 ty) Tj ET", b"/Type /XObject /Subtype /Form /BBox [0 0 250 25]")}
    )


def _value(pdf: bytes) -> bytes:
    return appended(pdf, {10: body_of(pdf, 10).replace(b"(5 trieu)", b"(500 ty)")})


def _glyphs() -> bytes:
    """A font whose glyphs are drawn in the file: digits can be exchanged."""
    return page(
        b"BT /G 14 Tf 72 700 Td (15) Tj ET",
        resources=b"/XObject << >> ",
        objects={
            10: b"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 9 9] /FontMatrix [1 0 0 1 0 0] "
            b"/FirstChar 49 /LastChar 49 /Widths [9] "
            b"/Encoding << /Differences [49 /one] >> /CharProcs << /one 11 0 R >> >>",
            11: stream(b"0 0 1 9 re f"),
        },
    ).replace(b"/F1 5 0 R", b"/G 10 0 R ", 1)


shadow("form_value", Class.SHADOW_REPLACE, _form, _value)
shadow("form_appearance", Class.SHADOW_REPLACE, _form, _appearance)
shadow("form_value_and_appearance", Class.SHADOW_REPLACE, _form, lambda pdf: _appearance(_value(pdf)))
shadow("glyph_redrawn", Class.SHADOW_REPLACE, _glyphs, lambda pdf: appended(pdf, {11: stream(b"0 0 9 9 re f")}))
shadow(
    "font_exchanged",
    Class.SHADOW_REPLACE,
    page,
    lambda pdf: appended(pdf, {5: b"<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>"}),
)
shadow(
    "default_font_of_the_form",
    Class.SHADOW_REPLACE,
    _form,
    lambda pdf: appended(pdf, {12: body_of(pdf, 12).replace(b"/F1 5 0 R", b"/F1 10 0 R")}),
)


# hide and replace: two documents in one file, and a table that points to the other one


def _two_in_one() -> bytes:
    """Object 4 twice: the table lists the harmless one."""
    other = b"4 0 obj\n%s\nendobj\n" % stream(text(b"Chi 500 ty dong"))
    return page(objects={10: b"<< /Note (x) >>\nendobj\n" + other + b"11 0 obj\n<< >>"})


def _point_to_the_other(pdf: bytes) -> bytes:
    return appended(pdf, {}, at={4: pdf.rindex(b"4 0 obj\n<< /Length")})


def _dangling_page() -> bytes:
    """The page shows an object that does not exist yet."""
    return page(text(b"Chi 5 trieu dong") + b" /Sau Do", resources=b"/XObject << /Sau 40 0 R >>")


def _fill(pdf: bytes) -> bytes:
    return appended(pdf, {40: stream(text(b"500 ty"), b"/Type /XObject /Subtype /Form /BBox [0 0 595 842]")})


shadow("table_points_to_the_other", Class.SHADOW_BOTH, _two_in_one, _point_to_the_other, *GONE)
shadow("dangling_reference_filled", Class.SHADOW_BOTH, _dangling_page, _fill, *GONE)
shadow(
    "catalog_prepared_inside",
    Class.SHADOW_BOTH,
    lambda: page(objects={10: b"<< /Type /Catalog /Pages 11 0 R >>", 11: b"<< /Type /Pages /Kids [] /Count 0 >>"}),
    lambda pdf: appended(pdf, {}, root=10),
    *GONE,
    only_after=True,
)


# annotations and fields over the text


def _annotated(entries: bytes) -> Change:
    def edit(pdf: bytes) -> bytes:
        body = body_of(pdf, 3)
        annotated = body.replace(b"/Annots [", b"/Annots [ 96 0 R") if b"/Annots [" in body else body
        return appended(pdf, {3: annotated, 96: b"<< /Type /Annot /Rect [50 50 550 780] /F 4 %s >>" % entries})

    return edit


for _name, _entries in {
    "stamp_laid_over": b"/Subtype /Stamp /Name /Approved",
    "redaction_laid_over": b"/Subtype /Redact /QuadPoints [0 0 9 0 0 9 9 9] /IC [0 0 0]",
    "link_laid_over": b"/Subtype /Link /A << /S /URI /URI (http://attacker.invalid) >>",
    "white_square_laid_over": b"/Subtype /Square /IC [1 1 1]",
    "button_laid_over": b"/Subtype /Widget /FT /Btn /Ff 65536 /T (Dong y)",
    "hidden_note_added": b"/Subtype /Text /Contents (doi so tien) /CA 0",
}.items():
    _edit = _annotated(_entries)
    _edit.__name__ = _name
    change(Class.EAA)(_edit)


def _certified(permission: MDPPerm, later: Change) -> Callable[[Scene], bytes]:
    def make(scene: Scene) -> bytes:
        return scene.by_unit(later(scene.by_signer(scene.letter, certify=permission)))

    return make


_comment = _annotated(b"/Subtype /FreeText /Contents (DA PHE DUYET)")
add("comment_on_a_certified_letter", Class.EAA, _certified(MDPPerm.ANNOTATE, _comment), CHANGED)
add("comment_where_forms_may_be_filled", Class.EAA, _certified(MDPPerm.FILL_FORMS, _comment), CHANGED)


@attack(Class.PERMISSIONS, CHANGED)
def signed_though_no_change_is_permitted(scene: Scene) -> bytes:
    """The head certifies that nothing at all may follow, and the unit's seal follows."""
    first = scene.by_signer(scene.letter, certify=MDPPerm.FILL_FORMS)
    sealed = scene.by_unit(first)
    strict = resigned(
        first,
        lambda digest: message(scene.member.signer, digest, scene.at),
        patch=lambda pdf: pdf.replace(b"/P 2\n", b"/P 1\n"),
    )
    if strict.count(b"/P 1\n") != 1:
        raise ValueError("expected one permission")
    return resigned(strict + sealed[len(first) :], lambda digest: message(scene.member.seal, digest, scene.at + GAP))


@attack(Class.PERMISSIONS, CHANGED, Reason.E_SIG_FORMAT)
def certified_last(scene: Scene) -> bytes:
    """The head signs that nothing may change, and something does, behind the unit's seal."""
    return _comment(_certified(MDPPerm.FILL_FORMS, lambda pdf: pdf)(scene))


@change(Class.SSA)
def empty_field_over_the_text(pdf: bytes) -> bytes:
    """A visible empty signature field as large as the page."""
    return add_empty_fields(pdf, {"Che": FIELD_BOX})


def _dressed(pdf: bytes) -> bytes:
    """An empty signature field with an appearance of its own."""
    look = stream(b"1 1 1 rg 0 0 600 800 re f", b"/Type /XObject /Subtype /Form /BBox [0 0 600 800]")
    field = (
        b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Che) /F 132 /Rect [0 0 600 800] /P 3 0 R /AP << /N 95 0 R >> >>"
    )
    form = 10
    body = body_of(pdf, 3)
    return appended(
        pdf,
        {
            3: body.replace(b"/Annots [", b"/Annots [ 94 0 R"),
            form: body_of(pdf, form).replace(b"/Fields [", b"/Fields [ 94 0 R"),
            94: field,
            95: look,
        },
    )


_dressed.__name__ = "empty_field_with_a_picture"
change(Class.SSA)(_dressed)


def _looks_changed(pdf: bytes) -> bytes:
    """What the first signature shows is drawn anew."""
    number = int(body_of(pdf, 11).split(b"/N ")[1].split()[0])
    return appended(pdf, {number: stream(b"1 1 1 rg 0 0 600 800 re f", b"/Subtype /Form /BBox [0 0 600 800]")})


@attack(Class.SSA, CHANGED)
def appearance_of_a_signature_redrawn(scene: Scene) -> bytes:
    """The head's visible signature is given another picture before the unit seals."""
    return scene.by_unit(_looks_changed(scene.by_signer(scene.letter, box=(340, 130, 480, 180))))


@attack(Class.SSA, CHANGED)
def signature_moved_over_the_text(scene: Scene) -> bytes:
    """The head's visible signature is moved before the unit seals."""
    pdf = scene.by_signer(scene.letter, box=(340, 130, 480, 180))
    return scene.by_unit(appended(pdf, {11: body_of(pdf, 11).replace(b"340 130 480 180", b"0 0 595 842")}))


def _stranger(scene: Scene, pdf: bytes) -> bytes:
    stranger = scene.city.authority.person("Nguyễn Xa Lạ")
    return sign(pdf, stranger, scene.at + GAP, field="Che", box=FIELD_BOX)


@attack(Class.SSA, Reason.E_SIG_STRANGER, sub="SIG_CONSTRAINTS_FAILURE")
def stranger_signs_over_the_text(scene: Scene) -> bytes:
    """A stranger with a sound certificate signs in a field as large as the page, behind both."""
    return _stranger(scene, scene.signed)


@attack(Class.SSA, Reason.E_SIG_STRANGER, sub="SIG_CONSTRAINTS_FAILURE")
def stranger_signs_between(scene: Scene) -> bytes:
    """The same between the two."""
    return scene.by_unit(_stranger(scene, scene.by_signer(scene.letter)))


@attack(Class.SSA, Reason.E_SIG_UNTRUSTED_CA, sub="NO_CERTIFICATE_CHAIN_FOUND")
def stranger_of_another_ca_signs_over_the_text(scene: Scene) -> bytes:
    """The same with a certificate nobody trusts."""
    return sign(scene.signed, scene.city.foreign.person("Nguyễn Văn A"), scene.at, field="Che", box=FIELD_BOX)


# the signature dictionary and its field


def _override(name: str, entry: bytes) -> None:
    def edit(pdf: bytes) -> bytes:
        start = pdf.rindex(b"/Contents <")
        number = int(pdf[: pdf.rindex(b" 0 obj", 0, start)].split()[-1])
        return appended(pdf, {number: with_entry(body_of(pdf, number), entry)})

    reasons = (Reason.E_SIG_FORMAT, CHANGED)
    add(f"{name}_overridden_after", Class.OVERRIDE, lambda scene: edit(scene.signed), *reasons)
    add(f"{name}_overridden_between", Class.OVERRIDE, lambda scene: scene.between(scene.letter, edit), *reasons)


_override("name", b"/Name (Chu tich)")
_override("reason", b"/Reason (Da phe duyet)")
_override("time", b"/M (D:20300101000000Z)")
_override("place", b"/Location (Ha Noi)")


@attack(Class.OVERRIDE, CHANGED)
def field_renamed(scene: Scene) -> bytes:
    """The head's field bears the unit's name."""
    pdf = scene.by_signer(scene.letter)
    return scene.by_unit(appended(pdf, {11: body_of(pdf, 11).replace(b"(NguoiKy)", b"(GiamDoc)")}))


@attack(Class.OVERRIDE, Reason.E_SIG_FORMAT, CHANGED)
def value_of_a_field_exchanged(scene: Scene) -> bytes:
    """The unit's field shows the head's signature dictionary."""
    pdf = scene.signed
    start = pdf.rindex(b"/Contents <")
    theirs = pdf[: pdf.rindex(b" 0 obj", 0, start)].split()[-1]
    field = body_of(pdf, 16)
    mine = body_of(pdf, 11).split(b"/V ")[1].split()[0]
    return appended(pdf, {16: field.replace(b"/V " + theirs, b"/V " + mine)})
