"""What real tools write behind a signature is accepted; beside each such case stands what it must not let in."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields
from pyhanko.sign.fields import MDPPerm

from common.domain.reason import Reason
from mint.attacks.raw import appended, body_of, root_of, with_entry
from mint.ltv import add_validation_data
from mint.pki import Identity
from mint.sign import Manner, _DatedSigner, _metadata, _signer, add_empty_fields, finished, sign
from mint.tagged import DOCUMENT, FIRST_PAGE, PARENTS, ROOT, tagged
from validator.report.decision import Refused, Verified

from .conftest import NOW, SENDER, Harness

Writer = IncrementalPdfFileWriter
BOX = (50, 50, 150, 100)


def name(text: str) -> generic.NameObject:
    return pdf_name(text)


def number(value: int) -> generic.NumberObject:
    return generic.NumberObject(value)


def dictionary(**entries: Any) -> generic.DictionaryObject:
    return generic.DictionaryObject({name("/" + key): value for key, value in entries.items()})


def array(*values: Any) -> generic.ArrayObject:
    return generic.ArrayObject(values)


def reference(writer: Writer, which: int) -> generic.IndirectObject:
    return generic.IndirectObject(which, 0, writer)


def update(document: bytes, change: Callable[[Writer], None], *, plain: bool = True) -> bytes:
    """An update of its own."""
    writer = IncrementalPdfFileWriter(io.BytesIO(document))
    if plain:
        writer._update_meta = lambda: None
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def sign_with(document: bytes, identity: Identity, change: Callable[[Writer, Any], None], field: str = "B") -> bytes:
    """The change is part of the signature's own update; it is given the new field."""
    writer = IncrementalPdfFileWriter(io.BytesIO(document))
    fields.append_signature_field(writer, fields.SigFieldSpec(field, box=BOX, on_page=0))
    change(writer, writer.root["/AcroForm"]["/Fields"].raw_get(-1))
    manner = Manner(field=field, box=BOX)
    signer = _DatedSigner(_metadata(manner), _signer(identity, manner), at=NOW, box=BOX)
    return bytes(finished(signer.async_sign_pdf(writer)).getvalue())


def refused(harness: Harness, document: bytes) -> bool:
    decision = harness.judge(document)
    return isinstance(decision, Refused) and decision.reason is Reason.E_SIG_CHANGED


def accepted(harness: Harness, document: bytes) -> bool:
    decision = harness.judge(document)
    assert isinstance(decision, Verified), decision
    return True


@pytest.fixture(scope="module")
def paper() -> bytes:
    return tagged(2, font_bytes=300, paragraph_words=3)


@pytest.fixture(scope="module")
def once(harness: Harness, paper: bytes) -> bytes:
    return sign(paper, harness.sender.signer, NOW, field="A", box=(200, 50, 300, 100))


@pytest.fixture(scope="module")
def twice(harness: Harness, once: bytes) -> bytes:
    return sign(once, harness.sender.seal, NOW, field="B")


# (d) the structure tree grows by the field


def _tag(writer: Writer, widget: Any, **more: Any) -> Any:
    """As tools for PDF/UA do: an element below the document's, an entry of the parent tree."""
    object_reference = dictionary(Type=name("/OBJR"), Obj=widget, Pg=reference(writer, FIRST_PAGE))
    entries = dictionary(
        Type=name("/StructElem"), S=name("/Form"), P=reference(writer, DOCUMENT), Pg=reference(writer, FIRST_PAGE),
        K=array(object_reference),
    )  # fmt: skip
    entries.update({name("/" + key): value for key, value in more.items()})
    element = writer.add_object(entries)
    above = reference(writer, DOCUMENT).get_object()
    above["/K"].append(element)
    writer.update_container(above)
    parents = reference(writer, PARENTS).get_object()
    parents["/Nums"] += [number(2), element]
    writer.update_container(parents)
    root = reference(writer, ROOT).get_object()
    root[name("/ParentTreeNextKey")] = number(3)
    writer.update_container(root)
    field = widget.get_object()
    field[name("/StructParent")] = number(2)
    return entries


