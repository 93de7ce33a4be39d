"""pyHanko's analysis of one revision against the signed one; (c) a free entry for a number that was never in use."""

from collections.abc import Iterable
from typing import Any

from pyhanko.pdf_utils.reader import HistoricalResolver
from pyhanko.sign.diff_analysis import (
    DiffResult,
    FormUpdatingRule,
    ModificationLevel,
    StandardDiffPolicy,
    SuspiciousModification,
)
from pyhanko.sign.diff_analysis.rules_api import ReferenceUpdate, WhitelistRule

from validator.diff.full.dangling_references import check_references
from validator.policy import DifferenceLimits

Old = HistoricalResolver
New = HistoricalResolver


class RevisionPolicy(StandardDiffPolicy):
    """pyHanko's analysis; what is freed must never have been in use, and no dangling reference may be filled."""

    def __init__(
        self,
        global_rules: list[Any],
        form_rule: FormUpdatingRule | None,
        limits: DifferenceLimits,
        *,
        allow_orphans: bool = True,
    ) -> None:
        """``allow_orphans``: new objects that nothing refers to do not matter."""
        self._limits = limits
        rules = [*global_rules, FreedRule().as_qualified(ModificationLevel.LTA_UPDATES)]
        super().__init__(rules, form_rule, reject_object_freeing=False, ignore_orphaned_objects=allow_orphans)

    def apply(self, old: Old, new: New, *args: Any, **kwargs: Any) -> DiffResult:
        """One revision against the signed one."""
        for reference in new.refs_freed_in_revision():
            if _was_used(old, reference.idnum):
                raise SuspiciousModification(f"object {reference.idnum} was freed")
        check_references(old, new, self._limits)
        return super().apply(old, new, *args, **kwargs)


class FreedRule(WhitelistRule):
    """Free entries; ``RevisionPolicy`` has checked them."""

    def apply(self, old: Old, new: New) -> Iterable[ReferenceUpdate]:
        """All of them."""
        for reference in new.refs_freed_in_revision():
            if not _was_used(old, reference.idnum):
                yield ReferenceUpdate(reference)


def _was_used(old: Old, number: int) -> bool:
    """Whether any revision up to the signed one defined an object of that number, of whatever generation."""
    for revision in range(old.revision + 1):
        data = old.reader.xrefs.get_xref_data(revision)
        for part in (data, data.hybrid.xref_data) if data.hybrid else (data,):
            if number in part.standard_xrefs or number in part.xrefs_in_objstm:
                return True
    return False
