"""Fetch them by the ordinary package clients into the cache: ``python -m tests.elsewhere`` (Maven, pip and Go)."""

import hashlib
import json
import subprocess
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

from devstack import cache

JARS = tuple(f"eu.europa.ec.joinup.sd-dss:dss-pades:{version}:jar:tests" for version in ("6.4", "6.3", "6.2", "5.13"))
SOURCES = ("pyhanko==0.38.0", "pikepdf==10.18.0")
MODULES = ("github.com/pdfcpu/pdfcpu@v0.15.0",)
PINS = (*JARS, *SOURCES, *MODULES)
NAME = "signed-elsewhere"
SIGNED = b"/ByteRange"
MIB = 1024 * 1024


def folder() -> Path:
    """Where they are, if they have been fetched."""
    return cache.folder(NAME, PINS)


def fetch() -> Path:
    """All of them, each under the first 16 hex characters of its SHA-256."""
    return cache.kept(NAME, PINS, _fill)


def _fill(target: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch_name:
        scratch = Path(scratch_name)
        for jar in JARS:
            _run("mvn", "-q", "-B", "dependency:copy", f"-Dartifact={jar}", f"-DoutputDirectory={scratch / 'jars'}")
        venv.create(scratch / "python", with_pip=True)
        for source in SOURCES:
            words = ("--quiet", "--no-deps", "--no-binary", source.partition("==")[0], source)
            _run(str(scratch / "python" / "bin" / "pip"), "download", *words, "--dest", str(scratch / "sources"))
        zips = [json.loads(_run("go", "mod", "download", "-json", module))["Zip"] for module in MODULES]
        archives = [*(scratch / "jars").iterdir(), *map(Path, zips)]
        for content in (each for contents in (_zipped(archives), _packed(scratch / "sources")) for each in contents):
            if SIGNED in content and content.startswith(b"%PDF-"):
                (target / f"{hashlib.sha256(content).hexdigest()[:16]}.pdf").write_bytes(content)


def _zipped(archives: list[Path]) -> Iterator[bytes]:
    for archive in archives:
        with zipfile.ZipFile(archive) as opened:
            for entry in opened.infolist():
                if entry.filename.endswith(".pdf") and entry.file_size < 64 * MIB:
                    yield opened.read(entry)


def _packed(sources: Path) -> Iterator[bytes]:
    for archive in sources.iterdir():
        with tarfile.open(archive) as opened:
            for entry in opened:
                if entry.isfile() and entry.name.endswith(".pdf") and entry.size < 64 * MIB:
                    extracted = opened.extractfile(entry)
                    yield extracted.read() if extracted else b""


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stderr[-2000:] or done.stdout[-2000:]}")
    return done.stdout
