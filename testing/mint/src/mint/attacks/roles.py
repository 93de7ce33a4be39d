"""Harmless names, harmful roles: a rule that goes by an object's name, or by one of its uses, lets these pass.

Content swapped under a resource that is *named* like validation data or metadata; objects that are validation data
or metadata *and* part of the page; signed offsets and lengths that reach past the signed bytes.

Longer than 250 lines: it is a catalogue. Each function is one attack, and none needs another.
"""

from collections.abc import Callable

from common.domain.reason import Reason
from mint.attacks.raw import appended, body_of, last_table, page, plain, root_of, stream, text, with_entry
from mint.attacks.registry import Class, Scene, add, attack
from mint.attacks.shadow import shadow

CHANGED = Reason.E_SIG_CHANGED
COVERAGE = Reason.E_SIG_COVERAGE
FORM = b"/Type /XObject /Subtype /Form /BBox [0 0 595 842]"


def _named(name: bytes) -> Callable[[], bytes]:
    """A letter whose text lies in an XObject of that name."""
    return lambda: page(
        b"/%s Do" % name,
        resources=b"/XObject << /%s 10 0 R >>" % name,
        objects={10: stream(text(b"Chi 5 trieu dong"), FORM)},
    )


def _swap(pdf: bytes) -> bytes:
    return appended(pdf, {10: stream(text(b"Chi 500 ty dong"), FORM)})


for _name in ("Names", "DSS", "Metadata", "PieceInfo", "Extensions", "Type", "VRI", "Perms", "Info", "AcroForm"):
    shadow(f"content_named_{_name.lower()}", Class.NAMES, _named(_name.encode()), _swap)


def _font_named(name: bytes) -> Callable[[], bytes]:
    return lambda: page(
        b"BT /%s 14 Tf 72 700 Td (Chi 5 trieu) Tj ET" % name,
        resources=b"/Properties << /%s 10 0 R >>" % name,
        objects={10: b"<< /Type /OCG /Name (Hien) >>"},
    )


shadow(
    "layer_named_metadata",
    Class.NAMES,
    _font_named(b"Metadata"),
    lambda pdf: appended(pdf, {10: b"<< /Type /OCG /Name (An) >>"}),
)


# one object in two roles


def _metadata_is_the_page() -> bytes:
    """The catalog's metadata stream is the page's content as well."""
    return page(catalog=b"/Metadata 4 0 R")


def _information_is_the_font() -> bytes:
    """The document information is the page's font as well."""
    return page(more=b"/Info 5 0 R")


def _information_is_the_resources() -> bytes:
    resources = b"<< /Font << /F1 5 0 R >> /XObject << /A 11 0 R >> >>"
    return page(
        b"/A Do",
        objects={10: resources, 11: stream(text(b"Chi 5 trieu"), FORM), 12: stream(text(b"Chi 500 ty"), FORM)},
        more=b"/Info 10 0 R",
    ).replace(b"/Resources << /Font << /F1 5 0 R >>  >>", b"/Resources 10 0 R                      ", 1)


def _dss_is_the_page() -> bytes:
    """A validation data dictionary whose certificate is the page's content."""
    return page(catalog=b"/DSS 10 0 R", objects={10: b"<< /Type /DSS /Certs [4 0 R] >>"})


def _dss_is_the_resources() -> bytes:
    """The validation data dictionary is the page's resources as well."""
    return page(
        b"/A Do",
        catalog=b"/DSS 10 0 R",
        objects={
            10: b"<< /Type /DSS /Certs [] /XObject << /A 11 0 R >> >>",
            11: stream(text(b"Chi 5 trieu"), FORM),
            12: stream(text(b"Chi 500 ty"), FORM),
        },
    ).replace(b"/Resources << /Font << /F1 5 0 R >>  >>", b"/Resources 10 0 R                      ", 1)


def _extensions_are_the_resources() -> bytes:
    """The developer extensions are the page's resources as well."""
    return page(
        b"/A Do",
        catalog=b"/Extensions 10 0 R",
        objects={
            10: b"<< /XObject << /A 11 0 R >> >>",
            11: stream(text(b"Chi 5 trieu"), FORM),
            12: stream(text(b"Chi 500 ty"), FORM),
        },
    ).replace(b"/Resources << /Font << /F1 5 0 R >>  >>", b"/Resources 10 0 R                      ", 1)


def _point_elsewhere(pdf: bytes) -> bytes:
    return appended(pdf, {10: body_of(pdf, 10).replace(b"/A 11 0 R", b"/A 12 0 R")})


def _other_content(pdf: bytes) -> bytes:
    return appended(pdf, {4: stream(text(b"Chi 500 ty dong"), b"/Type /Metadata /Subtype /XML")})


shadow("metadata_is_the_page", Class.NAMES, _metadata_is_the_page, _other_content)
shadow(
    "information_is_the_font",
    Class.NAMES,
    _information_is_the_font,
    lambda pdf: appended(pdf, {5: b"<< /Type /Font /Subtype /Type1 /BaseFont /Symbol >>"}, more=b"/Info 5 0 R"),
)
shadow(
    "information_is_the_resources",
    Class.NAMES,
    _information_is_the_resources,
    lambda pdf: appended(pdf, {10: body_of(pdf, 10).replace(b"/A 11", b"/A 12")}, more=b"/Info 10 0 R"),
)
shadow("validation_data_is_the_page", Class.NAMES, _dss_is_the_page, _other_content)
shadow("validation_data_is_the_resources", Class.NAMES, _dss_is_the_resources, _point_elsewhere)
shadow("extensions_are_the_resources", Class.NAMES, _extensions_are_the_resources, _point_elsewhere)


