"""A document time stamp that shows something after all: anybody gets one, and it vouches for no content.

Its field is another annotation than a widget, which viewers draw without a picture; it uncovers what was hidden when
the letter was signed; or the same update gives an appearance what it looked for in vain.
"""

import io
from collections.abc import Callable

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields

from common.domain.reason import Reason
from mint.attacks.raw import page, stream, text
from mint.attacks.registry import Class, Scene, add
from mint.tsa import add_document_time_stamp, time_authority

CHANGED, FIELD = Reason.E_SIG_CHANGED, "ThoiGian"
BOX = (50, 680, 550, 740)
FORM = b"/Type /XObject /Subtype /Form /BBox [0 0 595 842]"
Change = Callable[[IncrementalPdfFileWriter], None]


def _stamped(scene: Scene, pdf: bytes, change: Change) -> bytes:
    return add_document_time_stamp(pdf, time_authority(scene.city.authority), scene.at, field=FIELD, also=change)


def _written(pdf: bytes, change: Change) -> bytes:
    writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
    writer._update_meta = lambda: None  # type: ignore[method-assign]
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _overlay(name: str, prepared: Callable[[], bytes], change: Change) -> None:
    """In the update of a time stamp, behind the signatures and between them; and between them without one."""

    def after(scene: Scene) -> bytes:
        return _stamped(scene, scene.quietly_by_unit(scene.quietly_by_signer(prepared())), change)

    def between(scene: Scene) -> bytes:
        return scene.quietly_by_unit(_stamped(scene, scene.quietly_by_signer(prepared()), change))

    add(f"{name}_stamped_after", Class.EAA, after, CHANGED, Reason.E_SIG_FORMAT)
    add(f"{name}_stamped_between", Class.EAA, between, CHANGED, Reason.E_SIG_FORMAT)


def _numbers(*values: float) -> generic.ArrayObject:
    return generic.ArrayObject([generic.FloatObject(each) for each in values])


def _laid(entries: dict[str, generic.PdfObject]) -> Change:
    """A new field without an appearance."""

    def change(writer: IncrementalPdfFileWriter) -> None:
        fields.append_signature_field(writer, fields.SigFieldSpec(FIELD, box=BOX, on_page=0))
        field = writer.root["/AcroForm"]["/Fields"][-1].get_object()
        appearance = field["/AP"].raw_get("/N")
        del writer.objects[(appearance.generation, appearance.idnum)]
        del field[pdf_name("/AP")]
        field.update({pdf_name(f"/{key}"): value for key, value in entries.items()})

    return change


VISIBLE, WHITE = generic.NumberObject(4), _numbers(1, 1, 1)
ANNOTATIONS: dict[str, dict[str, generic.PdfObject]] = {
    "square": {"Subtype": pdf_name("/Square"), "IC": WHITE, "C": WHITE, "F": VISIBLE},
    "stamp": {"Subtype": pdf_name("/Stamp"), "Name": pdf_name("/Approved"), "F": VISIBLE},
    "note": {"Subtype": pdf_name("/FreeText"), "Contents": generic.TextStringObject("Chi 500 ty"), "F": VISIBLE},
    "highlight": {"Subtype": pdf_name("/Highlight"), "QuadPoints": _numbers(50, 680, 550, 680, 50, 740, 550, 740)},
}
DECORATIONS: dict[str, dict[str, generic.PdfObject]] = {
    "border_style": {"BS": generic.DictionaryObject({pdf_name("/W"): generic.NumberObject(90)})},
    "colour": {"C": WHITE},
}
for _name, _entries in ANNOTATIONS.items():
    _overlay(f"field_is_a_{_name}", page, _laid(_entries))


def _decorated(name: str, change: Change) -> None:
    """Behind the signatures alone: between them, the unit vouches for what is shown."""

    def after(scene: Scene) -> bytes:
        return _stamped(scene, scene.quietly_by_unit(scene.quietly_by_signer(page())), change)

    add(f"widget_with_a_{name}_stamped_after", Class.EAA, after, CHANGED, Reason.E_SIG_FORMAT)


for _name, _entries in DECORATIONS.items():
    _decorated(_name, _laid(_entries))


def _hidden(entries: bytes) -> Callable[[], bytes]:
    """An empty signature field over the text, hidden until a time stamp fills it."""
    field = b"<< /Type /Annot /FT /Sig /T (ThoiGian) /Rect [50 680 550 740] /P 3 0 R %s >>" % entries
    return lambda: page(
        catalog=b"/AcroForm << /Fields [10 0 R] /SigFlags 3 >>", entries=b"/Annots [10 0 R]", objects={10: field}
    )


def _uncover(writer: IncrementalPdfFileWriter) -> None:
    field = writer.root["/AcroForm"]["/Fields"][0].get_object()
    field[pdf_name("/F")] = VISIBLE
    writer.update_container(field)


for _name, _hiding in {"hidden": b"/F 2", "without_view": b"/F 36", "invisible": b"/F 1"}.items():
    _overlay(f"square_{_name}_uncovered", _hidden(b"/Subtype /Square /IC [1 1 1] /C [1 1 1] " + _hiding), _uncover)
    _overlay(f"widget_{_name}_uncovered", _hidden(b"/Subtype /Widget " + _hiding), _uncover)


# an appearance that looks for its resources in the form


def _looking(kind: bytes, content: bytes) -> Callable[[], bytes]:
    """A note whose appearance has no resources of its own, and draws what the form's resources do not have yet."""
    note = b"<< /Type /Annot /Subtype /Stamp /Rect [0 0 595 842] /F 4 /AP << /N 11 0 R >> >>"
    fonts = b" /Resources << /Font << /F1 5 0 R >> >>"
    return lambda: page(
        catalog=b"/AcroForm << /Fields [] /DR << /%s << >> >> >>" % kind,
        entries=b"/Annots [10 0 R]",
        objects={
            10: note,
            11: stream(content, FORM),
            12: stream(b"BT /F1 14 Tf 72 600 Td (500 ty) Tj ET", FORM + fonts),
        },
    )


def _given(kind: str, number: int) -> Change:
    def change(writer: IncrementalPdfFileWriter) -> None:
        resources = writer.root["/AcroForm"]["/DR"]
        names = resources.get(f"/{kind}") or generic.DictionaryObject()
        names[pdf_name("/Sau")] = generic.IndirectObject(number, 0, writer)
        resources[pdf_name(f"/{kind}")] = names
        writer.update_container(writer.root["/AcroForm"])

    return change


_overlay("drawing_given_to_an_appearance", _looking(b"XObject", b"/Sau Do"), _given("XObject", 12))
_overlay("drawing_given_under_an_escape", _looking(b"XObject", b"/S#61u Do"), _given("XObject", 12))
_overlay("first_drawing_of_the_form", _looking(b"Font", b"/Sau Do"), _given("XObject", 12))
_overlay("font_given_to_an_appearance", _looking(b"Font", text(b"500 ty").replace(b"/F1", b"/Sau")), _given("Font", 5))