def test_tree_grows_by_the_second_signature(harness: Harness, once: bytes) -> None:
    assert accepted(harness, sign_with(once, harness.sender.seal, lambda writer, widget: _tag(writer, widget) and None))


PARAGRAPH = b"/P %d 0 R" % DOCUMENT
USES = {
    "under two keys": (b"/Pg 10 0 R", b"/Pg %02d 0 R" % DOCUMENT),
    "under two keys, one in escapes": (b"/Pg 10 0 R", b"/#50 %d 0 R" % DOCUMENT),
    "under another key": (b"/P/P %d 0 R" % DOCUMENT, b"/P/A %d 0 R" % DOCUMENT),
    "in an array": (b"/K[0]", b"/K[0]/A[%d 0 R]" % DOCUMENT),
    "in a dictionary": (b"/K[0]", b"/K[0]/A<</O %d 0 R>>" % DOCUMENT),
    "beside a string": (b"/K[0]", b"/K[0]/T(a)/A %d 0 R" % DOCUMENT),
    "beside an escape": (b"/K[0]", b"/K[0]/T(\\()/A %d 0 R" % DOCUMENT),
}
"""What an unsigned paper may say of the element below which fields are entered, and where."""


@pytest.mark.parametrize("use", USES)
def test_tree_does_not_grow_where_its_element_means_more(harness: Harness, paper: bytes, use: str) -> None:
    """In an object like all the paragraphs."""
    before, now = USES[use]
    assert refused(harness, _tagged_twice(harness, paper, before, now))


def test_tree_grows_where_a_paragraph_mentions_more_of_itself(harness: Harness, paper: bytes) -> None:
    assert accepted(harness, _tagged_twice(harness, paper, b"/K[0]", b"/K[0]/T(%d 0 R)" % DOCUMENT))


def _tagged_twice(harness: Harness, paper: bytes, before: bytes, now: bytes) -> bytes:
    """One paragraph is written otherwise in the paper; a second signature adds its field to the tree."""
    start = paper.index(b"/S/P" + PARAGRAPH)
    start = paper.rindex(b"<<", 0, start)
    end = paper.index(b"endobj", start)
    assert before in paper[start:end]
    number = int(paper[paper.rindex(b"\n", 0, paper.rindex(b" 0 obj", 0, start)) : start].split()[0])
    written = appended(paper, {number: paper[start:end].replace(before, now).strip()})
    once = sign(written, harness.sender.signer, NOW, field="A", box=(200, 50, 300, 100))
    return sign_with(once, harness.sender.seal, lambda writer, widget: _tag(writer, widget) and None)


def test_tree_grows_with_a_parent_tree_written_anew(harness: Harness, once: bytes) -> None:
    def change(writer: Writer, widget: Any) -> None:
        _tag(writer, widget)
        root = reference(writer, ROOT).get_object()
        old = root["/ParentTree"]["/Nums"]
        kids = array(
            *(
                writer.add_object(dictionary(Limits=array(old[at], old[at]), Nums=array(old[at], old.raw_get(at + 1))))
                for at in range(0, len(old), 2)
            )
        )
        root[name("/ParentTree")] = writer.add_object(dictionary(Kids=kids))

    assert accepted(harness, sign_with(once, harness.sender.seal, change))


def _text(writer: Writer, widget: Any) -> None:
    _tag(writer, widget, ActualText=generic.TextStringObject("500 ty dong"))


def _page_content(writer: Writer, widget: Any) -> None:
    _tag(writer, widget)["/K"].append(number(0))


def _other_annotation(writer: Writer, widget: Any) -> None:
    note = dictionary(Type=name("/Annot"), Subtype=name("/Link"), Rect=array(*map(number, (0, 0, 9, 9))))
    _tag(writer, widget)["/K"].append(dictionary(Type=name("/OBJR"), Obj=writer.add_object(note)))


