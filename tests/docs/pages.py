"""The pages for people, and what they quote."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]

FENCE = re.compile(r"^ *(`{3,})([^\n]*)\n(.*?)^ *\1\s*$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+\s+(.*)$", re.MULTILINE)
CALL = re.compile(r"(?:^|[\s(])trunkctl((?:\s+[^|;&#)>]+)?)(?=$|[|;&#)>])")
SHELL = {"sh", "bash", "console"}


def name(page: Path) -> str:
    """As people say it."""
    return str(page.relative_to(ROOT))


def links(page: Path) -> set[str]:
    """Targets of the page's links; quoted code has none."""
    return set(LINK.findall(SPAN.sub("", FENCE.sub("", page.read_text(encoding="utf-8"))).replace("[]", "[x]")))


def anchors(page: Path) -> set[str]:
    """What a link may name behind the ``#``."""
    titles = HEADING.findall(FENCE.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", title.lower()).strip().replace(" ", "-") for title in titles}


def calls(page: Path) -> Iterator[tuple[list[str], bool]]:
    """Arguments of each ``trunkctl`` that the page quotes, and whether it is a whole command line to be typed."""
    text = page.read_text(encoding="utf-8")
    for _, language, block in FENCE.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            yield from ((arguments, language in SHELL) for arguments in _calls(line))
    for span in SPAN.findall(FENCE.sub("", text)):
        if span.startswith("trunkctl") or " trunkctl " in span:
            yield from ((arguments, False) for arguments in _calls(span))


def _calls(line: str) -> list[list[str]]:
    """Optional parts, in brackets, count as given; ``trunkctl …`` is any of them."""
    command_lines = [shlex.split(each.replace("[", " ").replace("]", " ")) for each in CALL.findall(line)]
    return [arguments for arguments in command_lines if arguments != ["…"]]
