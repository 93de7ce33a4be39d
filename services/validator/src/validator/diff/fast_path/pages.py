"""(q7) Pages: only /Annots differs, by the new signature fields added at its end."""

from validator.diff.fast_path.change import RevisionChange
from validator.diff.fast_path.plain_entries import Entries, same_but
from validator.pdf.history import PlainObject
from validator.pdf.inconclusive import Inconclusive
from validator.pdf.values import Ref, Value


def check_pages(change: RevisionChange, catalog: Entries) -> None:
    """All that is left over must be pages of the tree."""
    tree = catalog.get("/Pages")
    if not isinstance(tree, Ref):
        raise Inconclusive
    shown: list[Value] = []
    for number in sorted(change.replaced - change.used):
        if _is_page(change, number):
            shown += _check_page(change, Ref(number, 0), tree)
    if len(shown) != len({reference for reference in shown if isinstance(reference, Ref)}):
        raise Inconclusive
    if change.replaced - change.used:
        raise Inconclusive


def _is_page(change: RevisionChange, number: int) -> bool:
    node: PlainObject = change.history.get(number, change.old)
    return isinstance(node.value, dict) and node.value.get("/Type") == "/Page" and not node.is_stream


def _check_page(change: RevisionChange, page: Ref, tree: Ref) -> "list[Value]":
    before, now = change.history.dictionary(page, change.old), change.history.dictionary(page, change.new)
    if not same_but(before, now, {"/Annots"}):
        raise Inconclusive
    _check_in_tree(change, page, before, tree)
    change.used.add(page.number)
    return _check_annotations(change, page, before.get("/Annots"), now.get("/Annots"))


def _check_annotations(change: RevisionChange, page: Ref, before: "Value | None", now: "Value | None") -> "list[Value]":
    if isinstance(now, Ref):
        if isinstance(before, Ref) and before != now:
            raise Inconclusive
        change.takes_over(before, now, page.number)
    elif isinstance(before, Ref):
        raise Inconclusive
    old = [] if before is None else change.history.array(before, change.old)
    new = change.history.array(now, change.new)
    added = new[len(old) :]
    if new[: len(old)] != old or not all(isinstance(each, Ref) and each.number in change.widgets for each in added):
        raise Inconclusive
    if not all(isinstance(each, Ref) for each in old):
        raise Inconclusive
    return added


def _check_in_tree(change: RevisionChange, page: Ref, entries: Entries, tree: Ref) -> None:
    """From the page up to the root of the tree, each node lists the one below; none of them changed."""
    child = page
    for _ in range(change.limits.max_depth):
        parent = entries.get("/Parent")
        if not isinstance(parent, Ref) or parent.number in change.replaced:
            raise Inconclusive
        entries = change.history.dictionary(parent, change.old)
        if change.history.array(entries.get("/Kids"), change.old).count(child) != 1 or entries.get("/Type") != "/Pages":
            raise Inconclusive
        if parent == tree:
            return
        child = parent
    raise Inconclusive
