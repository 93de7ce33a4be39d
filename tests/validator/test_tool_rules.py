"""What signing tools other than ours write beside a signature is accepted; beside each case what it must not let in."""

import importlib.resources
import io
import re
import struct
from collections.abc import Callable
from typing import Any

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields

from mint.attacks.forge import sign_quietly
from mint.attacks.raw import appended, page, stream
from mint.pki import Identity
from mint.sign import Manner, _DatedSigner, _metadata, _signer, add_empty_fields, finished, sign
from mint.tagged import FIRST_PAGE, PARENTS, ROOT, tagged
from mint.tsa import add_document_time_stamp, time_authority
from validator.report.decision import Verified

from .conftest import NOW, Harness
from .test_difference_rules import (
    BOX,
    Writer,
    _tag,
    accepted,
    array,
    dictionary,
    name,
    number,
    reference,
    refused,
    sign_with,
    update,
)  # fmt: skip

Change = Callable[[Writer, Any], None]


@pytest.fixture(scope="module")
def paper() -> bytes:
    return tagged(2, font_bytes=300, paragraph_words=3)


@pytest.fixture(scope="module")
def once(harness: Harness, paper: bytes) -> bytes:
    return sign(paper, harness.sender.signer, NOW, field="A", box=(200, 50, 300, 100))


def _page(writer: Writer) -> Any:
    page = reference(writer, FIRST_PAGE).get_object()
    writer.update_container(page)
    return page


def _prepared(paper: bytes, change: Callable[[Writer], None]) -> Callable[[Identity], bytes]:
    """The paper with a change of its own before the first signature."""
    document = update(paper, change)
    return lambda identity: sign(document, identity, NOW, field="A", box=(200, 50, 300, 100))


# numbers that were nobody's


def _stream_that_lists_itself_not(document: bytes, own: bytes) -> bytes:
    """An empty update with a cross-reference stream; ``own``: what it says of its own number."""
    start = int(document[document.rindex(b"startxref") :].split()[1])
    size, root = _told(document, "Size"), _told(document, "Root")
    rows = own if own else struct.pack(">BIH", 0, 0, 0xFFFF)
    first = size if own else 0
    entries = b"/Type/XRef/Size %d/W[1 4 2]/Index[%d 1]/Root %d 0 R/Prev %d/Length 7" % (size + 1, first, root, start)
    table = b"%d 0 obj\n<<%s>>\nstream\n%s\nendstream\nendobj\n" % (size, entries, rows)
    return document + table + b"startxref\n%d\n%%%%EOF\n" % len(document)


def _told(document: bytes, entry: str) -> int:
    """The first number of an entry of the last trailer."""
    return int(re.findall(rb"/%s (\d+)" % entry.encode(), document)[-1])


def _sign_with_the_number(document: bytes, identity: Identity, taken: int) -> bytes:
    """The next tool gives the number to the new field."""
    writer = IncrementalPdfFileWriter(io.BytesIO(document))
    fields.append_signature_field(writer, fields.SigFieldSpec("B", box=BOX, on_page=0))
    old = writer.root["/AcroForm"]["/Fields"].raw_get(-1)
    page = reference(writer, FIRST_PAGE).get_object()
    writer.objects[(0, taken)] = writer.objects.pop((0, old.idnum))
    writer.objects[(0, taken)].container_ref = generic.Reference(taken, 0, writer)
    for entries, key in ((writer.root["/AcroForm"], "/Fields"), (page, "/Annots")):
        others = [entries[key].raw_get(place) for place in range(len(entries[key]) - 1)]
        entries[name(key)] = array(*others, generic.IndirectObject(taken, 0, writer))
    signer = _DatedSigner(_metadata(manner := Manner(field="B", box=BOX)), _signer(identity, manner), at=NOW, box=BOX)
    return bytes(finished(signer.async_sign_pdf(writer)).getvalue())


NEITHER = b""
FREE = struct.pack(">BIH", 0, 0, 0xFFFF)


@pytest.mark.parametrize("own", [NEITHER, FREE], ids=["unlisted", "free"])
def test_number_of_a_table_is_given_out(harness: Harness, paper: bytes, own: bytes) -> None:
    taken = _told(paper, "Size")
    signed = sign(_stream_that_lists_itself_not(paper, own), harness.sender.signer, NOW, field="A")
    assert accepted(harness, _sign_with_the_number(signed, harness.sender.seal, taken))


