"""Patterns with possessive groups mean the same on every Python."""

import importlib
import pkgutil
import random
import re

import pytest

import validator
from validator.patterns import IS_RIGHT, MADE, POSSESSIVE_GROUP, compiled, greedy
from validator.pdf.layout import BODY, FINISH, SKIP

PARTS = (
    b"<<", b">>", b"<", b">", b"[", b"]", b"(", b")", b"\\", b"(a(b)c)", b"(a(b(c)d)e)", b"(\\()", b"/N", b"1 0 R",
    b"12", b"-1.5", b"true", b"endobj", b" endobj ", b"stream\n", b"%x\n", b"% stream\n", b"%%EOF\n", b"\n", b"\r\n",
    b"\x00", b" ", b"e", b"<4E>", b"<4 E>", b"5 0 obj", b"xref\n", b"trailer", b"startxref 12\n", b"0 2\n",
    b"0000000016 00000 n \n", b"0000000000 65535 f\r\n", b"Tj", b"TJ", b"'", b"BT", b"[(a) -3 (b)] TJ", b"%PDF-1.7\n",
)  # fmt: skip


@pytest.mark.parametrize(
    ("pattern", "text", "end"),
    [
        (compiled(rb"(?:a|bc)*+"), b"ab", 1),
        (compiled(rb"(?:a|bc)*+"), b"abca", 4),
        (BODY, b"(open <<", 0),
        (BODY, b"<< /A (closed) >>", 17),
        (BODY, b"<< /A (one) /B (open >>", 15),
        (BODY, b"<4E", 0),
        (SKIP, b"%%EOF\n", 0),
        (SKIP, b" %x\n %% stream\n", 5),
        (FINISH, b"startxref 1\n%%EOF\n%%EOF\n", 18),
    ],
)
def test_no_part_of_a_failed_attempt_is_kept(pattern: "re.Pattern[bytes]", text: bytes, end: int) -> None:
    match = pattern.match(text)
    assert match is not None
    assert match.end() == end


def test_an_open_string_is_no_body() -> None:
    assert BODY.fullmatch(b"(open <<") is None


def everywhere() -> dict[str, "re.Pattern[str] | re.Pattern[bytes]"]:
    """The patterns of all modules, by name."""
    names = [each.name for each in pkgutil.walk_packages(validator.__path__, "validator.")]
    modules = [importlib.import_module(name) for name in names if not name.endswith("__main__")]
    return {
        f"{module.__name__}.{name}": value
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, re.Pattern)
    }


def test_every_possessive_group_is_compiled_in_one_place() -> None:
    patterns = everywhere()
    assert len(patterns) > 30
    by_themselves = [name for name, each in patterns.items() if is_possessive(each) and each.pattern not in MADE]
    assert by_themselves == []
    assert any(map(is_possessive, patterns.values())) == IS_RIGHT


def is_possessive(pattern: "re.Pattern[str] | re.Pattern[bytes]") -> bool:
    """Whether it repeats a group possessively."""
    text = pattern.pattern if isinstance(pattern.pattern, bytes) else pattern.pattern.encode()
    return POSSESSIVE_GROUP.search(text) is not None


@pytest.mark.skipif(not IS_RIGHT, reason="this Python has the greedy patterns alone")
def test_greedy_groups_find_the_same() -> None:
    """Otherwise an older Python would decide otherwise."""
    dice, matched_texts = random.Random(7), 0
    texts = [b"".join(dice.choices(PARTS, k=dice.randrange(1, 10))) for _ in range(1500)]
    patterns = [each for each in everywhere().values() if is_possessive(each) and isinstance(each.pattern, bytes)]
    for pattern in patterns:
        other = re.compile(greedy(pattern.pattern), pattern.flags)
        assert other.pattern != pattern.pattern
        for text in texts:
            spans = [each.span() for each in pattern.finditer(text)]
            assert spans == [each.span() for each in other.finditer(text)], (pattern.pattern, text)
            assert bool(pattern.fullmatch(text)) == bool(other.fullmatch(text)), (pattern.pattern, text)
            matched_texts += bool(spans)
    assert matched_texts > 1000
