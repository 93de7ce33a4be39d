"""What a file is by its first bytes, and which names and declared types go together with that.

A small table of what units exchange or must not exchange; anything else is ``None``, and only text may stay unknown.
"""

import re
from enum import StrEnum

HEAD_BYTES = 1024
"""Enough for every rule here; a PDF's mark may stand anywhere in it (ISO 32000-1 annex H)."""


class Kind(StrEnum):
    """File kinds told by magic bytes; the value is the media type."""

    PDF = "application/pdf"
    ZIP = "application/zip"
    DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
    ODT = "application/vnd.oasis.opendocument.text"
    ODS = "application/vnd.oasis.opendocument.spreadsheet"
    ODP = "application/vnd.oasis.opendocument.presentation"
    PACKAGE = "application/x-office-package"
    """Another container in a ZIP, e.g. a drawing or a book."""
    OLE = "application/x-ole-storage"
    DOC = "application/msword"
    XLS = "application/vnd.ms-excel"
    PPT = "application/vnd.ms-powerpoint"
    RTF = "application/rtf"
    PNG = "image/png"
    JPEG = "image/jpeg"
    TIFF = "image/tiff"
    GIF = "image/gif"
    WEBP = "image/webp"
    JPEG_2000 = "image/jp2"
    HEIF = "image/heif"
    DWG = "image/vnd.dwg"
    """Drawings of planning and construction."""
    BMP = "image/bmp"
    SEVEN_ZIP = "application/x-7z-compressed"
    RAR = "application/vnd.rar"
    GZIP = "application/gzip"
    HTML = "text/html"
    XML = "application/xml"
    PKCS7 = "application/pkcs7-mime"
    """A signature in a file of its own."""
    EXECUTABLE = "application/x-executable"


OFFICE_ZIPS = {Kind.DOCX, Kind.XLSX, Kind.PPTX, Kind.ODT, Kind.ODS, Kind.ODP, Kind.PACKAGE}
IMAGES = {Kind.PNG, Kind.JPEG, Kind.TIFF, Kind.GIF, Kind.BMP, Kind.WEBP, Kind.JPEG_2000, Kind.HEIF}
SEALED = frozenset({Kind.SEVEN_ZIP, Kind.RAR, Kind.GZIP})
"""Archives whose members are not looked at: programs and secrets would pass in them."""
ARCHIVES = {Kind.ZIP, Kind.SEVEN_ZIP, Kind.RAR, Kind.GZIP}
WRITTEN = {Kind.OLE, Kind.DOC, Kind.XLS, Kind.PPT, Kind.RTF, Kind.HTML, Kind.XML, *OFFICE_ZIPS}
"""Word processors save all of these under .doc and .xls, and open them."""
MARKUP = {Kind.HTML, Kind.XML}
TEXTUAL = {Kind.RTF, Kind.HTML, Kind.XML}

_MAGIC: tuple[tuple[bytes, Kind], ...] = (
    (b"PK\x03\x04", Kind.ZIP),
    (b"PK\x05\x06", Kind.ZIP),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind.OLE),
    (b"{\\rtf", Kind.RTF),
    (b"\x89PNG\r\n\x1a\n", Kind.PNG),
    (b"\xff\xd8\xff", Kind.JPEG),
    (b"II*\x00", Kind.TIFF),
    (b"MM\x00*", Kind.TIFF),
    (b"GIF87a", Kind.GIF),
    (b"GIF89a", Kind.GIF),
    (b"7z\xbc\xaf\x27\x1c", Kind.SEVEN_ZIP),
    (b"Rar!\x1a\x07", Kind.RAR),
    (b"\x1f\x8b\x08", Kind.GZIP),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", Kind.JPEG_2000),
    (b"AC10", Kind.DWG),
    (b"\x7fELF", Kind.EXECUTABLE),
    (b"\xfe\xed\xfa\xce", Kind.EXECUTABLE),
    (b"\xfe\xed\xfa\xcf", Kind.EXECUTABLE),
    (b"\xce\xfa\xed\xfe", Kind.EXECUTABLE),
    (b"\xcf\xfa\xed\xfe", Kind.EXECUTABLE),
    (b"\xca\xfe\xba\xbe", Kind.EXECUTABLE),
    (b"L\x00\x00\x00\x01\x14\x02\x00", Kind.EXECUTABLE),
    (b"#!", Kind.EXECUTABLE),
    (b"@echo off", Kind.EXECUTABLE),
)

FORBIDDEN_EXTENSIONS = frozenset(
    {
        "apk",
        "bat",
        "cmd",
        "com",
        "cpl",
        "dll",
        "exe",
        "hta",
        "jar",
        "js",
        "jse",
        "lnk",
        "msi",
        "msp",
        "pif",
        "ps1",
        "psm1",
    }
    | {"scr", "sh", "sys", "vbe", "vbs", "wsf", "wsh"}
    | {"docm", "dotm", "potm", "ppam", "ppsm", "pptm", "sldm", "xla", "xlam", "xlsb", "xlsm", "xltm"}
)
"""What a double click would run, office documents that are made for macros included."""

