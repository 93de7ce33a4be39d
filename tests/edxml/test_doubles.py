"""An element that must stand once stands once, in whatever spelling: receivers may take the other one."""

import pytest
from tests.edxml.conftest import DOCUMENT

from common.domain.reason import Reason
from common.edxml import wire
from common.edxml.doubles import SINGLE

INSIDE = {
    wire.MANIFEST: (
        "<edXML:edXMLBody>",
        "<edXML:Reference><edXML:ContentId>cid:b1</edXML:ContentId></edXML:Reference>",
    ),
    wire.BUSINESS: ("<edXML:TraceHeaderList>", "<edXML:BussinessDocType>1</edXML:BussinessDocType>"),
    wire.BUSINESS_TYPE: ("<edXML:Bussiness>", "1"),
    wire.REASON: ("<edXML:Bussiness>", "thu hồi"),
    wire.DOCUMENT_INFO_BLOCK: ("<edXML:Bussiness>", "<edXML:DocumentInfo>1</edXML:DocumentInfo>"),
}
"""For each field with two spellings: the tag it stands behind, and what may stand in it."""
FIELDS = {field.name: field for field in INSIDE}


def element(name: str, inside: str) -> str:
    return f"<edXML:{name}>{inside}</edXML:{name}>"


@pytest.mark.parametrize("other", wire.SPELLINGS)
@pytest.mark.parametrize("first_is_other", [True, False])
def test_two_spellings_are_one_element(document, refusal, other, first_is_other) -> None:
    name = wire.SPELLINGS[other]
    before, inside = INSIDE[FIELDS[name]]
    names = (other, name) if first_is_other else (name, other)
    added = "".join(element(each, inside) for each in names)
    assert before in DOCUMENT
    fault = refusal(document((before, before + added)))
    assert fault.reason is Reason.E_XML
    assert name in fault.detail


@pytest.mark.parametrize("other", wire.SPELLINGS)
def test_an_empty_one_does_not_count(document, read, other) -> None:
    before, _ = INSIDE[FIELDS[wire.SPELLINGS[other]]]
    read(document((before, before + element(other, " "))))


def test_every_second_spelling_is_of_an_element_that_stands_once() -> None:
    assert set(wire.SPELLINGS.values()) <= SINGLE
    written = {name for name in vars(wire) if name.endswith(("_CORRECTED", "_SHORT"))}
    assert {getattr(wire, name).name for name in written} == set(wire.SPELLINGS)
