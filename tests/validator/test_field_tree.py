"""Signature fields below other fields (ISO 32000-1 §12.7.3.1); beside what is allowed, what it must not let in."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields

from common.domain.reason import Reason
from mint.pki import Identity
from mint.sign import Manner, _DatedSigner, _metadata, _signer, finished, sign
from mint.tagged import tagged
from mint.tsa import add_document_time_stamp, time_authority

from .conftest import NOW, Harness
from .test_difference_rules import BOX, Writer, accepted, array, dictionary, name, refused, update

Change = Callable[[Writer, Any], None]


@pytest.fixture(scope="module")
def paper() -> bytes:
    return tagged(1, font_bytes=300, paragraph_words=3)


def _nested(paper: bytes, **of_parent: Any) -> Callable[[Harness], bytes]:
    """A form with a parent of one empty signature field, Duyet.A, which the signer fills."""

    def prepare(writer: Writer) -> None:
        field = dictionary(
            Type=name("/Annot"), Subtype=name("/Widget"), FT=name("/Sig"), T=generic.TextStringObject("A"),
            Rect=array(*map(generic.NumberObject, (0, 0, 0, 0))), F=generic.NumberObject(132),
        )  # fmt: skip
        kid = writer.add_object(field)
        parent = writer.add_object(dictionary(T=generic.TextStringObject("Duyet"), Kids=array(kid), **of_parent))
        field[name("/Parent")] = parent
        fields = array(parent)
        writer.root[name("/AcroForm")] = dictionary(Fields=fields, SigFlags=generic.NumberObject(3))
        writer.update_root()

    return lambda harness: sign(update(paper, prepare), harness.sender.signer, NOW, field="Duyet.A")


@pytest.fixture(scope="module")
def once(harness: Harness, paper: bytes) -> bytes:
    return _nested(paper)(harness)


def _signed(document: bytes, identity: Identity, change: Change, field: str) -> bytes:
    """The change puts the new field B below another; ``field``: its name from there on."""
    writer = IncrementalPdfFileWriter(io.BytesIO(document))
    fields.append_signature_field(writer, fields.SigFieldSpec("B", box=BOX, on_page=0))
    change(writer, writer.root["/AcroForm"]["/Fields"].raw_get(-1))
    manner = Manner(field=field, box=BOX)
    signer = _DatedSigner(_metadata(manner), _signer(identity, manner), at=NOW, box=BOX)
    return bytes(finished(signer.async_sign_pdf(writer)).getvalue())


def _form(writer: Writer) -> Any:
    return writer.root["/AcroForm"]


def _parent(writer: Writer) -> Any:
    return _form(writer)["/Fields"][0]


def _goes_below(writer: Writer, widget: Any, parent: Any) -> Any:
    """The new field leaves the form's own list for that of ``parent``, a reference."""
    fields = _form(writer)["/Fields"]
    fields.remove(widget)
    writer.update_root()
    entries = parent.get_object()
    entries["/Kids"].append(widget)
    writer.update_container(entries)
    widget.get_object()[name("/Parent")] = parent
    return widget.get_object()


def _below_the_parent(writer: Writer, widget: Any) -> None:
    _goes_below(writer, widget, _form(writer)["/Fields"].raw_get(0))


def _new_parent(writer: Writer, **entries: Any) -> Any:
    parent = writer.add_object(dictionary(T=generic.TextStringObject("DongDau"), Kids=array(), **entries))
    _form(writer)["/Fields"].append(parent)
    return parent


def _below_a_new_parent(writer: Writer, widget: Any) -> None:
    _goes_below(writer, widget, _new_parent(writer))


def _below_a_parent_of_its_kind(writer: Writer, widget: Any) -> None:
    del _goes_below(writer, widget, _new_parent(writer, FT=name("/Sig")))["/FT"]


def _two_levels_below(writer: Writer, widget: Any) -> None:
    middle = writer.add_object(dictionary(T=generic.TextStringObject("Phong"), Kids=array()))
    upper = _form(writer)["/Fields"].raw_get(0)
    middle.get_object()[name("/Parent")] = upper
    upper.get_object()["/Kids"].append(middle)
    writer.update_container(upper.get_object())
    _goes_below(writer, widget, middle)


def _list_as_an_object(writer: Writer, widget: Any) -> None:
    _below_the_parent(writer, widget)
    parent = _parent(writer)
    parent[name("/Kids")] = writer.add_object(array(*(parent["/Kids"].raw_get(at) for at in range(2))))


RIGHT: dict[str, Change] = {
    "Duyet.B": _below_the_parent,
    "DongDau.B": _below_a_new_parent,
    "DongDau.B of its kind": _below_a_parent_of_its_kind,
    "Duyet.Phong.B": _two_levels_below,
    "Duyet.B in a list of its own": _list_as_an_object,
}
"""By the full name, the first word."""


@pytest.mark.parametrize("where", RIGHT)
def test_field_below_another(harness: Harness, once: bytes, where: str) -> None:
    document = _signed(once, harness.sender.seal, RIGHT[where], where.split()[0])
    assert accepted(harness, document)
    assert accepted(harness, add_document_time_stamp(document, time_authority(harness.city.authority), NOW))


