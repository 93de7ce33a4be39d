"""docs/glossary.md and the code use the same words, both ways.

A word in the column *Avoid* must not occur in names, docstrings and comments of the code, or on the pages. A word that
is right for something else has a note in brackets, and is not searched for: ``log (that is text)``.

In the packages of ``CLEANED``, variables and attributes also have no name that says only where a value came from
(``NAMELESS``), and nowhere but in ``STILL_VAGUE`` does a variable have the name of what was done (``VAGUE``): a name
says what it holds.
"""

import ast
import io
import re
import tokenize
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from .pages import FENCE, LINK, PAGES, ROOT, SPAN, name

PAGE = ROOT / "docs" / "glossary.md"
SOURCES = sorted(
    path for folder in ("libs", "services", "testing", "tools", "apidocs") for path in (ROOT / folder).rglob("*.py")
)  # fmt: skip
WRITTEN = sorted(
    path for folder in ("bench", "fuzz", "tests") for path in (ROOT / folder).rglob("*.py")
)  # fmt: skip
"""Further modules that keep to the words, but that nobody searches for them."""
RIGHT_HERE = {
    "libs/common/src/common/edxml/unzip.py": {"trouble"},  # still to be cleaned
    "libs/common/src/common/secrecy/marks.py": {"slip"},  # of the pen
    "services/validator/src/validator/pki/name_constraints.py": {"mailbox"},  # RFC 5280 section 4.2.1.10
    "services/validator/src/validator/workers/material.py": {"trouble"},  # still to be cleaned
    "tools/trunkctl/src/trunkctl/takeover/__init__.py": {"ladder"},
    "tools/trunkctl/src/trunkctl/takeover/former.py": {"ladder"},
    "tests/upgrade/test_origin.py": {"ladder"},
    "tests/upgrade/test_take_over.py": {"ladder"},
}
"""Modules in which a word to avoid is right: it means something else, it is what the former release had, or the module
is still to be cleaned."""
ABOUT_WORDS = {PAGE, ROOT / "CHANGELOG.md"}
"""Pages that name words without using them."""
PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
NAMELESS = {"told", "found", "trouble"}
"""Names that do not say what a variable holds: ``told`` may be settings, a report or a row."""
CLEANED = ("bench", "libs", "services", "tools", "testing", "tests/system", "tests/harness")
"""Folders in which no variable, argument or attribute has such a name."""
NOT_CLEANED = re.compile(r"services/validator/|common/(edxml|secrecy)/")
"""Packages below these folders that still have them."""
VAGUE = NAMELESS | {"asked", "came", "given", "kept", "made", "ran", "shown"}
"""Names that say what was done with a thing, and not what it is."""
PLAIN = ("apidocs", "bench", "libs", "services", "testing", "tests")
"""Folders in which no variable or argument has such a name, except in those of ``STILL_VAGUE``."""
STILL_VAGUE = {
    "libs/common/src/common/edxml": "under measurement: the fuzzers run on it",
    "libs/common/src/common/secrecy": "under measurement: the fuzzers run on it",
    "services/validator/src": "under measurement: the fuzzers run on it",
    "tests/containers": "still to be named",
    "tests/simulation": "still to be named",
    "tests/system": "still to be named",
    "tests/trunkctl": "still to be named",
}
"""Folders below ``PLAIN`` in which variables still have such names. Take out what has none any more; add nothing."""
FIELD_TOLD = {
    f"{folder}.py"
    for folder in (
        "libs/common/src/common/facts/deliveries",
        "services/notifier/src/notifier/compose",
        "services/router/src/router/actions",
        "services/router/src/router/execute/executor",
    )
}
"""Modules that use the field ``told`` of the fact ``status.recorded``: the unit to which a status was forwarded. Saved
facts and decisions have it, so that it keeps its name."""


def rows() -> list[list[str]]:
    """Word, Vietnamese, meaning and what to avoid."""
    lines = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines[1:]]


def avoided() -> list[str]:
    """Words that stand nowhere."""
    each = (word.strip() for row in rows() for word in re.split(r",\s*(?![^(]*\))", row[3]))
    return [word for word in each if word and not word.endswith(")")]


def parts(text: str) -> str:
    """A name as the words that it is made of: ``SubmitQueue`` and ``submit_queue`` are ``submit queue``."""
    return " ".join(part.lower() for part in PART.findall(text))