def _old_element_rewritten(writer: Writer, widget: Any) -> None:
    _tag(writer, widget)
    old = reference(writer, FIRST_PAGE + 2).get_object()
    old[name("/ActualText")] = generic.TextStringObject("500 ty dong")
    writer.update_container(old)


def _old_element_moved(writer: Writer, widget: Any) -> None:
    _tag(writer, widget)
    reference(writer, DOCUMENT).get_object()["/K"].reverse()


def _old_element_removed(writer: Writer, widget: Any) -> None:
    _tag(writer, widget)
    del reference(writer, DOCUMENT).get_object()["/K"][0]


def _parent_entry_changed(writer: Writer, widget: Any) -> None:
    _tag(writer, widget)
    nums = reference(writer, PARENTS).get_object()["/Nums"]
    nums[1] = array(*reversed([nums[1].raw_get(place) for place in range(len(nums[1]))]))


def _parent_entry_for_an_old_element(writer: Writer, widget: Any) -> None:
    _tag(writer, widget)
    reference(writer, PARENTS).get_object()["/Nums"] += [number(7), reference(writer, FIRST_PAGE + 2)]


def _roles_changed(writer: Writer, widget: Any) -> None:
    _tag(writer, widget)
    reference(writer, ROOT).get_object()[name("/RoleMap")] = dictionary(P=name("/Artifact"))


def _page_in_the_tree(writer: Writer, widget: Any) -> None:
    """A page's content poses as a child of the tree."""
    _tag(writer, widget)
    page = reference(writer, FIRST_PAGE).get_object()
    page[name("/Contents")] = writer.add_object(generic.StreamObject(stream_data=b"BT (khac) Tj ET"))
    writer.update_container(page)


TREE_ATTACKS = (
    _text, _page_content, _other_annotation, _old_element_rewritten, _old_element_moved, _old_element_removed,
    _parent_entry_changed, _parent_entry_for_an_old_element, _roles_changed, _page_in_the_tree,
)  # fmt: skip


@pytest.mark.parametrize("attack", TREE_ATTACKS)
def test_tree_tells_something_else(harness: Harness, once: bytes, attack: Callable[[Writer, Any], None]) -> None:
    assert refused(harness, sign_with(once, harness.sender.seal, attack))


def test_tree_behind_the_last_signature(harness: Harness, twice: bytes) -> None:
    def change(writer: Writer) -> None:
        root = reference(writer, ROOT).get_object()
        root[name("/ParentTreeNextKey")] = number(9)
        writer.update_container(root)

    assert refused(harness, update(twice, change))


# (a) validation data rewritten by another tool


def _stored(document: bytes, harness: Harness) -> bytes:
    crl = harness.city.authority.crl("issuing", this_update=NOW, next_update=NOW)
    return add_validation_data(document, [harness.sender.seal], [crl])


def _entry(writer: Writer) -> Any:
    return dictionary(
        Type=name("/VRI"), CRL=writer.root["/DSS"].raw_get("/CRLs"), TU=generic.TextStringObject("D:2026")
    )


def _rewritten(writer: Writer) -> None:
    """The entries of signatures made anew, arrays as objects of their own, one certificate gone."""
    store = writer.root["/DSS"]
    store[name("/VRI")] = writer.add_object(
        dictionary(**{"A1" * 20: writer.add_object(_entry(writer)), "b2" * 20: _entry(writer)})
    )
    store[name("/Certs")] = writer.add_object(array(writer.add_object(generic.StreamObject(stream_data=b"0"))))
    writer.update_container(store)


def test_validation_data_of_another_tool(harness: Harness, twice: bytes) -> None:
    stored = _stored(twice, harness)
    assert accepted(harness, update(stored, _rewritten))
    assert accepted(harness, update(update(stored, _rewritten), _rewritten))


