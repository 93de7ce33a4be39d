"""Objects in object streams that nobody listed, or that come from another stream than the one that was signed.

A table names an object stream by its number alone, and a reader that repairs files takes what it finds.
"""

import re

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from common.domain.reason import Reason
from mint.attacks.raw import (
    HEADER,
    appended,
    body_of,
    last_table,
    object_stream,
    page,
    size_of,
    stream,
    streamed,
    text,
)
from mint.attacks.registry import Class, Scene, add, attack
from mint.attacks.shadow import shadow
from mint.tsa import add_document_time_stamp, time_authority

BROKEN = (Reason.E_PDF_FORMAT, Reason.E_SIG_COVERAGE, Reason.E_SIG_CHANGED)
FORM = b"/Type /XObject /Subtype /Form /BBox [0 0 595 842]"
CONTAINER, TABLE_OF_PICTURES, EMPTY, OTHER = 20, 30, 13, 12
FONTS = b"/Resources << /Font << /F1 5 0 R >> >>"
OBJECTS = {
    1: b"<< /Type /Catalog /Pages 2 0 R >>",
    2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
    b" /Resources << /Font << /F1 5 0 R >> /XObject 30 0 R >> >>",
    4: stream(text(b"Chi 5 trieu dong") + b" /Sau Do"),
    5: b"<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman >>",
    OTHER: stream(b"BT /F1 14 Tf 72 600 Td (500 ty) Tj ET", FORM + FONTS),
    EMPTY: stream(b"q Q", FORM),
}
"""A page that finds its picture in object 30, which lies in object stream 20."""


def _letter(container: bytes | None) -> bytes:
    more = {} if container is None else {CONTAINER: container}
    return streamed(HEADER, OBJECTS | more, {TABLE_OF_PICTURES: (CONTAINER, 0)}, 6)


def _harmless() -> bytes:
    return _letter(object_stream([(TABLE_OF_PICTURES, b"<< /Sau 13 0 R >>")]))


HARMFUL = object_stream([(TABLE_OF_PICTURES, b"<< /Sau 12 0 R >>"), (5, OBJECTS[5])])


def _brought(pdf: bytes) -> bytes:
    """The update brings, or exchanges, the object stream: for the font, which stays the same."""
    return streamed(pdf, {CONTAINER: HARMFUL}, {5: (CONTAINER, 1)}, size_of(pdf))


def _brought_alone(pdf: bytes) -> bytes:
    return appended(pdf, {CONTAINER: HARMFUL})


shadow("container_comes_later", Class.SHADOW_BOTH, lambda: _letter(None), _brought, *BROKEN, only_after=True)
shadow("container_comes_alone", Class.SHADOW_BOTH, lambda: _letter(None), _brought_alone, *BROKEN, only_after=True)
shadow("container_exchanged", Class.SHADOW_BOTH, _harmless, _brought, *BROKEN)
shadow("container_exchanged_alone", Class.SHADOW_BOTH, _harmless, _brought_alone, *BROKEN)
shadow("container_freed", Class.SHADOW_BOTH, _harmless, lambda pdf: appended(pdf, {}, freed=[CONTAINER]), *BROKEN)
add(
    "container_comes_after_the_seal_alone",
    Class.SHADOW_BOTH,
    lambda scene: _brought(scene.quietly_by_unit(_letter(None))),
    *BROKEN,
)


def _container_of_a_field() -> bytes:
    """The object stream is also what an empty, invisible signature field shows."""
    held = object_stream([(TABLE_OF_PICTURES, b"<< /Sau 13 0 R >>")], b" /Subtype /Form /BBox [0 0 0 0]")
    field = b"<< /Type /Annot /Subtype /Widget /FT /Sig /T (TG) /F 132 /Rect [0 0 0 0] /P 3 0 R /AP << /N 20 0 R >> >>"
    objects = OBJECTS | {
        1: b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [25 0 R] /SigFlags 3 >> >>",
        3: OBJECTS[3].replace(b"/Contents", b"/Annots [25 0 R] /Contents"),
        CONTAINER: held,
        25: field,
    }
    return streamed(HEADER, objects, {TABLE_OF_PICTURES: (CONTAINER, 0)}, 6)