@pytest.mark.parametrize("own", [NEITHER, FREE], ids=["unlisted", "free"])
@pytest.mark.parametrize("generation", [0, 7])
def test_number_that_was_waited_for(harness: Harness, paper: bytes, own: bytes, generation: int) -> None:
    """The signed page shows an object that only the next revision brings, under a number that was nobody's."""
    taken = _told(paper, "Size")

    def prepare(writer: Writer) -> None:
        unknown_object = generic.IndirectObject(taken, generation, writer)
        _page(writer)["/Resources"][name("/XObject")] = dictionary(Im0=unknown_object)

    document = update(_stream_that_lists_itself_not(paper, own), prepare)
    signed = sign(document, harness.sender.signer, NOW, field="A")
    assert harness.judge(_sign_with_the_number(signed, harness.sender.seal, taken)).report.verdict != "valid"


# the parent tree


def _arrays_as_objects(writer: Writer, widget: Any) -> None:
    _tag(writer, widget)
    nums = reference(writer, PARENTS).get_object()["/Nums"]
    for place in (1, 3):
        nums[place] = writer.add_object(array(*(nums[place].raw_get(each) for each in range(len(nums[place])))))
    reference(writer, ROOT).get_object()[name("/RoleMap")] = dictionary()


def test_entries_of_the_parent_tree_as_objects_of_their_own(harness: Harness, once: bytes) -> None:
    assert accepted(harness, sign_with(once, harness.sender.seal, _arrays_as_objects))


def _arrays_in_another_order(writer: Writer, widget: Any) -> None:
    _arrays_as_objects(writer, widget)
    structure = reference(writer, PARENTS).get_object()["/Nums"][1]
    structure.reverse()


def _arrays_with_less(writer: Writer, widget: Any) -> None:
    _arrays_as_objects(writer, widget)
    structure = reference(writer, PARENTS).get_object()["/Nums"][1]
    del structure[0]


def _array_that_is_a_page(writer: Writer, widget: Any) -> None:
    """The new array takes the number of the page's content."""
    _arrays_as_objects(writer, widget)
    nums = reference(writer, PARENTS).get_object()["/Nums"]
    content = reference(writer, FIRST_PAGE).get_object().raw_get("/Contents")
    writer.objects[(0, content.idnum)] = nums[1]
    nums[1] = generic.IndirectObject(content.idnum, 0, writer)


@pytest.mark.parametrize("attack", [_arrays_in_another_order, _arrays_with_less, _array_that_is_a_page])
def test_entries_of_the_parent_tree_that_are_others(harness: Harness, once: bytes, attack: Change) -> None:
    assert refused(harness, sign_with(once, harness.sender.seal, attack))


# what a page inherits


def _box(*corners: int) -> Any:
    return array(*map(number, corners))


def _inherited(writer: Writer) -> None:
    """The box stands in the tree above the page, and the page has a text where the order of the keyboard should be."""
    pages = writer.root["/Pages"]
    pages[name("/MediaBox")] = _box(0, 0, 595, 842)
    writer.update_container(pages)
    page = _page(writer)
    del page["/MediaBox"]
    page[name("/Tabs")] = generic.TextStringObject("S")


def _sets(key: str, value: Callable[[], Any]) -> Change:
    def change(writer: Writer, _widget: Any) -> None:
        _page(writer)[name(key)] = value()

    return change


WRITTEN_DOWN = {
    "rounded box": _sets("/MediaBox", lambda: array(*map(generic.FloatObject, ("0.0001", "0", "594.9999", "842")))),
    "box": _sets("/MediaBox", lambda: _box(0, 0, 595, 842)),
    "tabs": _sets("/Tabs", lambda: name("/S")),
}
DIFFERENT_PAGE = {
    "smaller box": _sets("/MediaBox", lambda: array(*map(generic.FloatObject, ("0", "0", "594.99", "842")))),
    "box of words": _sets("/MediaBox", lambda: array(*map(number, (0, 0, 595)), generic.TextStringObject("842"))),
    "box": _sets("/MediaBox", lambda: _box(0, 0, 595, 400)),
    "crop": _sets("/CropBox", lambda: _box(0, 0, 595, 400)),
    "rotation": _sets("/Rotate", lambda: number(180)),
    "resources": _sets("/Resources", dictionary),
    "tabs": _sets("/Tabs", lambda: name("/C")),
}