def test_validation_data_between_the_signatures(harness: Harness, once: bytes) -> None:
    stored = update(_stored(once, harness), _rewritten)
    assert accepted(harness, sign(stored, harness.sender.seal, NOW, field="B"))


def _store_with_a_page(writer: Writer) -> None:
    """An entry of the store is an old object that the page shows, overwritten."""
    content = writer.root["/Pages"]["/Kids"][0].raw_get("/Contents")
    new = generic.StreamObject(stream_data=b"BT (khac) Tj ET")
    writer.objects[(content.generation, content.idnum)] = new
    writer.root["/DSS"][name("/Certs")] = array(content)
    writer.update_container(writer.root["/DSS"])


def _store_with_text(writer: Writer) -> None:
    writer.root["/DSS"][name("/Certs")] = array(generic.TextStringObject("khac"))
    writer.update_container(writer.root["/DSS"])


def _store_with_another_entry(writer: Writer) -> None:
    writer.root["/DSS"][name("/Khac")] = writer.add_object(generic.StreamObject(stream_data=b"0"))
    writer.update_container(writer.root["/DSS"])


def _store_with_an_odd_name(writer: Writer) -> None:
    writer.root["/DSS"][name("/VRI")] = dictionary(Khac=_entry(writer))
    writer.update_container(writer.root["/DSS"])


@pytest.mark.parametrize(
    "attack", [_store_with_a_page, _store_with_text, _store_with_another_entry, _store_with_an_odd_name]
)
def test_more_than_validation_data(harness: Harness, twice: bytes, attack: Callable[[Writer], None]) -> None:
    assert refused(harness, update(_stored(twice, harness), attack))


def test_array_of_the_store_that_the_page_uses(harness: Harness, paper: bytes) -> None:
    """Prepared before signing: one array is both a page's annotations and the store's certificates."""

    def prepare(writer: Writer) -> None:
        shared = writer.add_object(array())
        page = writer.root["/Pages"]["/Kids"][1].get_object()
        page[name("/Annots")] = shared
        writer.update_container(page)
        writer.root[name("/DSS")] = writer.add_object(dictionary(Certs=shared))
        writer.update_root()

    def attack(writer: Writer) -> None:
        shared = writer.root["/DSS"]["/Certs"]
        shared.append(writer.add_object(generic.StreamObject({name("/Subtype"): name("/Stamp")}, stream_data=b"0")))
        writer.update_container(shared)

    signed = harness.city.signed(SENDER, update(paper, prepare))
    assert accepted(harness, signed)
    assert refused(harness, update(signed, attack))


# (b) form entries


def _flags(value: int) -> Callable[[Writer], None]:
    def change(writer: Writer) -> None:
        form = writer.root["/AcroForm"]
        form[name("/SigFlags")] = number(value)
        writer.update_container(form)

    return change


def test_flags_of_the_form_gained(harness: Harness, paper: bytes) -> None:
    less = update(add_empty_fields(paper, {"A": None}), _flags(1))
    signed = sign(less, harness.sender.signer, NOW, field="A")
    assert accepted(harness, sign(update(signed, _flags(3)), harness.sender.seal, NOW, field="B"))
    assert refused(
        harness,
        sign(
            update(sign(paper, harness.sender.signer, NOW, field="A"), _flags(0)), harness.sender.seal, NOW, field="B"
        ),
    )
    assert refused(harness, sign(update(signed, _flags(255)), harness.sender.seal, NOW, field="B"))


def test_values_drawn_anew(harness: Harness, once: bytes) -> None:
    """Values that the signed appearance does not show."""

    def change(writer: Writer) -> None:
        writer.root["/AcroForm"][name("/NeedAppearances")] = generic.BooleanObject(True)
        writer.update_container(writer.root["/AcroForm"])

    assert refused(harness, sign(update(once, change), harness.sender.seal, NOW, field="B"))


