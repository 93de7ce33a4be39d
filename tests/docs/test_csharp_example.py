"""The C# example cannot be built here: at least it is C#, and says the same words as the other two."""

import re
from pathlib import Path

import pytest
import tree_sitter_c_sharp
from tree_sitter import Language, Node, Parser

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
CSHARP = EXAMPLES / "csharp" / "UnitClient.cs"
OTHERS = [EXAMPLES / "unit_client.py", EXAMPLES / "java" / "src" / "main" / "java" / "UnitClient.java"]
WORDS = re.compile(
    r"application/[a-z.+]+|trunk\.submit|x-[a-z0-9-]+\b|--[a-z-]+|TRUNK_[A-Z]+|http://www\S+?QCVN_102_2016"
)


def parsed(source: bytes) -> list[Node]:
    """Every node that the grammar of C# could not make sense of."""
    tree, errors = Parser(Language(tree_sitter_c_sharp.language())).parse(source), []
    todo = [tree.root_node]
    while todo:
        node = todo.pop()
        errors += [node] if node.is_error or node.is_missing else []
        todo += node.children
    return errors


def test_it_is_csharp() -> None:
    assert [str(node.start_point) for node in parsed(CSHARP.read_bytes())] == []


def test_what_is_not_csharp_would_be_found() -> None:
    assert parsed(CSHARP.read_bytes().replace(b"await work(channel);", b"await work(channel;"))


@pytest.mark.parametrize("other", OTHERS, ids=lambda path: path.suffix)
def test_all_examples_speak_the_same_words(other: Path) -> None:
    words = [set(WORDS.findall(path.read_text(encoding="utf-8"))) - {"x-"} for path in (CSHARP, other)]
    assert words[0] == words[1]
