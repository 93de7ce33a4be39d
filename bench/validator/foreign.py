"""``python -m bench.validator.foreign FOLDER``: documents that people's tools signed, beside plain pyHanko and EU DSS.

Each kind of document is signed twice by iText 5, iText 9, PDFBox 3, EU DSS and pyHanko, the letter with long-term data
as well. The documents are made in FOLDER as those of ``tests/realtools`` are (Java 17 and Maven must be there; without
them only pyHanko's are). Then the engines take turns, document by document, in an order that changes with every round,
so that a busy machine slows all alike (``foreign_engines.py``). ``--dss``: EU DSS as well.
"""

import argparse
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table
from tests.realtools.recipes import Desk
from tests.realtools.tools import Tool, java_tool
from tests.realtools.world import SENDER, build_world, served_time

from bench.validator.foreign_engines import Engines
from mint.ltv import add_validation_data
from mint.paper import scan
from mint.tagged import tagged
from validator.diff.analysis import analysis_of
from validator.pdf.reader import Reader
from validator.policy import DEFAULT

HIDDEN = {"rect": None}
FAST_START = "-XX:TieredStopAtLevel=1"
"""Leaves the slow compiler out, which a warm process needs."""
SET_DAYS = 25
"""The revocation lists of a set hold for 30 days; an older set is made anew."""
MOST_OF_PLAIN, MOST_OF_DSS = 1 / 4, 1 / 3
"""What is required: of plain pyHanko's CPU time on documents of text, of tuned DSS's on all."""


@dataclass(frozen=True, slots=True)
class Paper:
    """What is signed."""

    make: Callable[[], bytes]
    is_text: bool = True
    long_term: bool = False
    """With signature time stamps and validation data."""


PAPERS = {
    "letter": Paper(lambda: tagged(3, font_bytes=174_000)),
    "letter B-LT": Paper(lambda: tagged(3, font_bytes=174_000), long_term=True),
    "scan, 494 KB": Paper(lambda: scan(pages=2, size_bytes=470_000), is_text=False),
    "scan, 50 KB": Paper(lambda: scan(pages=1, dpi=72, size_bytes=20_000), is_text=False),
    "tagged, 68 KB": Paper(lambda: tagged(1, font_bytes=48_000)),
    "113 pages": Paper(lambda: tagged(113, font_bytes=120_000, paragraph_words=90)),
    "scan, 5 MB": Paper(lambda: scan(pages=8, size_bytes=5_000_000), is_text=False),
    "1,100 pages": Paper(lambda: tagged(1_100, font_bytes=250_000, paragraph_words=170)),
}
"""The kinds and sizes of ``bench.validator.documents``."""
MAKERS = {"iText 5": "itext5", "iText 9": "itext9", "PDFBox 3": "pdfbox3", "EU DSS": "dss", "pyHanko": "pyhanko"}


def _signed(desk: Desk, paper: str, tool: str) -> bytes:
    """Signer and unit with one tool."""
    if tool == "pyhanko":
        return _by_pyhanko(desk, PAPERS[paper])
    if not PAPERS[paper].long_term:
        hidden = (HIDDEN, HIDDEN) if tool == "dss" else ()
        return desk.pair(paper, tool, tool, *hidden)
    if tool == "dss":
        one = desk.signed(desk.papers[paper](), ("dss", "signer", HIDDEN))
        return desk.tools["dss"].do("sign", one, p12=desk.world.key("seal"), level="LT", tsa=desk.tsa, **desk.evidence)
    stamp = {"tsa": desk.tsa}
    return desk.ltv(desk.pair(paper, tool, tool, stamp, HIDDEN | stamp), tool)


def _by_pyhanko(desk: Desk, paper: Paper) -> bytes:
    city, tsa, now = desk.world.city, desk.world.tsa, datetime.now(UTC).replace(microsecond=0)
    if not paper.long_term:
        return city.signed(SENDER, paper.make(), now)
    stamped = city.signed(SENDER, paper.make(), now, stamper=tsa.stamper(now))
    identities = (city[SENDER].signer, city[SENDER].seal, tsa.identity)
    return add_validation_data(stamped, identities, [each.read_bytes() for each in desk.world.crls])