@attack(Class.SHADOW_BOTH, *BROKEN)
def container_exchanged_as_an_appearance(scene: Scene) -> bytes:
    """The field is filled, by a time stamp, and its appearance drawn anew."""
    signed = scene.quietly_by_unit(scene.quietly_by_signer(_container_of_a_field()))

    def exchange(writer: IncrementalPdfFileWriter) -> None:
        data = b"%d 0 << /Sau %d 0 R >> " % (TABLE_OF_PICTURES, OTHER)
        held = generic.StreamObject(stream_data=data)
        held.update({pdf_name("/Type"): pdf_name("/ObjStm"), pdf_name("/Subtype"): pdf_name("/Form")})
        held.update({pdf_name("/N"): generic.NumberObject(1), pdf_name("/First"): generic.NumberObject(5)})
        held[pdf_name("/BBox")] = generic.ArrayObject([generic.NumberObject(0)] * 4)
        writer.objects[(0, CONTAINER)] = held

    return add_document_time_stamp(signed, time_authority(scene.city.authority), scene.at, field="TG", also=exchange)


# what a reader that repairs files finds


def _with_another_page(pdf: bytes) -> list[tuple[int, bytes]]:
    turned = re.sub(rb"/MediaBox", b"/Rotate 180 /MediaBox", body_of(pdf, 3))
    return [(5, body_of(pdf, 5)), (3, turned)]


def _unlisted(pdf: bytes) -> bytes:
    """The table lists one of the two objects."""
    container = size_of(pdf)
    return streamed(pdf, {container: object_stream(_with_another_page(pdf))}, {5: (container, 0)}, container + 1)


def _unlisted_container(pdf: bytes) -> bytes:
    """The table lists the object stream, and nothing in it."""
    return appended(pdf, {size_of(pdf): object_stream(_with_another_page(pdf))})


def _other_table(pdf: bytes) -> bytes:
    """A cross-reference stream beside the table that counts, for another page."""
    content = size_of(pdf)
    other = re.sub(rb"/Contents \d+ 0 R", b"/Contents %d 0 R" % content, body_of(pdf, 3))
    rows = b"\1" + len(pdf).to_bytes(4, "big") + b"\0"
    table = stream(rows, b"/Type /XRef /Size 99 /W [1 4 1] /Index [3 1] /Root 1 0 R /Prev %d" % last_table(pdf))
    return appended(pdf, {content: other, content + 1: table})


def _at_another_number(pdf: bytes) -> bytes:
    """Another content, under the number of the true one, which the table lists as a new object."""
    out = pdf + b"4 0 obj\n%s\nendobj\n" % stream(text(b"Chi 500 ty dong"))
    return appended(out, {}, at={size_of(pdf): len(pdf)}, previous=last_table(pdf))


def _at_a_comment(pdf: bytes) -> bytes:
    """The table leads to a comment: a reader that does not skip it looks for the objects by itself."""
    return appended(pdf, {}, at={70: pdf.index(b"%c\n70 0 obj")})


def _commented() -> bytes:
    other = b"4 0 obj\n%s\nendobj\n" % stream(text(b"Chi 500 ty dong"))
    return page(objects={10: b"<< /Note (x) >>\nendobj\n" + other + b"%c\n70 0 obj\n<< >>"})


shadow("packed_and_not_listed", Class.COVERAGE, page, _unlisted, *BROKEN)
shadow("container_not_used", Class.COVERAGE, page, _unlisted_container, *BROKEN)
shadow("table_not_used", Class.COVERAGE, page, _other_table, *BROKEN)
shadow("listed_at_another_number", Class.COVERAGE, page, _at_another_number, *BROKEN)
shadow("listed_at_a_comment", Class.COVERAGE, _commented, _at_a_comment, *BROKEN, only_after=True)
