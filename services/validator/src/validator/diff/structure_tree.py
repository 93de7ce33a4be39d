"""The structure tree of a tagged document may grow by elements that hold nothing but new signature fields.

Tools that sign tagged documents enter the field into the tree (PDF/UA): a new element below an old one, an entry of the
parent tree for the field. Old elements keep all their entries and children, in their order. No new element may carry
text of its own (/ActualText, /Alt, /E), attributes, or page content that was there before: a screen reader, or a copy
of the text, would otherwise say something else than what was signed.
"""

from validator.diff.change import Change, Level, Pair, as_dictionary
from validator.diff.change_not_allowed import ChangeNotAllowed
from validator.diff.parent_tree import check_parent_tree
from validator.diff.plain_entries import Entries, same, same_except
from validator.pdf.history import Place
from validator.pdf.schema import GROWING_STRUCTURE_ROOT_KEYS, OBJECT_REFERENCE_KEYS, STRUCTURE_ELEMENT_KEYS
from validator.pdf.values import Ref, Value

LEVEL = Level.FORM_FILLING


def check_structure_tree(change: Change) -> None:
    """The catalog's ``/StructTreeRoot``, as far as the update changed anything of it."""
    before, now, place = change.entry(change.catalog, "/StructTreeRoot")
    if not isinstance(before, Ref) or before != now or not change.replaced - change.explained:
        return
    root = change.pair(before, now, place)
    growth = _Growth(change, before.number)
    if before.number in change.replaced:
        growth.check_root(root)
        change.explain(before, LEVEL, lambda each: each == place or each.path[-1:] in (("/P",), ("/Parent",)))
    for number in sorted(change.replaced - change.explained):
        if not change.is_rewritten(number) and growth.is_element(number):
            growth.check_element(number)
    check_parent_tree(change, root, growth.elements)


class _Growth:
    """What the tree has more than before; whatever is not allowed raises."""

    def __init__(self, change: Change, root: int) -> None:
        self.change, self.root = change, root
        self.elements: set[int] = set()
        """Numbers of new elements."""
        self._known: dict[int, bool] = {}

    def is_element(self, number: int) -> bool:
        """An element of the old tree, or a list of its children as an object of its own: below the root by /K alone."""
        if number not in self._known:
            self._known[number] = False  # a loop leads nowhere
            places = self.change.history.uses(number, self.change.old)
            self._known[number] = any(self._is_child(place) for place in places)
        return self._known[number]

    def _is_child(self, place: Place) -> bool:
        if not place.path or not all(step == "/K" or isinstance(step, int) for step in place.path):
            return False
        return place.holder == self.root or self.is_element(place.holder)

    def _is_expected(self, place: Place) -> bool:
        """The element above, the elements below, and the parent tree, which lists elements in its arrays."""
        if self._is_child(place) or place.path[-1:] == ("/P",):
            return True
        return all(isinstance(step, int) or step == "/Nums" for step in place.path) and self._is_in_parent_tree(place)

    def _is_in_parent_tree(self, place: Place) -> bool:
        """The array stands in a node of the parent tree."""
        if "/Nums" in place.path:
            return True
        uses = self.change.history.uses(place.holder, self.change.old)
        return bool(uses) and all(each.path[:1] == ("/Nums",) for each in uses)

    def check_root(self, root: Pair) -> None:
        """The root: children added, the parent tree, and the next free key of it."""
        before, now = as_dictionary(root.before, "structure tree"), as_dictionary(root.now, "structure tree")
        may_change = set(GROWING_STRUCTURE_ROOT_KEYS)
        if "/RoleMap" not in before and self.change.new_value(now.get("/RoleMap")) == {}:
            may_change.add("/RoleMap")  # an empty one maps nothing
        if not same_except(before, now, may_change):
            raise ChangeNotAllowed("the structure tree says something else")
        was, is_ = before.get("/ParentTreeNextKey", 0), now.get("/ParentTreeNextKey", 0)
        if not isinstance(was, int) or not isinstance(is_, int) or is_ < was:
            raise ChangeNotAllowed("keys of the parent tree would be given twice")
        self._check_children(before, now)

    def check_element(self, number: int) -> None:
        """An element, or an array of children that is an object of its own."""
        old, new = self.change.old_object(number), self.change.new_object(number)
        before, now = old.value, new.value
        if old.is_stream or new.is_stream:
            raise ChangeNotAllowed("a stream in the structure tree")
        if isinstance(before, list) and isinstance(now, list):
            self._check_added(before, now)
        elif isinstance(before, dict) and isinstance(now, dict) and "/S" in before and "/P" in before:
            if not same_except(before, now, {"/K"}):
                raise ChangeNotAllowed("an element of the structure tree says something else")
            self._check_children(before, now)
        else:
            raise ChangeNotAllowed("not an element of the structure tree")
        self.change.explain(self.change.history.reference(number, self.change.old), LEVEL, self._is_expected)

    def _check_children(self, before: Entries, now: Entries) -> None:
        self._check_added(
            _children(self.change.old_value(before.get("/K")), before.get("/K")),
            _children(self.change.new_value(now.get("/K")), now.get("/K")),
        )
        self._take_list(now.get("/K"))

    def _take_list(self, value: "Value | None") -> None:
        """A new list of children that is an object of its own."""
        if isinstance(value, Ref) and self.change.is_new(value) and isinstance(self.change.new_value(value), list):
            self.change.explain(value, LEVEL)

    def _check_added(self, before: "list[Value]", now: "list[Value]") -> None:
        if not same(before, now[: len(before)]):
            raise ChangeNotAllowed("children of an element taken away or moved")
        for child in now[len(before) :]:
            self._check_new(child, 0)

    def _check_new(self, child: Value, depth: int) -> None:
        """A new element with nothing in it but new signature fields, or the reference to one."""
        if isinstance(child, Ref):
            if not self.change.is_new(child):
                raise ChangeNotAllowed("an old object became a child")
            self.change.explain(child, LEVEL)
        entries = as_dictionary(self.change.new_value(child), "new child")
        if depth > self.change.limits.max_structure_depth:
            raise ChangeNotAllowed("new elements that are too deep")
        if entries.get("/Type") == "/OBJR":
            self._check_shown(entries)
            return
        children = _children(self.change.new_value(entries.get("/K")), entries.get("/K"))
        if not entries.keys() <= STRUCTURE_ELEMENT_KEYS or "/S" not in entries or not children:
            raise ChangeNotAllowed("new element that holds more than signature fields")
        if isinstance(child, Ref):
            self.elements.add(child.number)
        self._take_list(entries["/K"])
        for below in children:
            self._check_new(below, depth + 1)

    def _check_shown(self, entries: Entries) -> None:
        shown = entries.get("/Obj")
        if not entries.keys() <= OBJECT_REFERENCE_KEYS or not isinstance(shown, Ref):
            raise ChangeNotAllowed("reference to an object that is no signature field")
        if shown.number not in self.change.new_widgets:
            raise ChangeNotAllowed("new element for something else than a new signature field")


def _children(followed: "Value | None", raw: "Value | None") -> "list[Value]":
    """/K as a list: one child need not be in an array."""
    if followed is None or raw is None:
        return []
    return followed if isinstance(followed, list) else [raw]
