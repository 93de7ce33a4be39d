"""What runs by itself in office files: macros, and programs packed into them. Told by structure, not by extension.

Sources: ECMA-376 (parts of Open Packaging), MS-OVBA §2.2 (project storage), MS-CFB §2.6 (directory entries), ODF 1.3.
"""

import io
import re
import zipfile
from typing import BinaryIO

from common.edxml.sniff import Kind

_RUNS_IN_PACKAGE = re.compile(
    r"(?:.*/)?(?:vbaproject[^/]*\.bin|vbadata\.xml)|xl/macrosheets/.+|(?:.*/)?activex/.+\.bin"
    r"|basic/.+|scripts/.+|(?:object [^/]*/)?(?:basic|scripts)/.+",
    re.IGNORECASE,
)
"""Parts of VBA, of Excel 4 macro sheets, of controls, and of OpenDocument's Basic and scripts."""
_EMBEDDED = re.compile(r"(?:.*/)?embeddings/[^/]+\.bin", re.IGNORECASE)
_MACRO_TYPES = re.compile(rb"macroEnabled|vbaProject|ms-office\.activeX", re.IGNORECASE)
_OLE_NAMES = tuple(
    name.encode("utf-16-le") for name in ("_VBA_PROJECT", "VBA\0", "Macros\0", "_VBA_PROJECT_CUR", "\x01Ole10Native")
)
"""Names of directory entries: projects of macros, and packed files that a double click runs."""
MAX_TYPES_BYTES = 1024 * 1024
CHUNK_BYTES = 1024 * 1024
ENTRY_BYTES = 128
MAX_EMBEDDED_BYTES = 16 * 1024 * 1024
OLE = frozenset({Kind.OLE, Kind.DOC, Kind.XLS, Kind.PPT})


def package_runs(archive: zipfile.ZipFile) -> bool:
    """Whether an office document in a ZIP holds what runs; what zipfile raises over damage comes out."""
    if any(_RUNS_IN_PACKAGE.fullmatch(name.replace("\\", "/")) for name in archive.namelist()):
        return True
    for entry in archive.infolist():
        if _EMBEDDED.fullmatch(entry.filename) and entry.file_size <= MAX_EMBEDDED_BYTES:
            with archive.open(entry) as held:
                if storage_runs(io.BytesIO(held.read(MAX_EMBEDDED_BYTES))):
                    return True
    if "[Content_Types].xml" not in archive.namelist():
        return False
    with archive.open("[Content_Types].xml") as types:
        return _MACRO_TYPES.search(types.read(MAX_TYPES_BYTES)) is not None


def storage_runs(file: BinaryIO) -> bool:
    """Whether an old binary office file holds what runs. Reads all of it, in pieces; the caller rewinds."""
    file.seek(0)
    offset, rest = 0, b""
    while chunk := file.read(CHUNK_BYTES):
        if _entry_in(rest + chunk, offset):
            return True
        kept = (rest + chunk)[-ENTRY_BYTES:]
        offset += len(rest + chunk) - len(kept)
        rest = kept
    return False


def _entry_in(data: bytes, offset: int) -> bool:
    """Whether a name stands where directory entries stand: at multiples of 128 bytes."""
    for name in _OLE_NAMES:
        at = data.find(name)
        while at >= 0:
            if (offset + at) % ENTRY_BYTES == 0:
                return True
            at = data.find(name, at + 1)
    return False
