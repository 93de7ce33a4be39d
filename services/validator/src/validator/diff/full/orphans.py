"""(4.1 j) Behind the last signature, new objects that nothing refers to.

Nobody vouches for these bytes, and a reader that mends files finds whatever lies there. Tools do leave things lying
behind: the store of validation data before the last one, renewed document information or metadata that the trailer or
the catalog does not name, numbers. Such an object has no role, so it is judged by its form: it may hold nothing but
what may stand in one of these places, or be a table that is said twice (``stray_table``).
"""

from collections.abc import Iterable
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import SuspiciousModification
from pyhanko.sign.diff_analysis.policies import _find_orphans
from pyhanko.sign.diff_analysis.rules_api import ReferenceUpdate, WhitelistRule

from validator.diff.full.orphan_xref import repeats_the_table
from validator.diff.full.rules import DSS_KEYS, VRI_KEYS, VRI_NAME

STREAM_KEYS = frozenset({"/Length", "/Filter", "/DecodeParms"})
METADATA_KEYS = STREAM_KEYS | {"/Type", "/Subtype"}
INFORMATION_KEYS = frozenset(
    {"/Title", "/Author", "/Subject", "/Keywords", "/Creator", "/Producer", "/CreationDate", "/ModDate", "/Trapped"}
)
WORDS = generic.TextStringObject | generic.ByteStringObject | generic.NameObject


class LeftoverRule(WhitelistRule):
    """New objects that nothing refers to."""

    def apply(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[ReferenceUpdate]:
        """All of them, if they are harmless wherever a reader might find them."""
        own = new.reader.xrefs.get_xref_container_info(new.revision).stream_ref
        containers = {*new.object_streams_used(), own}
        for reference in _find_orphans(new):
            if (
                reference not in containers
                and not _is_harmless(new(reference))
                and not repeats_the_table(new, reference)
            ):
                raise SuspiciousModification(f"object {reference.idnum} belongs to nothing")
            if old.is_ref_unassignable(reference):
                yield ReferenceUpdate(reference)


def _is_harmless(found: Any) -> bool:
    if isinstance(found, generic.StreamObject):
        return found.keys() <= STREAM_KEYS or (_type(found) == "/Metadata" and found.keys() <= METADATA_KEYS)
    if isinstance(found, generic.DictionaryObject):
        return _is_validation_data(found) or _is_information(found) or _is_nothing(found)
    if isinstance(found, generic.ArrayObject):
        return all(isinstance(found.raw_get(place), generic.IndirectObject) for place in range(len(found)))
    return isinstance(found, generic.NullObject | generic.NumberObject)


def _type(found: Any) -> str:
    return str(found.raw_get("/Type")) if "/Type" in found else ""


def _is_validation_data(found: Any) -> bool:
    keys = found.keys()
    if _type(found) not in ("", "/DSS", "/VRI"):
        return False
    return keys <= DSS_KEYS or keys <= VRI_KEYS or all(VRI_NAME.fullmatch(key) for key in keys - {"/Type"})


def _is_nothing(found: Any) -> bool:
    """A font that was begun and never filled in."""
    return found.keys() == {"/Type"} and _type(found) == "/Font"


def _is_information(found: Any) -> bool:
    return found.keys() <= INFORMATION_KEYS and all(isinstance(found.raw_get(key), WORDS) for key in found)