@dataclass(frozen=True)
class Module:
    """What a module says to whoever reads it."""

    names: tuple[str, ...]
    """Modules, classes, functions, arguments, variables and fields that it names itself."""
    remarks: str
    """Docstrings and comments, without quoted code."""
    vague: tuple[str, ...]
    """Variables and arguments whose name is one of ``VAGUE``, with their lines."""


@cache
def module(path: Path) -> Module:
    """Read once: there are more than a thousand."""
    source = path.read_text(encoding="utf-8")
    nodes = [*ast.walk(ast.parse(source))]
    return Module((path.stem, *names_in(nodes)), remarks_in(source, nodes), tuple(vague_in(nodes)))


def names_in(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Classes, functions, arguments, variables and fields."""
    for node in nodes:
        match node:
            case ast.ClassDef(name=name_) | ast.FunctionDef(name=name_) | ast.AsyncFunctionDef(name=name_):
                yield name_
            case ast.arg(arg=name_) | ast.Name(id=name_, ctx=ast.Store()):
                yield name_


def nameless_in(source: str) -> Iterator[str]:
    """Variables, arguments and attributes of a module whose name is one of ``NAMELESS``, with their lines."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case (
                ast.Name(id=name_, ctx=ast.Store())
                | ast.arg(arg=name_)
                | ast.Attribute(attr=name_)
                | ast.ExceptHandler(name=name_)
                | ast.MatchAs(name=name_)
            ) if (name_ or "").strip("_").lower() in NAMELESS:
                yield f"{name_}, line {getattr(node, 'lineno', 0)}"


def vague_in(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Variables, arguments and fields whose name is one of ``VAGUE``, with their lines."""
    for node in nodes:
        match node:
            case ast.Name(id=name_, ctx=ast.Store()) | ast.arg(arg=name_) if name_ in VAGUE:
                yield f"{name_}, line {node.lineno}"


def remarks_in(source: str, nodes: Iterable[ast.AST]) -> str:
    """Docstrings and comments of a module, without quoted code."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline) if "#" in source else ()
    comments = (token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT)
    strings = (node.value for node in nodes if isinstance(node, ast.Expr))
    texts = (node.value for node in strings if isinstance(node, ast.Constant) and isinstance(node.value, str))
    return re.sub(r"\s+", " ", re.sub(r"``[^`]*``", "", " · ".join([*comments, *texts]))).lower()


@cache
def remarks() -> dict[str, str]:
    """Docstrings and comments by module."""
    return {str(path.relative_to(ROOT)): module(path).remarks for path in (*SOURCES, *WRITTEN)}


@cache
def names_of_tests() -> dict[str, set[str]]:
    """Names as words, by module: of tests, fuzzers and benchmarks."""
    return {str(path.relative_to(ROOT)): set(map(parts, module(path).names)) for path in WRITTEN}


@cache
def names() -> dict[str, set[str]]:
    """Names of the code, as words, and the modules that name them."""
    known: defaultdict[str, set[str]] = defaultdict(set)
    for path in SOURCES:
        dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts).partition("src.")[2] or path.stem
        for identifier in module(path).names:
            known[parts(identifier)].add(dotted)
        for folder in dotted.split("."):
            known[parts(folder)].add(dotted)
    return dict(known)


def prose(page: Path) -> str:
    """What people read: without quoted code, and of links only their texts."""
    text = SPAN.sub("", FENCE.sub("", page.read_text(encoding="utf-8")))
    return re.sub(r"\s+", " ", LINK.sub(lambda link: link.group().partition("](")[0], text)).lower()


def pattern(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){re.escape(word.lower())}(?:s|es)?(?![\w-])")


@pytest.mark.parametrize("word", [row[0] for row in rows()])
def test_each_word_stands_in_the_code(word: str) -> None:
    """As a name made of its parts, or as it is, so that whoever searches the code for it finds something."""
    known = {each for identifier in names() for each in identifier.split()}
    wanted = parts(word.replace("'s", "")).split()
    named = all({each, f"{each}s", each.removesuffix("ed")} & known for each in wanted)
    assert named or any(word.lower() in path.read_text(encoding="utf-8").lower() for path in SOURCES)


@pytest.mark.parametrize("word", avoided())
def test_a_word_to_avoid_is_in_no_name(word: str) -> None:
    assert {identifier: modules for identifier, modules in names().items() if pattern(word).search(identifier)} == {}


@pytest.mark.parametrize("word", avoided())
def test_a_word_to_avoid_is_in_no_name_of_a_test(word: str) -> None:
    modules = {path for path, named in names_of_tests().items() if any(map(pattern(word).search, named))}
    assert {path for path in modules if word not in RIGHT_HERE.get(path, ())} == set()