SIGNED_DATA = b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02"
"""The object identifier of CMS SignedData (RFC 5652)."""
_NO_TEXT = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")

_FAMILY_OF_EXTENSION: dict[str, set[Kind]] = {
    "pdf": {Kind.PDF},
    **dict.fromkeys(["png", "jpg", "jpeg", "jpe", "tif", "tiff", "gif", "bmp"], IMAGES),
    **dict.fromkeys(["zip", "rar", "7z", "gz"], ARCHIVES),
    **dict.fromkeys(["doc", "docx", "dot", "rtf", "odt", "ppt", "pptx", "odp"], WRITTEN),
    **dict.fromkeys(["xls", "xlsx", "xsl", "xslx", "ods"], WRITTEN),
    **dict.fromkeys(["htm", "html", "mht", "xml", "edxml"], MARKUP),
}
_TYPE_OF_EXTENSION: dict[str, str] = {
    "pdf": Kind.PDF,
    "doc": Kind.DOC,
    "xls": Kind.XLS,
    "ppt": Kind.PPT,
    "docx": Kind.DOCX,
    "xlsx": Kind.XLSX,
    "pptx": Kind.PPTX,
    "odt": Kind.ODT,
    "ods": Kind.ODS,
    "odp": Kind.ODP,
    "rtf": Kind.RTF,
    "txt": "text/plain",
    "csv": "text/csv",
    "png": Kind.PNG,
    "jpg": Kind.JPEG,
    "jpeg": Kind.JPEG,
    "tif": Kind.TIFF,
    "tiff": Kind.TIFF,
    "gif": Kind.GIF,
    "xml": Kind.XML,
    "html": Kind.HTML,
    "zip": Kind.ZIP,
}
_EXTENSION_OF_TYPE = {
    **{str(kind): extension for extension, kind in reversed(_TYPE_OF_EXTENSION.items())},
    "application/doc": "doc",
    "application/docx": "docx",
    "application/xsl": "xls",
    "application/xslx": "xlsx",
    "application/xls": "xls",
    "application/xlsx": "xlsx",
    "application/x-pdf": "pdf",
    "image/jpg": "jpg",
    "text/xml": "xml",
    "application/x-zip-compressed": "zip",
}
"""Also the odd names that the national axis' software development kit writes."""

_OWN_TEXT = {"rtf": {Kind.RTF}, "html": {Kind.HTML}, "htm": {Kind.HTML}, "xml": {Kind.XML}, "edxml": {Kind.XML}}
_OLE_OF_EXTENSION = {"doc": Kind.DOC, "dot": Kind.DOC, "xls": Kind.XLS, "xsl": Kind.XLS, "ppt": Kind.PPT}


def sniff(head: bytes) -> Kind | None:
    """The kind of a file by its first ``HEAD_BYTES`` bytes; None = unknown. A ZIP is only called ZIP here."""
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return kind
    if head.startswith(b"MZ") and b"\0" in head:
        return Kind.EXECUTABLE
    if head.startswith(b"BM") and head[6:10] == b"\0\0\0\0":
        return Kind.BMP
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return Kind.WEBP
    if head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"mif1", b"msf1"):
        return Kind.HEIF
    if head[:1] == b"\x30" and SIGNED_DATA in head[:64]:
        return Kind.PKCS7
    return _markup(head) or (Kind.PDF if b"%PDF-" in head else None)


def is_text(head: bytes) -> bool:
    """Whether bytes of no known kind are text in some encoding."""
    return head.startswith((b"\xff\xfe", b"\xfe\xff")) or not _NO_TEXT.search(head)


def extension(name: str) -> str:
    """The lower-case extension of a file name, empty if it has none."""
    _, dot, tail = name.rpartition(".")
    return tail.strip().lower() if dot else ""


def refined(kind: Kind | None, name: str) -> Kind | None:
    """An OLE file is what its name says: Word, Excel and PowerPoint share the magic."""
    return _OLE_OF_EXTENSION.get(extension(name), kind) if kind is Kind.OLE else kind


def media_type(name: str) -> str | None:
    """The media type that goes with a file name."""
    return _TYPE_OF_EXTENSION.get(extension(name))


def family(name: str, *, usual: bool = False) -> set[Kind]:
    """The kinds that may stand behind a file name, or that usually do; empty = no opinion."""
    return _family(extension(name), usual)


def family_of_type(declared: str | None, *, usual: bool = False) -> set[Kind]:
    """The kinds that may stand behind a declared media type, or that usually do; empty = no opinion."""
    return _family(_EXTENSION_OF_TYPE.get(plain_type(declared), ""), usual)


def plain_type(declared: str | None) -> str:
    """A media type in lower case, without parameters."""
    return (declared or "").split(";", 1)[0].strip().lower()


def _markup(head: bytes) -> Kind | None:
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:32].lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return Kind.HTML
    return Kind.XML if start.startswith(b"<?xml") else None


def _family(extension: str, usual: bool) -> set[Kind]:
    """Word processors open HTML under ``.doc``, but nobody expects it there."""
    kinds = _FAMILY_OF_EXTENSION.get(extension, set())
    return kinds - TEXTUAL | _OWN_TEXT.get(extension, set()) if usual else kinds
