"""One name, one module."""

from collections import Counter

from .modules import trees


def test_no_module_name_stands_for_two_things() -> None:
    names = Counter(name.rpartition(".")[2] for name in trees() if name)
    assert not {name for name, times in names.items() if times > 1}


def test_no_module_is_a_drawer() -> None:
    assert not {"utils", "helpers", "misc", "common"} & {name.rpartition(".")[2] for name in trees()}
