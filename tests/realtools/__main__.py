"""Make the corpus anew: ``python -m tests.realtools FOLDER [NAME…]``; tools go to FOLDER/tools, files to ``corpus/``.

Needs Java 17, Maven, Node.js, LibreOffice, qpdf and mupdf-tools; the rest comes by the
package clients. The keys stay in FOLDER. Prints each file beside the answer, and never writes what is expected of it:
that stands in ``corpus/manifest.toml``, by hand.
"""

import shutil
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from common.directory import read_directory
from validator.context import Material, ValidationContext, VerificationRequest
from validator.pki import trust_folder
from validator.verify import verify

from .once import programs
from .paper import papers
from .recipes import RIGHT_ONES, WRONG_ONES, Desk
from .tools import JAVA, Failed, endesive_tool, java_tool, signpdf_tool
from .world import SENDER, build_world, served_time

CORPUS = Path(__file__).parent / "corpus"


def main(folder: Path, wanted: list[str]) -> int:
    """Returns how many could not be made."""
    home = folder.absolute() / "tools"
    world = build_world(folder.absolute() / "world")
    tools = {name: java_tool(name, home) for name in JAVA}
    tools |= {"signpdf": signpdf_tool(home), "endesive": endesive_tool(home)}
    documents = papers(home, tools["itext5"], tools["itext9"], tools["pdfbox3"])
    recipes = {name: make for name, make in (RIGHT_ONES | WRONG_ONES).items() if not wanted or name in wanted}
    shutil.rmtree(CORPUS / "files", ignore_errors=True)
    (CORPUS / "files").mkdir(parents=True)
    missing = 0
    with served_time(world) as tsa:
        desk = Desk(world, tools, documents, tsa, programs(home, world))
        for name, make in recipes.items():
            try:
                document = make(desk)
            except Failed as failed:
                print(f"{name}: {failed}", flush=True)
                missing += 1
                continue
            (CORPUS / "files" / f"{name}.pdf").write_bytes(document)
            print(name, len(document), *_answer(document, world.folder), sep="\t", flush=True)
    for tool in tools.values():
        tool.close()
    _keep(world.folder)
    return missing


def _answer(document: bytes, folder: Path) -> tuple[str, ...]:
    roots, lists = trust_folder.load(folder / "trust")
    directory = read_directory((folder / "directory.json").read_bytes())
    now = datetime.now(UTC) + timedelta(minutes=1)
    context = ValidationContext(Material(roots, lists, directory), now)
    report = verify(document, VerificationRequest(sender=SENDER), context).report
    return report.integrity, report.verdict, report.reason or report.label or "", report.detail


def _keep(folder: Path) -> None:
    """Certificates, revocation lists and the directory beside the files; no key."""
    shutil.rmtree(CORPUS / "trust", ignore_errors=True)
    shutil.copytree(folder / "trust", CORPUS / "trust")
    shutil.copy(folder / "directory.json", CORPUS / "directory.json")
    until = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    (CORPUS / "at").write_text(until.isoformat() + "\n", encoding="ascii")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
