"""The private side of pyHanko that the validator relies on: in one module, and unchanged since it was read last."""

import ast
import hashlib
import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from pyhanko.pdf_utils import decode_limits, generic, reader, xref
from pyhanko.sign.validation import pdf_embedded

from .modules import trees

MODULE = "pdf.pyhanko_internals"

WATCHED: list[tuple[Any, str]] = [
    (reader.PdfFileReader, "9e1bb3e9d4b168d2"),
    (reader._read_header_version, "17d679f1e07f1077"),
    (reader.process_data_at_eof, "19eeec16b2927128"),
    (xref.XRefBuilder, "c37e44125bacdb95"),
    (xref.XRefCache, "76f70fb223b6aa44"),
    (xref.XRefSectionData, "56e1ca2aa1f6d19a"),
    (xref.XRefSectionMetaInfo, "6e1418b092ef51e9"),
    (xref.TrailerDictionary, "a2ad9ff3463530c1"),
    (xref._check_xref_consistency, "cc38aa8c5c7f0e7f"),
    (decode_limits.DecodeContext, "3843fa9d772d7162"),
    (decode_limits.DecodeLimits, "debcfe93c46fbbef"),
    (generic._decode_name, "963405df0a1e5d06"),
    (pdf_embedded.EmbeddedPdfSignature, "28c6ea1a23ce53c8"),
    (pdf_embedded._extract_docmdp_for_sig, "363f8f8822f53dd3"),
    (pdf_embedded._extract_reference_dict, "41ace2734232ace6"),
]
"""Beside each, the start of the SHA-256 of its source in pyHanko 0.38.0."""


@pytest.mark.parametrize(("watched", "expected"), WATCHED, ids=[each.__qualname__ for each, _ in WATCHED])
def test_the_source_is_the_one_that_was_read(watched: Any, expected: str) -> None:
    """It differs after an update of pyHanko: read what changed, adapt ``pyhanko_internals``, then renew the digest."""
    assert hashlib.sha256(inspect.getsource(watched).encode()).hexdigest()[:16] == expected


def private_names(tree: ast.Module) -> Iterator[str]:
    """Names with an underscore that are imported from pyHanko, or asked of anything that is not the class's own."""
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    own |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pyhanko"):
            yield from (each.name for each in node.names if each.name.startswith("_"))
        if isinstance(node, ast.Attribute) and node.attr.startswith("_") and not node.attr.startswith("__"):
            is_super = isinstance(node.value, ast.Call) and ast.unparse(node.value.func) == "super"
            if is_super or node.attr not in own:
                yield node.attr


@pytest.mark.parametrize("module", [name for name in trees() if name != MODULE])
def test_no_other_module_uses_a_private_name(module: str) -> None:
    assert list(private_names(trees()[module])) == []


@pytest.mark.parametrize(
    "text",
    [
        "from pyhanko.pdf_utils.reader import _read_header_version",
        "def f(reader):\n    return reader.trailer._trailer_revisions",
        "class A(PdfFileReader):\n    def _read_object(self):\n        return super()._read_object()",
        "def f(self):\n    return self._trailer",
    ],
)
def test_a_private_name_is_noticed(text: str) -> None:
    assert list(private_names(ast.parse(text)))
