"""Corrections to the cross-reference sections of a file, one section per revision, for what real tools write."""

from copy import copy
from dataclasses import replace

from pyhanko.pdf_utils.xref import XRefSection, XRefSectionData


def tables_of(data: XRefSectionData) -> tuple[XRefSectionData, ...]:
    """The tables of one revision: its own, and in a hybrid file that of the stream beside it (ISO 32000-1 §7.5.8.4)."""
    return (data, data.hybrid.xref_data) if data.hybrid else (data,)


def with_sizes_kept(sections: list[XRefSection]) -> list[XRefSection]:
    """The sections, oldest first, where one that lists nothing has the size of the one before it.

    PDFBox saves an update without changes with a size of 1.
    """
    made: list[XRefSection] = []
    for section in sections:
        data, size = section.xref_data, made[-1].meta_info.size if made else 0
        lists_nothing = not (data.standard_xrefs or data.xrefs_in_objstm or data.freed or data.hybrid)
        grown = lists_nothing and section.meta_info.size < size
        made.append(replace(section, meta_info=replace(section.meta_info, size=size)) if grown else section)
    return made


def with_first_generations(sections: list[XRefSection]) -> list[XRefSection]:
    """The sections, oldest first, with numbers whose first object has a higher generation listed as freed before.

    Poppler gives a new object generation 1 where it had begun another one under that number and thrown it away.
    """
    known, first = set[int](), dict[int, int]()
    for section in sections:
        parts = tables_of(section.xref_data)
        for part in parts:
            begun = {number: generation for number, (generation, _) in part.standard_xrefs.items() if generation}
            first.update({number: begun[number] for number in begun.keys() - known - first.keys()})
        for part in parts:
            known.update(part.standard_xrefs, part.xrefs_in_objstm, part.freed)
    oldest = copy(sections[0].xref_data)
    oldest.freed = first | oldest.freed
    return [replace(sections[0], xref_data=oldest), *sections[1:]]


def without_idle_entries(sections: list[XRefSection]) -> list[XRefSection]:
    """The sections, oldest first, without free entries for numbers that were never in use: those mean nothing.

    Tools list the number of their own cross-reference stream as free, and the next tool assigns it.
    """
    used: set[int] = set()
    made = []
    for section in sections:
        data = section.xref_data
        for part in tables_of(data):
            used.update(part.standard_xrefs, part.xrefs_in_objstm)
        idle = {number for number in data.freed if number not in used and number != 0}
        kept = copy(data)
        kept.freed = {number: next_ for number, next_ in data.freed.items() if number not in idle}
        kept.explicit_refs_in_revision = {each for each in data.explicit_refs_in_revision if each[0] not in idle}
        made.append(replace(section, xref_data=kept))
    return made
