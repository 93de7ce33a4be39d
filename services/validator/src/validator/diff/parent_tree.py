"""The parent tree of a structure tree: every old entry as it was, new ones for new elements."""

from collections.abc import Iterator

from validator.diff.change import Change, Level, Pair, as_array, as_dictionary
from validator.diff.change_not_allowed import ChangeNotAllowed
from validator.diff.plain_entries import same
from validator.pdf.history import Place
from validator.pdf.schema import NUMBER_TREE_KEYS
from validator.pdf.values import Ref, Value

LEVEL = Level.FORM_FILLING


def check_parent_tree(change: Change, root: Pair, elements: set[int]) -> None:
    """Its nodes may be written again in another form. ``elements``: numbers of the new elements."""
    was, is_, place = change.entry(root, "/ParentTree")
    nodes, nodes_before = set[Ref](), set[Ref]()
    now = dict(_entries(change, is_, change.new, nodes))
    if is_ == was and not any(each.number in change.written for each in nodes) and not _values_written(change, now):
        return
    before = dict(_entries(change, was, change.old, nodes_before))
    for node in nodes | nodes_before:
        if not change.is_new(node) and node not in nodes_before:
            raise ChangeNotAllowed("parent tree with other objects of the document in it")
        change.explain(node, LEVEL, lambda each: each == place or _is_in_node(each, nodes_before))
    for key, value in before.items():
        if key not in now or not _is_same_entry(change, value, now[key]):
            raise ChangeNotAllowed("entry of the parent tree changed")
    for key in now.keys() - before.keys():
        value = now[key]
        if not isinstance(value, Ref) or value.number not in elements:
            raise ChangeNotAllowed("entry of the parent tree for something else than a new element")


def _values_written(change: Change, entries: "dict[int, Value]") -> bool:
    return any(isinstance(value, Ref) and value.number in change.written for value in entries.values())


def _is_in_node(place: Place, nodes: set[Ref]) -> bool:
    """A list of children or of entries, or one of the children."""
    match place.path:
        case ("/Nums" | "/Kids",) | ("/Kids", int()) | (int(),):
            return place.holder in {node.number for node in nodes}
        case _:
            return False


def _is_same_entry(change: Change, before: Value, now: Value) -> bool:
    """The same value; or an array of the same references, written again as an object of its own."""
    if same(before, now):
        if not isinstance(before, Ref) or before.number not in change.replaced:
            return True
        return same(change.old_value(before), change.new_value(now))
    if not isinstance(now, Ref) or not change.is_new(now):
        return False
    elements, written = change.old_value(before), change.new_value(now)
    if not isinstance(elements, list) or not isinstance(written, list):
        return False
    change.explain(now, LEVEL)
    return elements == written


def _entries(change: Change, tree: "Value | None", revision: int, nodes: set[Ref]) -> Iterator[tuple[int, Value]]:
    """The number tree flattened; ``nodes`` collects the objects that it is made of."""
    waiting: list[tuple[Value | None, int]] = [(tree, 0)]
    while waiting:
        raw, depth = waiting.pop()
        if raw is None:
            continue
        if depth > change.limits.max_structure_depth:
            raise ChangeNotAllowed("parent tree too deep")
        node = as_dictionary(_followed(change, raw, revision, nodes), "parent tree")
        numbers, kids = (
            as_array(_followed(change, node.get(key), revision, nodes), "parent tree") for key in NUMBER_TREE_KEYS
        )
        if len(numbers) % 2 or not all(isinstance(key, int) for key in numbers[::2]):
            raise ChangeNotAllowed("parent tree not readable")
        yield from (
            (key, value) for key, value in zip(numbers[::2], numbers[1::2], strict=True) if isinstance(key, int)
        )
        if not all(isinstance(kid, Ref) for kid in kids):
            raise ChangeNotAllowed("parent tree not readable")
        waiting += [(kid, depth + 1) for kid in kids]


def _followed(change: Change, value: "Value | None", revision: int, nodes: set[Ref]) -> "Value | None":
    if not isinstance(value, Ref):
        return value
    if value in nodes:
        raise ChangeNotAllowed("parent tree with a loop")
    nodes.add(value)
    found = change.history.get(value, revision)
    return None if found.is_stream else found.value
