"""``python -m bench.validator.foreign FOLDER``: documents that other makers' tools signed, beside EU DSS.

The documents are made in FOLDER as those of ``tests/realtools`` are (Java 17 and Maven must be there). Then both
engines take turns, document by document, in an order that changes with every round, so that a busy machine slows both
alike.
DSS runs warm in one Java process, without the comparison of pictures of the pages; its CPU is that of the thread that
validates, without the garbage collector's and the compiler's.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table
from tests.realtools.recipes import Desk
from tests.realtools.tools import Tool, java_tool
from tests.realtools.world import SENDER, build_world, served_time

from common.directory import read_directory
from mint.paper import scan
from mint.tagged import tagged
from validator.context import Material, ValidationContext, VerificationRequest
from validator.diff.analysis import analysis_of
from validator.pdf.reader import Reader
from validator.pki import trust_folder
from validator.policy import DEFAULT
from validator.report.decision import Verified
from validator.verify import verify

TOOLS = ("itext5", "itext9", "pdfbox3", "dss")
HIDDEN = {"rect": None}
WARM_UP_ROUNDS = 40
FAST_START = "-XX:TieredStopAtLevel=1"
"""Leaves the slow compiler out, which a warm process needs."""

PAPERS: dict[str, Callable[[], bytes]] = {
    "letter": lambda: tagged(3, font_bytes=174_000),
    "113 pages": lambda: tagged(113, font_bytes=120_000, paragraph_words=90),
    "scan": lambda: scan(pages=2, size_bytes=470_000),
}


def _long_term(desk: Desk, tool: str) -> bytes:
    stamp = {"tsa": desk.tsa}
    return desk.ltv(desk.pair("letter", tool, tool, stamp, HIDDEN | stamp), tool)


def _by_dss(desk: Desk, level: str) -> bytes:
    one = desk.signed(desk.papers["letter"](), ("dss", "signer", HIDDEN))
    asked = {"p12": desk.world.key("seal"), "level": level, "tsa": desk.tsa} | desk.evidence
    return desk.tools["dss"].do("sign", one, **asked)


DOCUMENTS: dict[str, Callable[[Desk], bytes]] = {
    "letter, iText 5 twice": lambda desk: desk.pair("letter", "itext5", "itext5"),
    "letter, iText 9 and PDFBox 3": lambda desk: desk.pair("letter", "itext9", "pdfbox3"),
    "letter, PDFBox 3 twice": lambda desk: desk.pair("letter", "pdfbox3", "pdfbox3"),
    "letter, DSS twice": lambda desk: desk.pair("letter", "dss", "dss", HIDDEN, HIDDEN),
    "letter B-LT, iText 5": lambda desk: _long_term(desk, "itext5"),
    "letter B-LT, PDFBox 3": lambda desk: _long_term(desk, "pdfbox3"),
    "letter B-LT, DSS": lambda desk: _by_dss(desk, "LT"),
    "scan, iText 5 twice": lambda desk: desk.pair("scan", "itext5", "itext5"),
    "113 pages, iText 5 twice": lambda desk: desk.pair("113 pages", "itext5", "itext5"),
    "113 pages, PDFBox 3 twice": lambda desk: desk.pair("113 pages", "pdfbox3", "pdfbox3"),
    "113 pages, iText 9 and DSS": lambda desk: desk.pair("113 pages", "itext9", "dss", {}, HIDDEN),
}


def main() -> None:
    """Make what is missing, measure, print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--rounds", type=int, default=30)
    options.add_argument("--only", default="", help="documents whose name holds this")
    options.add_argument("--dss", action=argparse.BooleanOptionalAction, default=True)
    asked = options.parse_args()
    folder = asked.folder.absolute()
    tools = {name: java_tool(name, folder / "tools") for name in TOOLS}
    tools["dss"].command.remove(FAST_START)
    world = _documents(folder, tools)
    context = _context(folder / "world")
    table = Table(
        "document", "KB", "this project", "EU DSS", "ratio", "read", title="CPU ms a document, two signatures"
    )
    for name in DOCUMENTS:
        if asked.only in name:
            place = folder / f"{name}.pdf"
            ours, other = _measured(place, context, tools["dss"] if asked.dss else None, world, asked.rounds)
            document = place.read_bytes()
            cells = (f"{ours:.1f}", f"{other:.1f}", f"{ours / other:.2f}") if other else (f"{ours:.1f}", "", "")
            table.add_row(name, f"{len(document) / 1000:.0f}", *cells, _way(document))
    for tool in tools.values():
        tool.close()
    Console().print(table)


def _documents(folder: Path, tools: dict[str, Tool]) -> dict[str, str]:
    """Make the documents that are not there yet. Returns certificates and lists for DSS."""
    if not (folder / "world").is_dir():
        world = build_world(folder / "world")
        with served_time(world) as tsa:
            desk = Desk(world, tools, dict(PAPERS), tsa, {})
            for name, make in DOCUMENTS.items():
                (folder / f"{name}.pdf").write_bytes(make(desk))
    trust = folder / "world" / "trust"
    certificates = [*sorted((trust / "roots").iterdir()), *sorted((trust / "intermediates").iterdir())]
    lists = sorted((trust / "crls").iterdir())
    return {"certs": ",".join(map(str, certificates)), "crls": ",".join(map(str, lists))}


def _context(world: Path) -> ValidationContext:
    roots, lists = trust_folder.load(world / "trust")
    directory = read_directory((world / "directory.json").read_bytes())
    return ValidationContext(Material(roots, lists, directory), datetime.now(UTC) + timedelta(minutes=1))


def _measured(
    place: Path, context: ValidationContext, dss: Tool | None, evidence: dict[str, str], rounds: int
) -> tuple[float, float]:
    """Medians; 0 = not asked."""
    document = place.read_bytes()
    engines: list[Callable[[], float]] = [lambda: _ours(document, context)]
    if dss is not None:
        engines.append(lambda: _theirs(dss, document, evidence))
        for _ in range(WARM_UP_ROUNDS):
            _theirs(dss, document, evidence)
    _ours(document, context)
    spent: list[list[float]] = [[] for _ in engines]
    for count in range(rounds):
        turns = list(zip(engines, spent, strict=True))
        for run, kept in turns if count % 2 else reversed(turns):
            kept.append(run())
    medians = [statistics.median(each) for each in spent]
    return medians[0], medians[1] if dss else 0.0


def _ours(document: bytes, context: ValidationContext) -> float:
    start = time.process_time()
    decision = verify(document, VerificationRequest(sender=SENDER), context)
    spent = (time.process_time() - start) * 1000
    assert isinstance(decision, Verified), decision.detail
    return spent


def _theirs(dss: Tool, document: bytes, evidence: dict[str, str]) -> float:
    spent, *indications = dss.do("measure", document, **evidence).decode().split()
    assert set(indications) == {"TOTAL_PASSED"}, indications
    return float(spent)


def _way(document: bytes) -> str:
    """Whether the file was read from its bytes, or object by object."""
    reader = Reader(document, DEFAULT)
    return "object by object" if analysis_of(reader).is_read_slowly else "plainly"


if __name__ == "__main__":
    main()
