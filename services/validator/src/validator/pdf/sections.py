"""The cross-reference sections of a file, one a revision, with what real tools write put right; and their trailers."""

from copy import copy
from dataclasses import replace

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.xref import XRefSection


def own_trailer(reader: PdfFileReader, revision: int) -> generic.DictionaryObject:
    """The trailer of that revision, without what it takes over from earlier ones."""
    found: generic.DictionaryObject = reader.trailer._trailer_revisions[reader.total_revisions - 1 - revision]
    return found


def with_sizes_kept(sections: list[XRefSection]) -> list[XRefSection]:
    """The sections, oldest first; one that lists nothing has the size of the one before, whatever it says.

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
    """The sections, oldest first, as if numbers whose first object has a higher generation had been freed before.

    Poppler gives new objects generation 1 where it had begun others under their numbers and thrown them away.
    """
    known, first = set[int](), dict[int, int]()
    for section in sections:
        data = section.xref_data
        parts = (data, data.hybrid.xref_data) if data.hybrid else (data,)
        for part in parts:
            begun = {number: generation for number, (generation, _) in part.standard_xrefs.items() if generation}
            first.update({number: begun[number] for number in begun.keys() - known - first.keys()})
        for part in parts:
            known.update(part.standard_xrefs, part.xrefs_in_objstm, part.freed)
    oldest = copy(sections[0].xref_data)
    oldest.freed = first | oldest.freed
    return [replace(sections[0], xref_data=oldest), *sections[1:]]


def without_idle_entries(sections: list[XRefSection]) -> list[XRefSection]:
    """The sections, oldest first, without free entries for numbers that were never in use: those say nothing.

    Tools list the number of their own cross-reference stream like that, and the next tool gives it out.
    """
    used: set[int] = set()
    made = []
    for section in sections:
        data = section.xref_data
        for part in (data, data.hybrid.xref_data) if data.hybrid else (data,):
            used.update(part.standard_xrefs, part.xrefs_in_objstm)
        idle = {number for number in data.freed if number not in used and number != 0}
        kept = copy(data)
        kept.freed = {number: next_ for number, next_ in data.freed.items() if number not in idle}
        kept.explicit_refs_in_revision = {each for each in data.explicit_refs_in_revision if each[0] not in idle}
        made.append(replace(section, xref_data=kept))
    return made