def test_empty_field_below_another_is_signed(harness: Harness, paper: bytes) -> None:
    """By the second signer as well: the parent had two empty fields."""

    def prepare(writer: Writer) -> None:
        for each in ("A", "B"):
            field = dictionary(FT=name("/Sig"), T=generic.TextStringObject(each))
            if each == "A":
                kids = array(writer.add_object(field))
                parent = writer.add_object(dictionary(T=generic.TextStringObject("Duyet"), Kids=kids))
            else:
                kids.append(writer.add_object(field))
            field.update({name("/Type"): name("/Annot"), name("/Subtype"): name("/Widget"), name("/Parent"): parent})
            field[name("/Rect")] = array(*map(generic.NumberObject, (0, 0, 0, 0)))
        writer.root[name("/AcroForm")] = dictionary(Fields=array(parent), SigFlags=generic.NumberObject(3))
        writer.update_root()

    signed = sign(update(paper, prepare), harness.sender.signer, NOW, field="Duyet.A")
    assert accepted(harness, sign(signed, harness.sender.seal, NOW, field="Duyet.B"))


def _another_parent_named(writer: Writer, widget: Any) -> None:
    _below_the_parent(writer, widget)
    widget.get_object()[name("/Parent")] = widget


def _field_of_text(writer: Writer, widget: Any) -> None:
    _below_the_parent(writer, widget)
    text = dictionary(FT=name("/Tx"), T=generic.TextStringObject("so"), V=generic.TextStringObject("500 ty dong"))
    _parent(writer)["/Kids"].append(writer.add_object(text))


def _parent_with_a_value(writer: Writer, widget: Any) -> None:
    _goes_below(writer, widget, _new_parent(writer, V=generic.TextStringObject("500 ty dong")))


def _parent_that_is_shown(writer: Writer, widget: Any) -> None:
    box = array(*map(generic.NumberObject, (0, 0, 300, 300)))
    _goes_below(writer, widget, _new_parent(writer, Subtype=name("/Widget"), Rect=box))


def _parent_that_acts(writer: Writer, widget: Any) -> None:
    script = dictionary(S=name("/JavaScript"), JS=generic.TextStringObject("app.alert(1)"))
    _goes_below(writer, widget, _new_parent(writer, AA=dictionary(K=script)))


def _parent_renamed(writer: Writer, widget: Any) -> None:
    _below_the_parent(writer, widget)
    _parent(writer)[name("/T")] = generic.TextStringObject("Khac")


def _parent_gets_flags(writer: Writer, widget: Any) -> None:
    _below_the_parent(writer, widget)
    _parent(writer)[name("/AA")] = dictionary()


def _old_field_taken_away(writer: Writer, widget: Any) -> None:
    _below_the_parent(writer, widget)
    del _parent(writer)["/Kids"][0]


def _old_object_as_a_field(writer: Writer, widget: Any) -> None:
    """The page becomes a field below the parent."""
    _below_the_parent(writer, widget)
    page = writer.root["/Pages"]["/Kids"].raw_get(0)
    page.get_object().update({name("/T"): generic.TextStringObject("Trang"), name("/FT"): name("/Sig")})
    writer.update_container(page.get_object())
    _parent(writer)["/Kids"].append(page)


def _parent_without_signatures(writer: Writer, widget: Any) -> None:
    """A new parent with nothing but a widget below it that is no field."""
    other_widget = dictionary(Type=name("/Annot"), Subtype=name("/Widget"), FT=name("/Tx"))
    _new_parent(writer, FT=name("/Tx")).get_object()["/Kids"].append(writer.add_object(other_widget))
    writer.update_root()


WRONG = {
    "Duyet.B": (
        _another_parent_named, _field_of_text, _parent_renamed, _parent_gets_flags,
        _old_object_as_a_field,
    ),
    "DongDau.B": (_parent_with_a_value, _parent_that_is_shown, _parent_that_acts),
    "B": (_parent_without_signatures,),
}  # fmt: skip
ATTACKS = [(field, attack) for field, attacks in WRONG.items() for attack in attacks]


@pytest.mark.parametrize(("field", "attack"), ATTACKS)
def test_more_than_a_field_below_another(harness: Harness, once: bytes, field: str, attack: Change) -> None:
    assert refused(harness, _signed(once, harness.sender.seal, attack, field))


def test_old_field_taken_away(harness: Harness, once: bytes) -> None:
    """Its signature is one that no field shows."""
    document = _signed(once, harness.sender.seal, _old_field_taken_away, "Duyet.B")
    assert harness.judge(document).report.reason is Reason.E_SIG_FORMAT


def test_two_fields_of_one_name(harness: Harness, once: bytes) -> None:
    def attack(writer: Writer, widget: Any) -> None:
        _below_the_parent(writer, widget)
        twin = dictionary(FT=name("/Sig"), T=generic.TextStringObject("B"))
        _parent(writer)["/Kids"].append(writer.add_object(twin))

    assert refused(harness, _signed(once, harness.sender.seal, attack, "Duyet.B"))


def test_field_below_one_that_has_a_value(harness: Harness, paper: bytes) -> None:
    """It would inherit the value as its signature."""
    signed = _nested(paper, V=generic.TextStringObject("x"))(harness)
    assert refused(harness, _signed(signed, harness.sender.seal, _below_the_parent, "Duyet.B"))


def test_field_below_a_widget(harness: Harness, paper: bytes) -> None:
    """A field of text would become a parent of fields."""

    def prepare(writer: Writer) -> None:
        corners = map(generic.NumberObject, (0, 0, 0, 0))
        other_widget = dictionary(Type=name("/Annot"), Subtype=name("/Widget"), Rect=array(*corners))
        text = dictionary(FT=name("/Tx"), T=generic.TextStringObject("so"), Kids=array(writer.add_object(other_widget)))
        writer.root[name("/AcroForm")] = dictionary(Fields=array(writer.add_object(text)))
        writer.update_root()

    signed = sign(update(paper, prepare), harness.sender.signer, NOW, field="A")
    assert accepted(harness, sign(signed, harness.sender.seal, NOW, field="B"))
    assert refused(harness, _signed(signed, harness.sender.seal, _below_the_parent, "so.B"))