@pytest.mark.parametrize("change", WRITTEN_DOWN.values(), ids=WRITTEN_DOWN)
def test_what_a_page_inherits_is_written_down(harness: Harness, paper: bytes, change: Change) -> None:
    signed = _prepared(paper, _inherited)(harness.sender.signer)
    assert accepted(harness, sign_with(signed, harness.sender.seal, change))


@pytest.mark.parametrize("attack", DIFFERENT_PAGE.values(), ids=DIFFERENT_PAGE)
def test_page_that_is_another(harness: Harness, paper: bytes, attack: Change) -> None:
    signed = _prepared(paper, _inherited)(harness.sender.signer)
    assert refused(harness, sign_with(signed, harness.sender.seal, attack))


def _below_other_pages(writer: Writer, _widget: Any) -> None:
    """The page gets a new node above it, from which it inherits another box."""
    page = _page(writer)
    node = dictionary(Type=name("/Pages"), Parent=page.raw_get("/Parent"), Count=number(1), MediaBox=_box(0, 0, 9, 9))
    page[name("/Parent")] = writer.add_object(node)


def _other_box_above(writer: Writer, _widget: Any) -> None:
    writer.root["/Pages"][name("/MediaBox")] = _box(0, 0, 595, 400)
    writer.update_container(writer.root["/Pages"])


@pytest.mark.parametrize("attack", [_below_other_pages, _other_box_above])
def test_page_that_inherits_something_else(harness: Harness, paper: bytes, attack: Change) -> None:
    signed = _prepared(paper, _inherited)(harness.sender.signer)
    assert refused(harness, sign_with(signed, harness.sender.seal, attack))


# what fields are drawn with


def _drawing(writer: Writer, data: bytes) -> Any:
    entries = {name("/Type"): name("/XObject"), name("/Subtype"): name("/Form"), name("/BBox"): _box(0, 0, 99, 99)}
    return writer.add_object(generic.StreamObject(entries, stream_data=data))


def _font(writer: Writer, base: str = "/Helvetica") -> Any:
    return writer.add_object(dictionary(Type=name("/Font"), Subtype=name("/Type1"), BaseFont=name(base)))


def _resources(writer: Writer) -> Any:
    return writer.root["/AcroForm"]["/DR"]


def _with_resources(paper: bytes, *, looks_there: bool = False) -> bytes:
    """A form with a dictionary of fonts of its own and a drawing; and an annotation that has no other resources."""

    def prepare(writer: Writer) -> None:
        fonts = writer.add_object(dictionary(Helv=_font(writer)))
        resources = dictionary(Font=fonts, XObject=dictionary(FRM=_drawing(writer, b"0 0 9 9 re f")))
        form = writer.root["/AcroForm"]
        form[name("/DR")] = resources
        writer.update_container(form)
        if looks_there:
            appearance = dictionary(N=_drawing(writer, b"/FRM Do"))
            note = dictionary(Type=name("/Annot"), Subtype=name("/Stamp"), Rect=_box(0, 0, 99, 99), AP=appearance)
            _page(writer)[name("/Annots")] = array(writer.add_object(note))

    return update(add_empty_fields(paper, {"A": None}), prepare)


def _another_font_beside(writer: Writer, _widget: Any) -> None:
    fonts = _resources(writer)["/Font"]
    fonts[name("/ZaDb")] = _font(writer, "/ZapfDingbats")
    writer.update_container(fonts)


def _another_drawing(writer: Writer, _widget: Any) -> None:
    _resources(writer)["/XObject"][name("/FRM")] = _drawing(writer, b"0 0 5 5 re f")
    writer.update_container(writer.root["/AcroForm"])


def _another_font(writer: Writer, _widget: Any) -> None:
    fonts = _resources(writer)["/Font"]
    fonts[name("/Helv")] = _font(writer, "/Symbol")
    writer.update_container(fonts)


def _old_object_as_a_drawing(writer: Writer, _widget: Any) -> None:
    content = reference(writer, FIRST_PAGE).get_object().raw_get("/Contents")
    writer.objects[(0, content.idnum)] = generic.StreamObject(stream_data=b"BT (khac) Tj ET")
    _resources(writer)["/XObject"][name("/FRM")] = generic.IndirectObject(content.idnum, 0, writer)
    writer.update_container(writer.root["/AcroForm"])


@pytest.mark.parametrize("change", [_another_font_beside, _another_drawing])
def test_resources_of_the_form_grow(harness: Harness, paper: bytes, change: Change) -> None:
    signed = sign(_with_resources(paper), harness.sender.signer, NOW, field="A")
    assert accepted(harness, sign_with(signed, harness.sender.seal, change))