@pytest.mark.parametrize("key", ["/A", "/AA"])
def test_field_with_a_script(harness: Harness, once: bytes, key: str) -> None:
    """The library looks at the objects an update brings, not at what is written into a new field."""

    def change(_: Writer, widget: Any) -> None:
        script = dictionary(S=name("/JavaScript"), JS=generic.TextStringObject("app.alert(1)"))
        widget.get_object()[name(key)] = script if key == "/A" else dictionary(E=script)

    assert accepted(harness, sign_with(once, harness.sender.seal, lambda *_: None))
    assert refused(harness, sign_with(once, harness.sender.seal, change))


# (c) free entries


def _freed(document: bytes, row: bytes) -> bytes:
    """A table entry of its own behind the document."""
    start = int(document[document.rindex(b"startxref") :].split()[1])
    size = int(document[document.rindex(b"/Size") :].split()[1])
    table = b"xref\n%strailer\n<< /Size %d /Root 1 0 R /Prev %d >>\n" % (row, size + 5, start)
    return document + table + b"startxref\n%d\n%%%%EOF\n" % len(document)


def test_free_entries(harness: Harness, once: bytes) -> None:
    never = b"%d 1\n0000000000 65535 f \n" % int(once[once.rindex(b"/Size") :].split()[1])
    assert accepted(harness, sign(_freed(once, never), harness.sender.seal, NOW, field="B"))
    for row in (b"%d 1\n0000000000 00001 f \n", b"%d 1\n0000000000 65535 f \n"):
        assert not isinstance(harness.judge(_freed(harness.city.signed(SENDER, harness.letter), row % 3)), Verified)


# references to nothing


def test_reference_to_nothing(harness: Harness, paper: bytes) -> None:
    """Real files refer to objects they do not have: null, as long as no revision defines them."""

    def prepare(writer: Writer) -> None:
        page = writer.root["/Pages"]["/Kids"][0].get_object()
        page[name("/Khac")] = generic.IndirectObject(900, 0, writer)
        page[name("/Resources")][name("/XObject")] = dictionary(Im0=generic.IndirectObject(901, 0, writer))
        writer.update_container(page)

    lacking = update(paper, prepare)
    signed = sign(lacking, harness.sender.signer, NOW, field="A", certify=MDPPerm.FILL_FORMS)  # not for the quick check
    assert accepted(harness, sign(signed, harness.sender.seal, NOW, field="B"))
    assert accepted(harness, harness.city.signed(SENDER, lacking))


def test_reference_to_what_comes_later(harness: Harness, paper: bytes) -> None:
    """Shadow attack: the page shows an object that only a later revision has."""

    def prepare(writer: Writer) -> None:
        page = writer.root["/Pages"]["/Kids"][0].get_object()
        page[name("/Resources")][name("/XObject")] = dictionary(Im0=generic.IndirectObject(60, 0, writer))
        writer.update_container(page)

    def define(writer: Writer, _widget: Any) -> None:
        writer.objects[(0, 60)] = generic.StreamObject({name("/Subtype"): name("/Form")}, stream_data=b"0 0 9 9 re f")
        writer._lastobj_id = max(writer._lastobj_id, 60)

    signed = sign(update(paper, prepare), harness.sender.signer, NOW, field="A")
    assert not isinstance(harness.judge(sign_with(signed, harness.sender.seal, define)), Verified)


# permissions of a certification


@pytest.mark.parametrize("permission", [MDPPerm.FILL_FORMS, MDPPerm.ANNOTATE])
def test_signing_that_a_certification_permits(harness: Harness, paper: bytes, permission: MDPPerm) -> None:
    certified = sign(paper, harness.sender.signer, NOW, field="A", certify=permission)
    for box in (None, BOX):
        assert accepted(harness, sign(certified, harness.sender.seal, NOW, field="B", box=box))
    with_fields = sign(add_empty_fields(paper, {"B": BOX}), harness.sender.signer, NOW, field="A", certify=permission)
    assert accepted(harness, sign(with_fields, harness.sender.seal, NOW, field="B", box=BOX))


