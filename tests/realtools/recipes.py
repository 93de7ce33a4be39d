"""How each document of the corpus is made: by name, with the tools in the order in which they wrote."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .tools import Tool
from .world import World

LEFT, RIGHT, BELOW, BELOW_RIGHT = "50,150,150,200", "250,150,350,200", "50,60,150,110", "250,60,350,110"


@dataclass
class Desk:
    """Tools, keys, papers and the address of the time stamping authority."""

    world: World
    tools: dict[str, Tool]
    papers: dict[str, Callable[[], bytes]]
    tsa: str
    once: dict[str, Callable[..., bytes]]
    """Programs that are run once a file."""

    def signed(self, document: bytes, *hands: tuple[Any, ...], **what: Any) -> bytes:
        """Each hand is (tool, role, changes…): visible in places of their own, one after the other."""
        places = (LEFT, RIGHT, BELOW, BELOW_RIGHT)
        for count, (tool, role, *changes) in enumerate(hands):
            options = {"field": f"Ky{count + 1}", "kind": "cades", "rect": places[count]} | what
            for change in changes:
                options |= change
            document = self.tools[tool].do("sign", document, p12=self.world.key(role), **options)
        return document

    def pair(self, paper: str, first: str, second: str, *changes: dict[str, Any]) -> bytes:
        """The signer with one tool, the unit with another; ``changes`` for the first and the second."""
        one, two = (*changes, {}, {})[:2]
        return self.signed(self.papers[paper](), (first, "signer", one), (second, "seal", two))

    def ltv(self, document: bytes, tool: str) -> bytes:
        """Validation data by a tool."""
        return self.tools[tool].do("ltv", document, **self.evidence)

    def stamped(self, document: bytes, tool: str) -> bytes:
        """A document time stamp by a tool."""
        return self.tools[tool].do("stamp", document, tsa=self.tsa, field="ThoiGian")

    def changed(self, document: bytes, tool: str, action: str) -> bytes:
        """What nobody may do."""
        return self.tools[tool].do(action, document, field="Trong")

    @property
    def evidence(self) -> dict[str, str]:
        """Certificates and lists, as the tools take them."""
        return {
            "crls": ",".join(map(str, self.world.crls)),
            "certs": ",".join(map(str, self.world.certificates)),
        }


HIDDEN: dict[str, Any] = {"rect": None}
EXISTING = {"rect": None, "existing": 1}


def _certified(paper: str, first: str, level: int, second: str) -> Callable[[Desk], bytes]:
    return lambda desk: desk.pair(paper, first, second, {"certify": level})


def _pair(paper: str, first: str, second: str, *changes: dict[str, Any]) -> Callable[[Desk], bytes]:
    return lambda desk: desk.pair(paper, first, second, *changes)


def _stamped_pair(desk: Desk, paper: str = "letter", first: str = "itext5", second: str = "pdfbox3") -> bytes:
    stamp = {"tsa": desk.tsa}
    return desk.pair(paper, first, second, stamp, HIDDEN | stamp)


def _by_dss(desk: Desk, level: str, **more: Any) -> bytes:
    one = desk.signed(desk.papers["letter"](), ("itext5", "signer"))
    options = {"p12": desk.world.key("seal"), "level": level, "tsa": desk.tsa} | desk.evidence | more
    return desk.tools["dss"].do("sign", one, **options)


def _by_itext9(desk: Desk, level: str) -> bytes:
    one = desk.signed(desk.papers["packed"](), ("pdfbox3", "signer"))
    options = {"p12": desk.world.key("seal"), "field": "Ky2", "level": level, "tsa": desk.tsa} | desk.evidence
    return desk.tools["itext9"].do("pades", one, **options)


def _extended(desk: Desk) -> bytes:
    stored = desk.stamped(desk.ltv(_stamped_pair(desk), "pdfbox3"), "pdfbox2")
    return desk.tools["dss"].do("extend", stored, level="LTA", tsa=desk.tsa, **desk.evidence)


def _after(document: Callable[[Desk], bytes], tool: str, action: str) -> Callable[[Desk], bytes]:
    return lambda desk: desk.changed(document(desk), tool, action)


def _between(paper: str, first: str, tool: str, action: str, second: str) -> Callable[[Desk], bytes]:
    def make(desk: Desk) -> bytes:
        one = desk.signed(desk.papers[paper](), (first, "signer"))
        changed = desk.changed(one, tool, action)
        hand = {"field": "Ky2", "kind": "cades", "rect": RIGHT}
        return desk.tools[second].do("sign", changed, p12=desk.world.key("seal"), **hand)

    return make


def _once(program: str, paper: str, second: str) -> Callable[[Desk], bytes]:
    """The signer with a program that is run once a file, the unit with a tool."""

    def make(desk: Desk) -> bytes:
        one = desk.once[program](desk.papers[paper](), "signer")
        return desk.tools[second].do("sign", one, p12=desk.world.key("seal"), field="Ky2", kind="cades", rect=RIGHT)

    return make


def _prepared_by(tool: str) -> Callable[[Desk], bytes]:
    """Empty fields by a tool, filled by two others."""

    def make(desk: Desk) -> bytes:
        document = desk.tools[tool].do("field", desk.papers["letter"](), field="Ky1")
        return desk.signed(document, ("itext5", "signer", EXISTING), ("pdfbox3", "seal", HIDDEN))

    return make


def _template(desk: Desk) -> bytes:
    own = ({"field": "NguoiKy"} | EXISTING, {"field": "CoQuan"} | EXISTING)
    return desk.pair("itext5-fields", "itext9", "itext5", *own)


RIGHT_ONES: dict[str, Callable[[Desk], bytes]] = {
    "writer-ua.itext5.itext9": _pair("writer-ua", "itext5", "itext9"),
    "writer-tagged.itext9.itext9": _pair("writer-tagged", "itext9", "itext9"),
    "writer-tagged.dss.itext9": _pair("writer-tagged", "dss", "itext9", HIDDEN),
    "word-like-tagged.itext5.dss": _pair("word-like-tagged", "itext5", "dss", {}, HIDDEN),
    "word-like-tagged.itext9.pdfbox3": _pair("word-like-tagged", "itext9", "pdfbox3"),
    "hybrid.itext5.pdfbox3": _pair("hybrid", "itext5", "pdfbox3"),
    "hybrid-tagged.pdfbox2.itext9": _pair("hybrid-tagged", "pdfbox2", "itext9"),
    "packed.itext5.pdfbox3": _pair("packed", "itext5", "pdfbox3"),
    "packed.pdfbox3.dss": _pair("packed", "pdfbox3", "dss", {}, HIDDEN),
    "packed.dss.itext9": _pair("packed", "dss", "itext9", HIDDEN),
    "tagged-packed.itext5.itext9": _pair("tagged-packed", "itext5", "itext9"),
    "linearized.pdfbox3.openpdf": _pair("linearized", "pdfbox3", "openpdf"),
    "linearized-packed.itext9.pdfbox2": _pair("linearized-packed", "itext9", "pdfbox2"),
    "pdf-2.0.pdfbox3.itext9": _pair("pdf-2.0", "pdfbox3", "itext9"),
    "itext9-two.dss.pdfbox3": _pair("itext9-two", "dss", "pdfbox3", HIDDEN),
    "attachment.endesive.pdfbox3": _pair("attachment", "endesive", "pdfbox3"),
    "packed-layers.itext9.pdfbox3": _pair("itext5-packed-layers", "itext9", "pdfbox3"),
    "script.pdfbox3.itext5": _pair("itext5-script", "pdfbox3", "itext5"),
    "form.itext5.pdfbox2": _pair("itext5-form", "itext5", "pdfbox2"),
    "form.signpdf.pdfbox3": _pair("pdfbox-form", "signpdf", "pdfbox3", {"way": "pdflib"}),
    "fields.itext9.itext5": _template,
    "field-by-dss.itext5.pdfbox3": _prepared_by("dss"),
    "field-by-pdfbox3.itext5.pdfbox3": _prepared_by("pdfbox3"),
    "letter.openpdf.openpdf": _pair("letter", "openpdf", "openpdf"),
    "letter.itext9.itext5": _pair("letter", "itext9", "itext5"),
    "letter.itext5.dss-visible": _pair("letter", "itext5", "dss"),
    "letter.signpdf.itext5": _pair("letter", "signpdf", "itext5", {"way": "plain"}),
    "certified-2.itext5.pdfbox3": _certified("letter", "itext5", 2, "pdfbox3"),
    "certified-3.pdfbox3.itext9": _certified("packed", "pdfbox3", 3, "itext9"),
    "certified-2.dss.itext5": lambda desk: desk.pair("letter", "dss", "itext5", HIDDEN | {"certify": 2}),
    "certified-2.itext9.openpdf": _certified("letter", "itext9", 2, "openpdf"),
    "b-t.itext5.pdfbox3": _stamped_pair,
    "b-t.itext9.pdfbox2": lambda desk: _stamped_pair(desk, "word-like-tagged", "itext9", "pdfbox2"),
    "b-lt.ltv-itext5": lambda desk: desk.ltv(_stamped_pair(desk), "itext5"),
    "b-lt.ltv-itext9": lambda desk: desk.ltv(_stamped_pair(desk), "itext9"),
    "b-lt.ltv-pdfbox3.ltv-itext9": lambda desk: desk.ltv(desk.ltv(_stamped_pair(desk), "pdfbox3"), "itext9"),
    "b-lt.dss": lambda desk: _by_dss(desk, "LT", vri=1),
    "b-lta.dss": lambda desk: _by_dss(desk, "LTA"),
    "b-lta.itext9": lambda desk: _by_itext9(desk, "LTA"),
    "b-lta.ltv-itext5.stamp-itext9": lambda desk: desk.stamped(desk.ltv(_stamped_pair(desk), "itext5"), "itext9"),
    "b-lta.ltv-pdfbox3.stamp-itext5": lambda desk: desk.stamped(desk.ltv(_stamped_pair(desk), "pdfbox3"), "itext5"),
    "b-lta.ltv-pdfbox3.stamp-pdfbox2.extended-dss": _extended,
    "three.itext5.pdfbox3.dss": lambda desk: desk.signed(
        desk.papers["letter"](), ("itext5", "signer"), ("pdfbox3", "deputy"), ("dss", "seal", HIDDEN)
    ),
    "four.itext9.pdfbox2.itext5.openpdf": lambda desk: desk.signed(
        desk.papers["packed"](), ("itext9", "signer"), ("pdfbox2", "deputy"), ("itext5", "other"), ("openpdf", "seal")
    ),
    "scan.pdfbox3.itext9": _pair("scan", "pdfbox3", "itext9"),
    "letter.pyhanko.itext5": _once("pyhanko", "letter", "itext5"),
}
"""Every signature holds; both roles are right."""

_GOOD = _pair("letter", "itext5", "pdfbox3")
_TAGGED = _pair("word-like-tagged", "itext9", "itext5")
WRONG_ONES: dict[str, Callable[[Desk], bytes]] = {
    "bad.note-by-pdfbox3": _after(_GOOD, "pdfbox3", "annotate"),
    "bad.note-by-itext9": _after(_TAGGED, "itext9", "annotate"),
    "bad.text-by-pdfbox2": _after(_GOOD, "pdfbox2", "write"),
    "bad.text-by-itext5": _after(_TAGGED, "itext5", "write"),
    "bad.title-by-pdfbox3": _after(_GOOD, "pdfbox3", "information"),
    "bad.empty-field-by-dss": _after(_GOOD, "dss", "field"),
    "bad.empty-field-by-itext5": _after(_GOOD, "itext5", "field"),
    "bad.filled-by-itext9": _after(_pair("itext5-form", "itext5", "pdfbox2"), "itext9", "fill"),
    "bad.filled-by-pdfbox3": _after(_pair("pdfbox-form", "itext5", "pdfbox2"), "pdfbox3", "fill"),
    "bad.note-between": _between("letter", "itext5", "pdfbox3", "annotate", "itext9"),
    "bad.text-between": _between("word-like-tagged", "itext9", "itext5", "write", "pdfbox2"),
    "bad.filled-between": _between("itext5-form", "pdfbox3", "itext9", "fill", "itext5"),
    "bad.note-then-stamp": lambda desk: desk.stamped(_after(_GOOD, "pdfbox3", "annotate")(desk), "itext9"),
    "bad.certified-1.itext5.pdfbox3": _certified("letter", "itext5", 1, "pdfbox3"),
    "bad.rewritten-by-qpdf": lambda desk: desk.once["qpdf"](_GOOD(desk), ""),
    "bad.rewritten-by-mutool": lambda desk: desk.once["mutool"](_GOOD(desk), ""),
    "bad.two-forms-by-signpdf": _pair("letter", "itext5", "signpdf", {}, {"way": "plain"}),
}
"""Somebody changed what had been signed, or wrote what nobody can read for sure."""