@pytest.mark.parametrize("attack", [_another_font, _old_object_as_a_drawing])
def test_resources_of_the_form_exchanged(harness: Harness, paper: bytes, attack: Change) -> None:
    signed = sign(_with_resources(paper), harness.sender.signer, NOW, field="A")
    assert refused(harness, sign_with(signed, harness.sender.seal, attack))


def test_drawing_that_an_appearance_looks_for(harness: Harness, paper: bytes) -> None:
    signed = sign(_with_resources(paper, looks_there=True), harness.sender.signer, NOW, field="A")
    assert accepted(harness, sign_with(signed, harness.sender.seal, lambda *_: None))
    assert refused(harness, sign_with(signed, harness.sender.seal, _another_drawing))


# annotations


def _noted(writer: Writer) -> None:
    note = dictionary(Subtype=name("/Text"), Rect=_box(0, 0, 9, 9), Contents=generic.TextStringObject("duyet"))
    _page(writer)[name("/Annots")] = array(writer.add_object(note))


def _note(writer: Writer) -> Any:
    note = reference(writer, FIRST_PAGE).get_object()["/Annots"][0]
    writer.update_container(note)
    return note


def _typed(writer: Writer, _widget: Any) -> None:
    _note(writer)[name("/Type")] = name("/Annot")


def _typed_otherwise(writer: Writer, _widget: Any) -> None:
    _note(writer)[name("/Type")] = name("/XObject")


def _says_something_else(writer: Writer, widget: Any) -> None:
    _typed(writer, widget)
    _note(writer)[name("/Contents")] = generic.TextStringObject("khong duyet")


def _acts(writer: Writer, widget: Any) -> None:
    _typed(writer, widget)
    _note(writer)[name("/A")] = dictionary(S=name("/URI"), URI=generic.TextStringObject("https://demo.invalid/"))


def test_annotation_gets_its_type(harness: Harness, paper: bytes) -> None:
    signed = _prepared(paper, _noted)(harness.sender.signer)
    assert accepted(harness, sign_with(signed, harness.sender.seal, _typed))


@pytest.mark.parametrize("attack", [_typed_otherwise, _says_something_else, _acts])
def test_annotation_that_is_another(harness: Harness, paper: bytes, attack: Change) -> None:
    signed = _prepared(paper, _noted)(harness.sender.signer)
    assert refused(harness, sign_with(signed, harness.sender.seal, attack))


def test_type_of_what_is_no_annotation(harness: Harness, paper: bytes) -> None:
    """A dictionary of colour spaces: its /Type would be one of them."""

    def prepare(writer: Writer) -> None:
        spaces = writer.add_object(dictionary(Subtype=name("/DeviceRGB")))
        _page(writer)["/Resources"][name("/ColorSpace")] = spaces

    def attack(writer: Writer, _widget: Any) -> None:
        spaces = reference(writer, FIRST_PAGE).get_object()["/Resources"]["/ColorSpace"]
        spaces[name("/Type")] = name("/Annot")
        writer.update_container(spaces)

    assert refused(harness, sign_with(_prepared(paper, prepare)(harness.sender.signer), harness.sender.seal, attack))


# colours


def _profile(*, is_srgb: bool = True) -> bytes:
    place = importlib.resources.files("fpdf") / "data" / "color_profiles" / "sRGB2014.icc"
    data = place.read_bytes()
    return data if is_srgb else data[:-1] + b"\x01"


def _intent(writer: Writer, profile: bytes, **more: Any) -> Any:
    stream = writer.add_object(generic.StreamObject({name("/N"): number(3)}, stream_data=profile))
    entries = dictionary(Type=name("/OutputIntent"), S=name("/GTS_PDFA1"), DestOutputProfile=stream, **more)
    return array(writer.add_object(entries))


def _means(profile: bytes, **more: Any) -> Change:
    def change(writer: Writer, _widget: Any) -> None:
        writer.root[name("/OutputIntents")] = _intent(writer, profile, **more)
        writer.update_root()

    return change


def test_output_intent_of_a_screen(harness: Harness, once: bytes) -> None:
    assert accepted(harness, sign_with(once, harness.sender.seal, _means(_profile())))


def test_output_intent_with_other_colours(harness: Harness, once: bytes) -> None:
    for attack in (_means(_profile(is_srgb=False)), _means(_profile(), Khac=number(1))):
        assert refused(harness, sign_with(once, harness.sender.seal, attack))


