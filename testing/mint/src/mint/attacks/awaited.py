"""Roles that a rule forgets to ask for: the catalog in a second role, numbers that nothing defined yet, inheritance.

All of them are prepared before signing, so that an update of the kind that may follow a signature shows something else.
"""

from common.domain.reason import Reason
from mint.attacks.raw import appended, body_of, page, plain, root_of, stream, text, with_entry
from mint.attacks.registry import Class
from mint.attacks.shadow import shadow

CHANGED = Reason.E_SIG_CHANGED
GONE = (Reason.E_SIG_CHANGED, Reason.E_PDF_FORMAT, Reason.E_SIG_COVERAGE, Reason.E_SIG_FORMAT)
FORM = b"/Type /XObject /Subtype /Form /BBox [0 0 595 842]"
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/"><xmp:ModifyDate>2026-07-01T00:00:00Z'
    b"</xmp:ModifyDate></rdf:Description></rdf:RDF></x:xmpmeta>"
)


# the catalog in a second role


def _catalog_is_the_resource(kind: bytes, catalog: bytes, content: bytes, objects: dict[int, bytes]) -> bytes:
    """The page finds its objects of one kind in the catalog: ``/Metadata Do``, ``/OC /Extensions BDC``."""
    return page(content, resources=b"/%s 1 0 R" % kind, catalog=catalog, objects=objects)


def _metadata_drawn() -> bytes:
    held = stream(XMP + b"<!--\n" + text(b"Chi 5 trieu dong") + b"\n-->", FORM)
    return _catalog_is_the_resource(b"XObject", b"/Metadata 10 0 R", b"/Metadata Do", {10: held})


def _metadata_exchanged(pdf: bytes) -> bytes:
    drawn = XMP.replace(b"2026-07-01", b"2026-07-02") + b"<!--\n" + text(b"Chi 500 ty dong") + b"\n-->"
    root = root_of(pdf)
    body = body_of(pdf, root).replace(b"/Metadata 10 0 R", b"/Metadata 90 0 R")
    return appended(pdf, {root: body, 90: stream(drawn, FORM)})


def _layer_is_an_extension() -> bytes:
    return _catalog_is_the_resource(
        b"Properties",
        b"/Extensions 10 0 R /OCProperties << /OCGs [10 0 R] /D << /OFF [10 0 R] >> >>",
        text(b"Chi 5 trieu") + b" /OC /Extensions BDC " + text(b"500 ty") + b" EMC",
        {10: b"<< /Type /OCG /Name (An) >>"},
    )


def _extension_exchanged(pdf: bytes) -> bytes:
    root = root_of(pdf)
    body = body_of(pdf, root).replace(b"/Extensions 10 0 R", b"/Extensions 90 0 R")
    return appended(pdf, {root: body, 90: b"<< /Type /OCG /Name (Hien) >>"})


shadow("metadata_drawn_through_the_catalog", Class.NAMES, _metadata_drawn, _metadata_exchanged)
shadow("layer_through_the_catalog", Class.NAMES, _layer_is_an_extension, _extension_exchanged)


# numbers that nothing defined yet


def _parentless() -> bytes:
    """The page names a parent that does not exist; the tree lists the page all the same."""
    return page(b"q BT /F1 14 Tf 72 700 Td (Chi 5 trieu dong) Tj ET Q").replace(b"/Parent 2 0 R", b"/Parent 40 0 R")


def _parent_given(pdf: bytes) -> bytes:
    return appended(pdf, {40: b"<< /Type /Pages /Kids [3 0 R] /Count 1 /Rotate 180 /Parent 2 0 R >>"})


def _bare() -> bytes:
    """The page inherits its resources from there."""
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: b"<< /Type /Page /Parent 40 0 R /MediaBox [0 0 595 842] /Contents 4 0 R >>",
        4: stream(b"/Sau Do"),
    }
    return plain(objects)


def _resources_inherited(pdf: bytes) -> bytes:
    return appended(
        pdf,
        {
            40: b"<< /Type /Pages /Kids [3 0 R] /Count 1 /Resources << /XObject << /Sau 41 0 R >> >> >>",
            41: stream(text(b"500 ty"), FORM),
        },
    )


shadow("parent_given_later", Class.SHADOW_BOTH, _parentless, _parent_given, *GONE)
shadow("resources_inherited_later", Class.SHADOW_BOTH, _bare, _resources_inherited, *GONE)


def _parent_as_evidence(pdf: bytes) -> bytes:
    """The missing parent comes as a certificate of the store: a stream is a dictionary, too."""
    catalog = with_entry(body_of(pdf, root_of(pdf)), b"/DSS 80 0 R")
    parent = stream(b"0", b"/Type /Pages /Kids [3 0 R] /Count 1 /Rotate 180")
    return appended(pdf, {root_of(pdf): catalog, 80: b"<< /Type /DSS /Certs [40 0 R] >>", 40: parent})


shadow("parent_given_as_evidence", Class.SHADOW_BOTH, _parentless, _parent_as_evidence, *GONE)


def _beyond() -> bytes:
    """A file whose cross-reference stream lists object 100, which lies beyond its ``/Size``."""
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 5 0 R >> >> "
        b"/Contents [4 0 R 100 0 R] >>",
        4: stream(text(b"Chi 5 trieu dong")),
        5: b"<< /Type /Font /Subtype /Type1 /BaseFont /Times-Roman >>",
        100: stream(b"% nothing"),
    }
    out, offsets = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", {}
    for number, body in objects.items():
        offsets[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = offsets[6] = len(out)
    numbers = [1, 2, 3, 4, 5, 6, 100]
    rows = b"".join(b"\x01" + offsets[n].to_bytes(4, "big") + b"\x00" for n in numbers)
    index = b" ".join(b"%d 1" % n for n in numbers)
    held = stream(rows, b"/Type /XRef /Size 7 /W [1 4 1] /Index [%s] /Root 1 0 R" % index)
    return out + b"6 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (held, start)


shadow(
    "object_beyond_the_size",
    Class.SHADOW_REPLACE,
    _beyond,
    lambda pdf: appended(pdf, {100: stream(text(b"500 ty dong"))}, size=101),
    *GONE,
)