def main() -> None:
    """Make what is missing, measure, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=30, help="of each document; a large one takes fewer")
    parser.add_argument("--only", default="", help="documents whose name holds this, such as 'letter' or 'iText 5'")
    parser.add_argument("--dss", action="store_true", help="EU DSS as well")
    options = parser.parse_args()
    folder, console = options.folder.absolute(), Console()
    if not (shutil.which("java") and shutil.which("mvn")):
        console.print("Java or Maven is missing: only documents of pyHanko are measured, and not beside EU DSS.")
    tools = _tools(folder)
    names = {f"{paper}, {maker}": (paper, tool) for paper in PAPERS for maker, tool in MAKERS.items()}
    wanted = {
        name: each
        for name, each in names.items()
        if options.only in name and (each[1] in tools or each[1] == "pyhanko")
    }
    try:
        _make(folder, tools, wanted)
        engines = Engines(folder, tools.get("dss") if options.dss else None)
        engines.warm_up([(folder / f"{name}.pdf").read_bytes() for name in wanted])
        rows = []
        for name, (paper, _) in wanted.items():
            median_ms = engines.measured((folder / f"{name}.pdf").read_bytes(), options.rounds)
            rows.append((name, PAPERS[paper], median_ms))
            console.print(
                f"[dim]{name}: " + ", ".join(f"{who} {ms:.1f} ms" for who, ms in median_ms.items()) + "[/dim]"
            )
        console.print(_table(folder, rows))
    finally:
        for tool in tools.values():
            tool.close()


def _tools(folder: Path) -> dict[str, Tool]:
    if not (shutil.which("java") and shutil.which("mvn")):
        return {}
    tools = {name: java_tool(name, folder / "tools") for name in MAKERS.values() if name != "pyhanko"}
    tools["dss"].command.remove(FAST_START)
    return tools


def _make(folder: Path, tools: dict[str, Tool], wanted: dict[str, tuple[str, str]]) -> None:
    """Make the documents that are not there yet, all of one world."""
    marker = folder / "made"
    if marker.is_file() and time.time() - marker.stat().st_mtime > SET_DAYS * 86_400:
        shutil.rmtree(folder / "world", ignore_errors=True)
        marker.unlink()
        for old in folder.glob("*.pdf"):
            old.unlink()
    missing = [name for name in wanted if not (folder / f"{name}.pdf").is_file()]
    if not missing:
        return
    shutil.rmtree(folder / "world", ignore_errors=True)  # keys are not kept: what is missing needs another world
    for old in folder.glob("*.pdf"):
        old.unlink()
    world = build_world(folder / "world")
    with served_time(world) as tsa:
        desk = Desk(world, tools, {name: paper.make for name, paper in PAPERS.items()}, tsa, {})
        for name, (paper, tool) in wanted.items():
            (folder / f"{name}.pdf").write_bytes(_signed(desk, paper, tool))
    marker.touch()


def _table(folder: Path, rows: list[tuple[str, Paper, dict[str, float]]]) -> Table:
    """``of plain``, ``of DSS``: our share of their CPU time; red = more than is required."""
    table = Table(title="CPU ms a document, two signatures")
    for column in ("document", "KB", "floor", "ours", "pyHanko", "of pyHanko", "EU DSS", "of DSS", "read"):
        table.add_column(column, justify="left" if column in ("document", "read") else "right")
    for name, paper, median_ms in rows:
        document = (folder / f"{name}.pdf").read_bytes()
        floor, ours, plain, dss = (median_ms.get(each, 0.0) for each in ("floor", "ours", "plain", "dss"))
        table.add_row(
            name, f"{len(document) / 1000:,.0f}", f"{floor:.1f}", f"{ours:.1f}", f"{plain:.1f}",
            _share(ours / plain, MOST_OF_PLAIN if paper.is_text else None),
            f"{dss:.1f}" if dss else "", _share(ours / dss, MOST_OF_DSS) if dss else "", _way(document),
        )  # fmt: skip
    return table


def _share(share: float, most: float | None) -> str:
    colour = "default" if most is None else "green" if share <= most else "red"
    return f"[{colour}]{share:.2f}[/{colour}]"


def _way(document: bytes) -> str:
    """Whether the file was read from its bytes, or object by object."""
    reader = Reader(document, DEFAULT)
    return "object by object" if analysis_of(reader).is_read_slowly else "plainly"


if __name__ == "__main__":
    main()
