"""Foreign tools behind one way to ask them: ``Tool.do(action, source, **what)`` gives the new bytes.

Everything they need is fetched by the ordinary package clients into a folder outside the checkout; nothing of it is
shipped, linked or imported by the project.
"""

import os
import shutil
import subprocess
import venv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent / "tools"
JAVA = {
    "itext5": ("IText5", ("itext5",)),
    "itext9": ("IText9", ("itext9",)),
    "openpdf": ("OpenPdf", ("openpdf",)),
    "pdfbox2": ("PdfBox", ("pdfbox", "pdfbox2")),
    "pdfbox3": ("PdfBox", ("pdfbox", "pdfbox3")),
    "dss": ("Dss", ("dss",)),
}
PYTHON = ("endesive==2.19.3", "pyhanko-cli==0.6.0")


class Failed(Exception):
    """The tool declined: its own words."""


@dataclass
class Tool:
    """A process that takes a job a line."""

    name: str
    command: list[str]
    environment: dict[str, str]
    scratch: Path
    process: Any = None
    count: int = 0

    def do(self, action: str, source: bytes | None = None, **what: object) -> bytes:
        """The file that the tool makes. Raises ``Failed``."""
        if self.process is None or self.process.poll() is not None:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                env=os.environ | self.environment,
            )  # fmt: skip
        self.count += 1
        place, out = (self.scratch / f"{self.name}-{self.count}-{end}.pdf" for end in ("in", "out"))
        if source is not None:
            place.write_bytes(source)
        job = {"action": action, "in": place, "out": out} | {
            key: value for key, value in what.items() if value is not None
        }
        self.process.stdin.write("\t".join(f"{key}={value}" for key, value in job.items()) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().rstrip("\n").split("\t")
        if answer[0] != "ok":
            raise Failed(f"{self.name} {action}: {answer[-1]}")
        return out.read_bytes() if out.exists() else b""

    def close(self) -> None:
        """End the process."""
        if self.process:
            self.process.stdin.close()
            self.process.wait(timeout=30)


def java_tool(name: str, home: Path) -> Tool:
    """A Java program: its jars by Maven, compiled once."""
    main, folders = JAVA[name]
    jars, classes = home / "jars" / name, home / "classes" / name
    if not jars.is_dir():
        _run(
            "mvn",
            "-q",
            "-B",
            "-f",
            HERE / name / "pom.xml",
            "dependency:copy-dependencies",
            f"-DoutputDirectory={jars}",
        )
    if not classes.is_dir():
        sources = [HERE / "Jobs.java", *(path for folder in folders for path in sorted((HERE / folder).glob("*.java")))]
        classes.mkdir(parents=True)
        _run("javac", "-nowarn", "-proc:none", "-cp", f"{jars}/*", "-d", classes, *sources)
    command = [
        "java",
        "-Xshare:auto",
        "-XX:TieredStopAtLevel=1",
        "-Djava.awt.headless=true",
        "-cp",
        f"{classes}:{jars}/*",
        main,
    ]
    return Tool(name, command, {}, _scratch(home))


def signpdf_tool(home: Path) -> Tool:
    """@signpdf on Node.js."""
    node = home / "node"
    if not (node / "node_modules").is_dir():
        node.mkdir(parents=True, exist_ok=True)
        shutil.copy(HERE / "signpdf" / "package.json", node)
        _run("npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", node)
    return Tool(
        "signpdf", ["node", str(HERE / "signpdf" / "signpdf.mjs")], {"REALTOOLS_NODE": str(node)}, _scratch(home)
    )


def python_of(home: Path) -> Path:
    """An environment of its own for Python tools."""
    folder = home / "py"
    if not folder.is_dir():
        venv.create(folder, with_pip=True)
        _run(folder / "bin" / "pip", "install", "--quiet", *PYTHON)
        for module in folder.glob("lib/*/site-packages/oscrypto/_openssl/_libcrypto_c*.py"):
            # It does not know the version numbers of OpenSSL with two digits, and no later one is to be had.
            module.write_text(module.read_text().replace(r"(\\d\\.\\d\\.\\d[a-z]*)", r"(\\d\\.\\d\\.\\d+[a-z]*)"))
    return folder / "bin"


def endesive_tool(home: Path) -> Tool:
    """endesive on Python."""
    return Tool("endesive", [str(python_of(home) / "python"), str(HERE / "endesive" / "sign.py")], {}, _scratch(home))


def _scratch(home: Path) -> Path:
    folder = home / "scratch"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _run(*words: object) -> None:
    subprocess.run([str(word) for word in words], check=True, stdout=subprocess.DEVNULL)


def command_line(home: Path, make: Callable[[Path, Path], list[object]], source: bytes) -> bytes:
    """A program that is run once a file: ``make(in, out)`` gives its words. Raises ``Failed``."""
    place, out = _scratch(home) / "once-in.pdf", _scratch(home) / "once-out.pdf"
    place.write_bytes(source)
    out.unlink(missing_ok=True)
    words = [str(word) for word in make(place, out)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    if not out.exists():
        raise Failed(f"{Path(words[0]).name}: {(done.stderr or done.stdout).strip()[-300:]}")
    return out.read_bytes()