def _field_is_the_resource() -> bytes:
    """A pre-made empty signature field that the page shows as its text."""
    field = b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Cho ky) /Rect [0 0 0 0] /F 132 /P 3 0 R >>"
    return page(
        b"/OC /Q BDC (500 ty) Tj EMC",
        resources=b"/Properties << /Q 10 0 R >>",
        entries=b"/Annots [10 0 R]",
        catalog=b"/AcroForm << /Fields [10 0 R] /SigFlags 3 >>",
        objects={10: field},
    )


@attack(Class.NAMES, CHANGED)
def empty_field_is_a_resource(scene: Scene) -> bytes:
    """The unit fills a pre-made field that the page uses as a layer: signing it would show or hide text."""
    pdf = scene.quietly_by_signer(_field_is_the_resource())
    return scene.quietly_by_unit(pdf, "Cho ky")


@attack(Class.NAMES, CHANGED)
def empty_field_of_an_odd_trailer_key(scene: Scene) -> bytes:
    """The same, with the field reachable from an unusual key of the trailer."""
    field = b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (Cho ky) /Rect [0 0 0 0] /F 132 /P 3 0 R >>"
    prepared = page(
        entries=b"/Annots [10 0 R]",
        catalog=b"/AcroForm << /Fields [10 0 R] /SigFlags 3 >>",
        objects={10: field},
        more=b"/Anything 10 0 R",
    )
    pdf = scene.quietly_by_signer(prepared)
    return scene.quietly_by_unit(pdf, "Cho ky")


def _with_dss(extra: bytes, objects: dict[int, bytes]) -> Callable[[bytes], bytes]:
    """An update that adds a validation data dictionary and something besides."""

    def edit(pdf: bytes) -> bytes:
        catalog = with_entry(body_of(pdf, root_of(pdf)), b"/DSS 80 0 R" + extra)
        return appended(
            pdf, {root_of(pdf): catalog, 80: b"<< /Type /DSS /Certs [81 0 R] >>", 81: stream(b"0")} | objects
        )

    return edit


for _what, _extra, _objects in (
    ("page", b"", {3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>"}),
    ("script", b" /OpenAction << /S /JavaScript /JS (1) >>", {}),
    ("content", b"", {4: stream(text(b"Chi 500 ty dong"))}),
    ("names", b" /Names << /JavaScript << /Names [(a) << /S /JavaScript /JS (1) >>] >> >>", {}),
):
    shadow(f"validation_data_with_a_{_what}", Class.NAMES, page, _with_dss(_extra, _objects))


# offsets and lengths that reach past the signed bytes


FAR = 60_000


def _offset_past_the_end() -> bytes:
    """Object 10 is listed far behind the end of what will be signed, and the page shows it."""
    pdf = page(b"/Sau Do", resources=b"/XObject << /Sau 10 0 R >>", objects={10: stream(b"% nothing yet")})
    place = pdf.rindex(b"\n10 0 obj") + 1
    return pdf.replace(b"%010d 00000 n" % place, b"%010d 00000 n" % FAR)


def _put_there(pdf: bytes) -> bytes:
    body = b"10 0 obj\n%s\nendobj\n" % stream(text(b"Chi 500 ty dong"), FORM)
    return appended(pdf + b"\n" * (FAR - len(pdf)) + body, {}, previous=last_table(pdf))


def _put_there_and_listed(pdf: bytes) -> bytes:
    body = b"10 0 obj\n%s\nendobj\n" % stream(text(b"Chi 500 ty dong"), FORM)
    return appended(pdf + b"\n" * (FAR - len(pdf)) + body, {}, at={10: FAR}, previous=last_table(pdf))


PAST = (COVERAGE, CHANGED, Reason.E_PDF_FORMAT, Reason.E_SIG_FORMAT)
shadow("offset_past_the_end", Class.OFFSETS, _offset_past_the_end, _put_there, *PAST)
shadow("offset_past_the_end_listed", Class.OFFSETS, _offset_past_the_end, _put_there_and_listed, *PAST)

SHOWN = b"BT /F1 12 Tf 72 600 Td (Dong y) Tj ET"
HIDDEN = b"\nendstream\nendobj\n BT 72 500 Td (500 ty dong) Tj ET"


def _length_elsewhere() -> bytes:
    """The content's length is an object that poses as document information."""
    body = b"<< /Length 10 0 R >>\nstream\n%s\nendstream" % (SHOWN + HIDDEN)
    letter = b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << >> /Contents 4 0 R >>"
    return plain(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R >>",
            2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            3: letter,
            4: body,
            10: b"%d" % len(SHOWN),
        },
        b"/Info 10 0 R",
    )


def _longer(pdf: bytes) -> bytes:
    return appended(pdf, {10: b"%d" % len(SHOWN + HIDDEN)}, more=b"/Info 10 0 R")


shadow("length_set_later", Class.OFFSETS, _length_elsewhere, _longer, *PAST)


def _length_past_the_end() -> bytes:
    """The content's length runs to bytes that do not exist yet."""
    pdf = page(objects={10: stream(text(b"x"))})
    at = pdf.index(b"4 0 obj\n<< /Length ") + len(b"4 0 obj\n<< /Length ")
    end = pdf.index(b" ", at)
    return pdf[:at] + b"99"[: end - at].ljust(end - at, b"9") + pdf[end:]


add(
    "length_past_the_object",
    Class.OFFSETS,
    lambda scene: scene.by_unit(scene.by_signer(_length_past_the_end())),
    Reason.E_PDF_FORMAT,
    *PAST,
)