def test_output_intent_exchanged(harness: Harness, paper: bytes) -> None:
    signed = _prepared(paper, lambda writer: _means(_profile(is_srgb=False))(writer, None))(harness.sender.signer)
    assert accepted(harness, sign_with(signed, harness.sender.seal, lambda *_: None))
    assert refused(harness, sign_with(signed, harness.sender.seal, _means(_profile())))


# time stamps behind the last signature


def _form_in_the_catalog(writer: Writer) -> None:
    writer.root[name("/AcroForm")] = dictionary(Fields=array(), SigFlags=number(3))
    writer.update_root()


@pytest.fixture(scope="module")
def twice(harness: Harness, paper: bytes) -> bytes:
    signed = _prepared(paper, _form_in_the_catalog)(harness.sender.signer)
    return sign(signed, harness.sender.seal, NOW, field="B")


def test_time_stamp_where_the_form_stands_in_the_catalog(harness: Harness, twice: bytes) -> None:
    tsa = time_authority(harness.city.authority)
    assert accepted(harness, add_document_time_stamp(twice, tsa, NOW))


def _draws_anew(writer: Writer) -> None:
    writer.root["/AcroForm"][name("/NeedAppearances")] = generic.BooleanObject(True)
    writer.update_root()


def _field_of_text(writer: Writer) -> None:
    entries = dictionary(FT=name("/Tx"), T=generic.TextStringObject("so"), V=generic.TextStringObject("khac"))
    writer.root["/AcroForm"]["/Fields"].append(writer.add_object(entries))
    writer.update_root()


@pytest.mark.parametrize("attack", [_draws_anew, _field_of_text])
def test_more_than_a_time_stamp(harness: Harness, twice: bytes, attack: Callable[[Writer], None]) -> None:
    tsa = time_authority(harness.city.authority)
    assert refused(harness, add_document_time_stamp(update(twice, attack), tsa, NOW))


def test_tool_of_the_last_change(harness: Harness, twice: bytes) -> None:
    def change(value: Any) -> Callable[[Writer], None]:
        def set_it(writer: Writer) -> None:
            information = writer.trailer["/Info"]
            information[name("/Producer")] = value
            writer.update_container(information)

        return set_it

    assert accepted(harness, update(twice, change(generic.TextStringObject("cong cu khac"))))
    assert refused(harness, update(twice, change(dictionary(Khac=number(1)))))


# a number that begins with a higher generation


def _with_generation(document: bytes, number_: int) -> bytes:
    """The last update's new object, every mention of it and its row of the table, with generation 1."""
    start = document.rindex(b"%%EOF", 0, len(document) - 10)
    tail = document[start:]
    for before, after in ((b"%d 0 obj", b"%d 1 obj"), (b" %d 0 R", b" %d 1 R")):
        tail = tail.replace(before % number_, after % number_)
    rows = re.search(rb"\n%d (\d+)\s+\d{10} (0000)0 n" % number_, tail)
    assert rows
    return document[:start] + tail[: rows.end() - 3] + b"1" + tail[rows.end() - 2 :]


def test_first_generation_is_a_higher_one(harness: Harness, paper: bytes) -> None:
    """An object before the first signature, as poppler numbers them; then signed by others."""

    def prepare(writer: Writer) -> None:
        _page(writer)[name("/PieceInfo")] = dictionary(Khac=writer.add_object(dictionary(Khac=number(1))))

    updated = update(paper, prepare)
    numbered = _with_generation(updated, _told(updated, "Size") - 1)
    signed = sign(numbered, harness.sender.signer, NOW, field="A", lenient=True)
    assert accepted(harness, sign(signed, harness.sender.seal, NOW, field="B", lenient=True))


def test_metadata_that_was_broken_when_it_was_signed_may_be_renewed(harness: Harness) -> None:
    kind = b"/Type /Metadata /Subtype /XML"
    broken = page(catalog=b"/Metadata 10 0 R", objects={10: stream(b"no xml", kind)})
    signed = sign_quietly(broken, harness.sender.signer, NOW, field="A")
    for data, is_valid in ((b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>", True), (b"no xml either", False)):
        renewed = appended(signed, {10: stream(data, kind)})
        decision = harness.judge(sign_quietly(renewed, harness.sender.seal, NOW, field="B"))
        assert isinstance(decision, Verified) is is_valid