@pytest.mark.parametrize("box", [None, BOX])
def test_signing_that_a_certification_forbids(harness: Harness, paper: bytes, box: Any, monkeypatch: Any) -> None:
    certified = sign(paper, harness.sender.signer, NOW, field="A", certify=MDPPerm.NO_CHANGES)
    monkeypatch.setattr(_DatedSigner, "_enforce_certification_constraints", lambda *_: None)
    assert refused(harness, sign(certified, harness.sender.seal, NOW, field="B", box=box))


# (e) behind the last signature


def test_date_of_the_last_change(harness: Harness, twice: bytes) -> None:
    def change(entry: str, value: str) -> Callable[[Writer], None]:
        def set_it(writer: Writer) -> None:
            information = writer.trailer["/Info"]
            information[name("/" + entry)] = generic.TextStringObject(value)
            writer.update_container(information)

        return set_it

    assert accepted(harness, update(twice, change("ModDate", "D:20260701120000+07'00'")))
    assert refused(harness, update(twice, change("ModDate", "Da huy")))
    assert refused(harness, update(twice, change("Title", "Khac")))


# (j) objects that nothing refers to


LEFT_LYING = {
    "stream": b"<< /Length 2 >>\nstream\n0\n\nendstream",
    "metadata": b"<< /Type /Metadata /Subtype /XML /Length 2 >>\nstream\n0\n\nendstream",
    "store": b"<< /Type /DSS /Certs [97 0 R] /VRI << >> >>",
    "entry": b"<< /Cert [97 0 R] /TU (D:2026) >>",
    "information": b"<< /Producer (a) /ModDate (D:2026) >>",
    "array": b"[97 0 R 97 0 R]",
    "number": b"15",
    "nothing": b"null",
}


@pytest.mark.parametrize("kind", LEFT_LYING)
def test_what_tools_leave_lying(harness: Harness, twice: bytes, kind: str) -> None:
    objects = {97: b"<< /Length 2 >>\nstream\n0\n\nendstream", 98: LEFT_LYING[kind]}
    assert accepted(harness, appended(twice, objects))


@pytest.mark.parametrize(
    "body",
    [
        b"<< /Type /Page /Parent 1 0 R >>",
        b"<< /Producer << /Type /Page >> >>",
        b"<< /Certs [97 0 R] /Type /Catalog >>",
        b"[<< /Type /Page >>]",
        b"(500 ty dong)",
        b"<< /Type /XObject /Length 2 >>\nstream\n0\n\nendstream",
        b"<< /Type /Metadata /Resources 97 0 R /Length 2 >>\nstream\n0\n\nendstream",
    ],
)
def test_what_nobody_leaves_lying(harness: Harness, twice: bytes, body: bytes) -> None:
    objects = {97: b"<< /Length 2 >>\nstream\n0\n\nendstream", 98: body}
    assert refused(harness, appended(twice, objects))


def test_evidence_with_objects_behind_it(harness: Harness, twice: bytes) -> None:
    """A length may be an object of its own; nothing else hangs on a certificate."""
    root = root_of(twice)
    catalog = with_entry(body_of(twice, root), b"/DSS 97 0 R")
    store, stream = b"<< /Certs [98 0 R] >>", b"<< /Length 99 0 R %s >>\nstream\n0\n\nendstream"
    plain = {root: catalog, 97: store, 98: stream % b"", 99: b"2"}
    assert accepted(harness, appended(twice, plain))
    assert refused(harness, appended(twice, plain | {98: stream % b"/Khac 96 0 R", 96: b"<< /Type /Page >>"}))
    assert refused(harness, appended(twice, plain | {98: stream % b"/Khac [<< /A 96 0 R >>]", 96: b"5"}))
