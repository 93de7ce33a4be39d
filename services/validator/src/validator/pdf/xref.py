"""The cross-reference tables of all revisions, and how they are read."""

import io
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.misc import PdfStrictReadError
from pyhanko.pdf_utils.xref import XRefSection, XRefSectionData, XRefSectionMetaInfo, XRefSectionType

from validator.pdf.bounds import XrefBudget, check_fits
from validator.pdf.inconclusive import Inconclusive
from validator.pdf.once import check_hybrids, check_table
from validator.pdf.pyhanko_internals import HookedBuilder, HookedTables, check_xref_consistency
from validator.pdf.pyhanko_values import to_pyhanko
from validator.pdf.sections import tables_of, with_first_generations, with_sizes_kept, without_idle_entries
from validator.pdf.values import Value, read_value
from validator.pdf.xref_table import read_table
from validator.policy import PdfLimits


class Tables(HookedTables):
    """pyHanko's tables, which also know the numbers that no revision ever used."""

    def is_nowhere(self, number: int) -> bool:
        """Whether no revision defines or frees that number."""
        return not any(
            number in data.standard_xrefs or number in data.xrefs_in_objstm or number in data.freed
            for data in self._all_data()
        )

    def get_introducing_revision(self, ref: generic.Reference) -> int:
        """As pyHanko; a number that is nowhere has been null from the beginning."""
        if self.is_nowhere(ref.idnum):
            return 0
        return int(super().get_introducing_revision(ref))

    def containers(self) -> set[int]:
        """Numbers of the object streams in which any revision lists objects."""
        return set[int]().union(*(data.obj_streams_used for data in self._all_data()))

    def _all_data(self) -> Iterator[XRefSectionData]:
        return (part for section in self.sections for part in tables_of(section.xref_data))


class Builder(HookedBuilder):
    """Reads a whole subsection of a table at once; cross-reference streams and everything unusual like pyHanko."""

    def __init__(
        self,
        document: bytes,
        handler: Any,
        stream: io.BytesIO,
        last_startxref: int,
        limits: PdfLimits,
        max_entries: int,
    ) -> None:
        """``last_startxref``: where the newest section begins. ``max_entries``: of all tables together."""
        super().__init__(handler, stream, handler.strict, last_startxref)
        self._document = document
        self._limits = limits
        self._budget = XrefBudget(max_entries, limits)
        self._pending: int | None = last_startxref
        """Where the next section to read is; None = all are read."""

    def read_stream_object(self) -> Any:
        """As pyHanko, within the budget."""
        reference, stream = super().read_stream_object()
        self._budget.check_stream(stream)
        return reference, stream

    def read_xrefs(self) -> list[XRefSection]:
        """Sections, oldest first, corrected for what real tools write (``validator.pdf.sections``)."""
        try:
            sections: list[XRefSection] = super().read_xrefs()  # type: ignore[no-untyped-call]
        except PdfStrictReadError:
            if self._pending is not None:
                raise
            sections = with_sizes_kept(list(reversed(self.sections)))
            check_xref_consistency(with_first_generations(without_idle_entries(sections)))
        check_hybrids(sections)
        for section in sections[:-1]:
            check_fits(section)
        return without_idle_entries(sections)

    def read_stream_section(self, declared_startxref: int) -> Any:
        """As pyHanko; a stream that its own table does not list is no object, so its number stays free."""
        self._pending = declared_startxref
        self._pending = previous = super().read_stream_section(declared_startxref)
        section = self.sections[-1]
        own = section.meta_info.stream_ref
        if own is not None and own.idnum not in section.xref_data.standard_xrefs:
            self.sections[-1] = replace(section, meta_info=replace(section.meta_info, stream_ref=None))
        return previous

    def read_table_section(self, declared_startxref: int) -> Any:
        """As pyHanko, fast where the table is plain."""
        self._pending = declared_startxref
        self._pending = previous = self._read_table(declared_startxref)
        return previous

    def _read_table(self, declared_startxref: int) -> Any:
        start = self.stream.tell()
        self._budget.check_table(self._document, start)
        try:
            data, highest, end = read_table(self._document, start)
            trailer, behind = read_value(self._document, end, self._limits.max_nesting)
        except (Inconclusive, ValueError):
            return self._read_odd_table(start, declared_startxref)
        size, previous = _size_and_previous(trailer, highest)
        if size is None:
            return self._read_odd_table(start, declared_startxref)
        meta = XRefSectionMetaInfo(
            xref_section_type=XRefSectionType.STANDARD,
            size=size,
            declared_startxref=declared_startxref,
            start_location=start,
            end_location=end,
            stream_ref=None,
        )
        self.sections.append(XRefSection(meta, data))
        self.stream.seek(behind)
        owner = generic.TrailerReference(self.handler)
        self.trailer.add_trailer_revision(to_pyhanko(trailer, owner, self.handler))
        return previous

    def _read_odd_table(self, start: int, declared_startxref: int) -> Any:
        """A table that is not plain, or has a stream beside it."""
        self.stream.seek(start)
        check_table(self.stream, strict=self.strict)
        self.stream.seek(start)
        return super().read_table_section(declared_startxref)


def _size_and_previous(trailer: Value, highest: int) -> tuple[int | None, int | None]:
    """The size of a plain table's trailer, and where the section before it is; size None = pyHanko must look."""
    if not isinstance(trailer, dict) or "/XRefStm" in trailer:
        return None, None
    size, previous = trailer.get("/Size"), trailer.get("/Prev")
    if not isinstance(size, int) or highest >= size or not (previous is None or isinstance(previous, int)):
        return None, None
    return size, previous
