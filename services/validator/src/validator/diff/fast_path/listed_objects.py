"""(q1) The objects of a revision: what its table lists is what the file holds, nothing freed, nothing hidden."""

from typing import Any

from validator.diff.fast_path.change import RevisionChange
from validator.pdf.inconclusive import Inconclusive


def changed_numbers(change: RevisionChange) -> set[int]:
    """Numbers of all objects that the revision defines."""
    data = change.xrefs.get_xref_data(change.new)
    if data.freed or data.hybrid or not data.standard_xrefs:
        raise Inconclusive
    layout = change.history.layout
    first = layout.sections[change.new].first
    last = layout.sections[change.new + 1].first if change.new + 1 < len(layout.sections) else len(layout.offsets)
    written = layout.offsets[first:last]
    listed = {offset for _, offset in data.standard_xrefs.values()}
    if len(written) > change.limits.max_objects or listed != set(written) or len(data.standard_xrefs) != len(written):
        raise Inconclusive
    changed = set(data.standard_xrefs)
    for number in data.obj_streams_used:
        changed |= _packed(change, number, data)
    if len(changed) != len(data.standard_xrefs) + len(data.xrefs_in_objstm):
        raise Inconclusive
    info = change.xrefs.get_xref_container_info(change.new)
    if info.stream_ref is not None:
        change.used.add(info.stream_ref.idnum)
        _must_be_added(change, info.stream_ref.idnum)
    return changed


def _packed(change: RevisionChange, container: int, data: Any) -> set[int]:
    """The objects of an object stream of this revision: it holds just those that the table says."""
    _must_be_added(change, container)
    _, objects = change.history.reader.unpacked(container)
    listed = {
        number: place.ix_in_stream for number, place in data.xrefs_in_objstm.items() if place.obj_stream_id == container
    }
    if listed != {number: index for number, (index, _) in objects.items()}:
        raise Inconclusive
    change.used.add(container)
    return set(listed)


def _must_be_added(change: RevisionChange, number: int) -> None:
    """A container of this revision: a new object that lies in it."""
    if number < change.size or number not in change.xrefs.get_xref_data(change.new).standard_xrefs:
        raise Inconclusive
