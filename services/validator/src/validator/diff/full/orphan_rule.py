"""(j) Behind the last signature, new objects that nothing refers to.

Nobody vouches for these bytes, and a reader that repairs files finds whatever lies there. Tools do leave such objects:
a previous store of validation data, renewed document information or metadata that trailer or catalog do not name,
numbers. An orphan has no role, so it is judged by its form: it may hold nothing but what may stand in one of these
places, or be a second copy of the cross-reference table (``orphan_xref``).
"""

from collections.abc import Iterable
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import SuspiciousModification
from pyhanko.sign.diff_analysis.rules_api import ReferenceUpdate, WhitelistRule

from validator.diff.full.orphan_xref import repeats_the_table
from validator.pdf.pyhanko_internals import orphans
from validator.pdf.schema import DSS_KEYS, INFORMATION_KEYS, METADATA_KEYS, STREAM_KEYS, VRI_KEYS, VRI_NAME
from validator.policy import Policy

WORDS = generic.TextStringObject | generic.ByteStringObject | generic.NameObject


class OrphanRule(WhitelistRule):
    """New objects that nothing refers to."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def apply(self, old: HistoricalResolver, new: HistoricalResolver) -> Iterable[ReferenceUpdate]:
        """All of them, if they are harmless wherever a reader might find them."""
        own = new.reader.xrefs.get_xref_container_info(new.revision).stream_ref
        containers = {*new.object_streams_used(), own}
        for reference in orphans(new):
            if (
                reference not in containers
                and not _is_harmless(new(reference))
                and not repeats_the_table(new, reference, self._policy)
            ):
                raise SuspiciousModification(f"object {reference.idnum} belongs to nothing")
            if old.is_ref_unassignable(reference):
                yield ReferenceUpdate(reference)


def _is_harmless(value: Any) -> bool:
    if isinstance(value, generic.StreamObject):
        return value.keys() <= STREAM_KEYS or (_type(value) == "/Metadata" and value.keys() <= METADATA_KEYS)
    if isinstance(value, generic.DictionaryObject):
        return _is_validation_data(value) or _is_information(value) or _is_nothing(value)
    if isinstance(value, generic.ArrayObject):
        return all(isinstance(value.raw_get(place), generic.IndirectObject) for place in range(len(value)))
    return isinstance(value, generic.NullObject | generic.NumberObject)


def _type(value: Any) -> str:
    return str(value.raw_get("/Type")) if "/Type" in value else ""


def _is_validation_data(value: Any) -> bool:
    keys = value.keys()
    if _type(value) not in ("", "/DSS", "/VRI"):
        return False
    return keys <= DSS_KEYS or keys <= VRI_KEYS or all(VRI_NAME.fullmatch(key) for key in keys - {"/Type"})


def _is_nothing(value: Any) -> bool:
    """A font that was begun and never filled in."""
    return value.keys() == {"/Type"} and _type(value) == "/Font"


def _is_information(value: Any) -> bool:
    return value.keys() <= INFORMATION_KEYS and all(isinstance(value.raw_get(key), WORDS) for key in value)
