"""One name, one module."""

import ast
import re
from collections import Counter
from collections.abc import Iterator

from .modules import trees


def test_no_module_name_stands_for_two_things() -> None:
    names = Counter(name.rpartition(".")[2] for name in trees() if name)
    assert not {name for name, times in names.items() if times > 1}


def test_no_module_is_a_drawer() -> None:
    assert not {"utils", "helpers", "misc", "common"} & {name.rpartition(".")[2] for name in trees()}


SCHEMA = "pdf.schema"
OTHER_LISTS = {"policy"}
"""Which signatures count is the policy's."""


def test_lists_of_pdf_names_stand_in_the_schema() -> None:
    """Two names beside each other are a list that somebody will want to compare with the standard."""
    assert not {
        f"{module}: {names}"
        for module, tree in trees().items()
        if module not in {SCHEMA, *OTHER_LISTS}
        for names in _lists_of_names(tree)
        if len(names) > 1
    }
    assert any(_lists_of_names(trees()[SCHEMA]))


def _lists_of_names(tree: ast.Module) -> Iterator[tuple[str, ...]]:
    several = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Assign) and _is_unpacked(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Set | ast.Tuple | ast.List) and id(node) not in several:
            constants = (each.value for each in node.elts if isinstance(each, ast.Constant))
            yield tuple(each for each in constants if isinstance(each, str) and re.fullmatch(r"/[A-Z]\w*", each))


def _is_unpacked(node: ast.Assign) -> bool:
    """``A, B = "/A", "/B"`` names each of them."""
    return isinstance(node.targets[0], ast.Tuple)