@pytest.mark.parametrize("word", avoided())
def test_a_word_to_avoid_is_in_no_docstring_or_comment(word: str) -> None:
    modules = {path for path, text in remarks().items() if pattern(word).search(text)}
    assert {path for path in modules if word not in RIGHT_HERE.get(path, ())} == set()


@pytest.mark.parametrize(("path", "word"), [(path, word) for path, words in RIGHT_HERE.items() for word in words])
def test_a_word_that_is_right_in_a_module_is_there(path: str, word: str) -> None:
    assert word in avoided()
    assert pattern(word).search(remarks()[path]) or any(map(pattern(word).search, names_of_tests().get(path, ())))


@pytest.mark.parametrize("word", avoided())
def test_a_word_to_avoid_is_on_no_page(word: str) -> None:
    assert [name(page) for page in PAGES if page not in ABOUT_WORDS and pattern(word).search(prose(page))] == []


@pytest.mark.parametrize("folder", CLEANED)
def test_a_name_says_what_it_holds(folder: str) -> None:
    paths = {str(path.relative_to(ROOT)): path for path in sorted((ROOT / folder).rglob("*.py"))}
    modules = {module: path for module, path in paths.items() if not NOT_CLEANED.search(module)}
    assert modules
    nameless = {module: [*nameless_in(path.read_text(encoding="utf-8"))] for module, path in modules.items()}
    with_field = {module for module in FIELD_TOLD if module.startswith(f"{folder}/")}
    assert {module for module, lines in nameless.items() if lines} == with_field


def vague_by_module() -> dict[str, tuple[str, ...]]:
    """Vague names in the folders of ``PLAIN``, by module, without the field of ``FIELD_TOLD``."""
    paths = {str(path.relative_to(ROOT)): path for path in (*SOURCES, *WRITTEN)}
    vague = {file: module(path).vague for file, path in paths.items() if file.partition("/")[0] in PLAIN}
    for file in FIELD_TOLD & vague.keys():
        vague[file] = tuple(each for each in vague[file] if not each.startswith("told,"))
    return {file: lines for file, lines in vague.items() if lines}


def test_a_variable_is_named_after_what_it_is() -> None:
    vague = vague_by_module()
    in_folder = {folder: [path for path in vague if path.startswith(f"{folder}/")] for folder in STILL_VAGUE}
    assert [folder for folder, paths in in_folder.items() if not paths] == []
    excepted = {path for paths in in_folder.values() for path in paths}
    assert {path: lines for path, lines in vague.items() if path not in excepted} == {}


@pytest.mark.parametrize("source", ["kept = 1", "def a(asked): ...", "[ran for ran in b]", "class A:\n    made: str"])
def test_a_vague_name_would_be_noticed(source: str) -> None:
    assert [*vague_in(ast.walk(ast.parse(source)))]


@pytest.mark.parametrize(
    "source", ["from hypothesis import given", "@given()\ndef a(): ...", "a.kept", "f(told=1)", "kept_rows = 1"]
)
def test_what_others_have_named_is_allowed(source: str) -> None:
    assert not [*vague_in(ast.walk(ast.parse(source)))]


@pytest.mark.parametrize(
    "source",
    [
        "found = 1",
        "def a(told): ...",
        "class A:\n    told: str",
        "self.trouble = ''",
        "print(a.told)",
        "for _found in b: ...",
        "try: ...\nexcept OSError as trouble: ...",
        "[found for found in b]",
    ],
)
def test_a_name_that_says_nothing_would_be_noticed(source: str) -> None:
    assert [*nameless_in(source)]


@pytest.mark.parametrize("source", ["from a.trouble import Trouble", "found_rows = 1", "def told(): ...", "f(told=1)"])
def test_other_uses_of_these_words_are_allowed(source: str) -> None:
    assert not [*nameless_in(source)]


def test_a_wrong_word_would_be_found() -> None:
    assert pattern("mailbox").search(parts("UnitMailboxes"))
    assert not pattern("seal").search(parts("sealed"))
    assert pattern("parking lot").search("see the parking lot.")
    assert len(avoided()) > 15
    assert len(names()) > 3000
    assert len(names_of_tests()) > 200
    assert sum(map(len, remarks().values())) > 500_000


def test_a_docstring_and_a_comment_are_searched(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text('"""A docstring, ``quoted``."""\nA = "a value"  # a comment\n', encoding="utf-8")
    assert module(file).remarks == "a comment · a docstring, ."
