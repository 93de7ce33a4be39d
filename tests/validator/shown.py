"""What a revision of a file shows, worked out with pyHanko alone and without any rule of the validator.

Two revisions show the same if every page of the one has the content, the resources, the boxes and the old annotations
of the same page of the other, references followed to the end.
"""

from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver

WAYS_UP = frozenset({"/Parent", "/P", "/Pg", "/StructParent", "/StructParents"})
INHERITED = ("/Resources", "/MediaBox", "/CropBox", "/Rotate")
SEEN = ("/Contents", *INHERITED)
SIGNING = frozenset({"/V", "/AP", "/AS", "/F", "/Ff", "/DA", "/Q", "/Type"})
"""What signing an empty field may change of it."""
ELSEWHERE = ("/OpenAction", "/AA", "/Names", "/Outlines", "/PageLabels", "/Dests", "/OCProperties", "/URI", "/Lang")
"""Entries of the catalog that decide what is shown, or done, beside the pages."""


def shown_pages(view: HistoricalResolver) -> list[Any]:
    """One entry a page, then the catalog's."""
    pages = list(_pages(view.root["/Pages"], {}))
    return [*pages, {key: _value(view.root.raw_get(key), ()) for key in ELSEWHERE if key in view.root}]


def is_shown_later(before: list[Any], now: list[Any]) -> bool:
    """Whether ``now`` shows what ``before`` showed, and at most more annotations, above or below the old ones."""
    if len(before) != len(now) or before[-1] != now[-1]:
        return False
    return all(
        old == new and _is_among(annotations, more)
        for (old, annotations), (new, more) in zip(before[:-1], now[:-1], strict=True)
    )


def _is_among(annotations: list[Any], more: list[Any]) -> bool:
    """Whether ``more`` holds them in the same order: what is drawn later lies above."""
    left = iter(more)
    return all(any(each == other for other in left) for each in annotations)


def _pages(node: Any, above: dict[str, Any]) -> Any:
    entries = above | {key: node[key] for key in INHERITED if key in node}
    if "/Kids" in node:
        for kid in node["/Kids"]:
            yield from _pages(kid.get_object(), entries)
        return
    if "/Contents" in node:
        entries["/Contents"] = node["/Contents"]
    annotations = [_annotation(each.get_object()) for each in node["/Annots"]] if "/Annots" in node else []
    yield {key: _value(entries[key], ()) for key in SEEN if key in entries}, annotations


def _annotation(entries: Any) -> Any:
    is_signature = entries.raw_get("/FT") == "/Sig" if "/FT" in entries else False
    skipped = (SIGNING if is_signature else frozenset({"/Type"})) | WAYS_UP
    return {key: _value(entries.raw_get(key), ()) for key in entries if key not in skipped}


def _value(value: Any, behind: tuple[Any, ...]) -> Any:
    if isinstance(value, generic.IndirectObject):
        number = value.idnum
        return ("again", behind.index(number)) if number in behind else _value(value.get_object(), (*behind, number))
    if isinstance(value, generic.DictionaryObject):
        if "/Type" in value and value.raw_get("/Type") in ("/Page", "/Pages"):
            return "a page"
        entries = {key: _value(value.raw_get(key), behind) for key in value if key not in WAYS_UP}
        return (entries, _data(value)) if isinstance(value, generic.StreamObject) else entries
    if isinstance(value, generic.ArrayObject):
        return [_value(value.raw_get(place), behind) for place in range(len(value))]
    if isinstance(value, generic.NumberObject | generic.FloatObject):
        return round(float(value), 3)
    if isinstance(value, generic.NullObject):
        return None
    return value.value if isinstance(value, generic.BooleanObject) else str(value)


def _data(stream: generic.StreamObject) -> bytes:
    """Decoded; as it stands in the file where it cannot be decoded."""
    try:
        return bytes(stream.data)
    except Exception:
        return bytes(stream.encoded_data)
