"""Is this text stamped secret? The three levels of the law (tuyệt mật, tối mật, mật), told from their false friends.

A stamp is not a word: "mật" stands in honey (mật ong), density (mật độ), confidentiality (bảo mật) and in the law's own
name (bảo vệ bí mật nhà nước). So a mark counts by where and how it stands:

1. alone on its line, or alone in its field, in capitals for a line of running text;
2. behind a label ("Độ mật:");
3. in brackets at either end of a field, or set off by a dash or colon;
4. in capitals inside text that is not in capitals itself; the two-word levels also inside capitals;

unless the words around it say that it is talked about: lists of the levels, "danh mục bí mật nhà nước", "độ mật".
Spaced-out letters, capitals without diacritics and the two old Vietnamese encodings (TCVN3, VNI) are read as what
people see, and so are disguised letters (:mod:`common.secrecy.sight`).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from common.secrecy.sight import seen


class Level(StrEnum):
    """Levels of state secrets (Law 117/2025/QH15)."""

    TOP_SECRET = "TUYET_MAT"  # noqa: S105 - a level
    SECRET = "TOI_MAT"  # noqa: S105 - a level
    CONFIDENTIAL = "MAT"


@dataclass(frozen=True, slots=True)
class Mark:
    """A mark and its place; never the text around it."""

    level: Level
    place: str = ""

    def at(self, place: str) -> "Mark":
        """The same mark, farther out."""
        return Mark(self.level, f"{place}, {self.place}" if self.place else place)

    def __str__(self) -> str:
        return f"{self.level} in {self.place}" if self.place else str(self.level)


MAX_CHARS = 2_000_000
"""Text beyond this is not looked at; a stamp stands at the beginning."""

Look = Callable[[str], Mark | None]
"""Looks at one line."""

_WORDS = {Level.TOP_SECRET: "TUYỆT MẬT", Level.SECRET: "TỐI MẬT", Level.CONFIDENTIAL: "MẬT"}
_OLD = {
    Level.TOP_SECRET: ("TUYÖT MËT", "TUYEÄT MAÄT", "TUYỆT MÂT", "TUYẾT MẬT"),
    Level.SECRET: ("TÈI MËT", "TOÁI MAÄT"),
    Level.CONFIDENTIAL: ("MËT", "MAÄT"),
}
"""TCVN3 and VNI text read as Latin-1, and the commonest slips of the pen."""
_BARE = {Level.TOP_SECRET: "TUYET MAT", Level.SECRET: "TOI MAT", Level.CONFIDENTIAL: "MAT"}
"""Capitals without diacritics, as rubber stamps and file names have them."""

_LABEL = re.compile(
    r"(?:ĐỘ|MỨC|MỨC ĐỘ|CẤP ĐỘ|CẤP|DẤU|ĐÓNG DẤU|DO|MUC DO) (?:MẬT|MAT|BẢO MẬT) ?[:：=] ?(?P<value>.{1,24})"
)
_LAW_BEFORE = re.compile(
    r"(?:BÍ MẬT NHÀ NƯỚC|BI MAT NHA NUOC|DANH MỤC|DANH MUC)[^.;\n]{0,60}$"
    r"|(?:^|[\W_])(?:ĐỘ|MỨC|CẤP|LOẠI|DO|MUC|CAP|LOAI|VÀ|HOẶC|HAY|VA|HOAC)\W{1,3}$"
    r"|MẬT ?[,;/]\W{0,2}$|MAT ?[,;/]\W{0,2}$"
    r"|(?:VĂN BẢN|TÀI LIỆU|HỒ SƠ|DẤU|CHỮ|MẠNG|THÔNG TIN)\W{1,2}$"
)
"""What stands before a level that is talked about."""
_LAW_AFTER = re.compile(r"^(?: ?[,;/] ?(?:TUYỆT|TỐI|MẬT|TUYET|TOI|MAT)\b| (?:VÀ|HOẶC|HAY|VA|HOAC|TRỞ|LÀ)\b)")

_FRIENDS_BEFORE = frozenset(
    re.findall(
        r"\w+",
        "BÍ BẢO CƠ KÍN CẨN TÚI ỐNG SỎI DỊCH MÍA RỈ NƯỚC TRÁI THÂN HÒA ĐẬM NGỌT ONG ĐƯỜNG GAN CHỨA TINH "
        "NGHIÊM TUYỆT TỐI ĐỘ GIẢI CHUYỆN THÁM HỘI NGHỊ ",
    )
)
_FRIENDS_AFTER = frozenset(
    re.findall(
        r"\w+",
        "KHẨU MÃ ĐỘ ONG THIẾT VỤ THƯ THÁM MÍA NGỮ HIỆU LỆNH NGHỊ ĐÀM TÔNG GIÁO HOA BÁO DANH ƯỚC NGỌT "
        "ĐƯỜNG GẤU CẬT RỈ VÀNG THÂN CHÚ PHÁI SỰ TIN LỆ RẮN KẾ CHỈ PHONG CẢNH BÁO KHU KHÓA ",
    )
)
_SPACED = re.compile(r"(?<!\w)\w(?:[ .\-_·•\u00a0]{1,3}\w){2,}(?!\w)")
_DECORATION = " \t.:;,*-–—_=~#|/\\\"'«»“”‘’()[]{}<>•·!°"
_EDGES = re.compile(r"^[\W\d_]++|(?<![\W\d_])[\W\d_]++$")
"""Everything before and behind that is no letter."""
_BRACKETED = re.compile(r"[\(\[\{<«‹]\s*([^()\[\]{}<>«»‹›]{2,20}?)\s*[\)\]\}>»›]")


def mark_in_field(text: str | None) -> Mark | None:
    """A mark in one header field or one entry of a file's metadata, such as a subject."""
    return _searched(text, _mark_in_field_line)


def mark_in_file_name(name: str | None) -> Mark | None:
    """A mark in a file's name; separators count as blanks and the extension does not count."""
    if not name:
        return None
    shown = seen(name)
    stem = re.sub(r"\.\w{1,5}$", "", shown)
    words = re.sub(r"[_\-.+,~]+", " ", stem)
    return _two_words_of_a_name(words) or _mark_in_field_line(_joined(" ".join(words.split()))) or _bare_token(stem)


def mark_in_text(text: str | None) -> Mark | None:
    """A stamp in running text, by lines; the first that is found."""
    return _searched(text, _mark_in_line)


# one line


def _searched(text: str | None, look: Look) -> Mark | None:
    if not text:
        return None
    shown = seen(text[:MAX_CHARS])
    if not _worth_a_look(shown):
        return None
    lines = [" ".join(line.split()) for line in re.split(r"[\r\n\v\f\x85]+", shown)]
    for line in [*_stacked(lines), *lines]:
        small = line.lower()
        if "m" in small and "t" in small and (found := look(_joined(line)) or look(line)):
            return found
    return None


def _mark_in_field_line(line: str) -> Mark | None:
    return (
        _alone(line, any_case=True)
        or _labelled(line)
        or _bracketed(line)
        or _set_off(line)
        or _two_words(line, any_case=True)
        or _capital(line)
    )


def _mark_in_line(line: str) -> Mark | None:
    return _alone(line, any_case=False) or _labelled(line) or _two_words(line, any_case=False)


def _alone(line: str, *, any_case: bool) -> Mark | None:
    """(1) Nothing else but decoration and digits, or "Độ mật" before it."""
    bare = _EDGES.sub("", line)
    upper = bare.upper()
    for level in Level:
        names = (_WORDS[level], *_OLD[level])
        # Two words in any case: nobody writes them alone on a line but to mark. "Mật" alone may be a table's heading.
        if upper in names and (any_case or bare == upper or (" " in upper and bare[:1].isupper())):
            return Mark(level)
        if bare == _BARE[level]:
            return Mark(level)
    return None


def _labelled(line: str) -> Mark | None:
    """(2) "Độ mật: …" with a level behind it."""
    if found := _LABEL.search(line.upper()):
        value = found["value"].strip(_DECORATION)
        for level in Level:
            for name in (_WORDS[level], *_OLD[level], _BARE[level]):
                if re.match(rf"{name}(?!\w)", value) and not _LAW_AFTER.match(value[len(name) :]):
                    return Mark(level)
    return None


def _bracketed(line: str) -> Mark | None:
    """(3) In brackets, at either end of a field."""
    for found in _BRACKETED.finditer(line):
        at_an_end = not line[: found.start()].strip(_DECORATION) or not line[found.end() :].strip(_DECORATION)
        if at_an_end and (mark := _alone(found[1], any_case=True)):
            return mark
    return None


def _set_off(line: str) -> Mark | None:
    """(3) Set off from the rest by a dash, a colon or a bar."""
    parts = re.split(r"\s*(?:[:|–—]|\s-\s|--+|/{2,})\s*", line)
    if len(parts) < 2:
        return None
    return next((mark for part in (parts[0], parts[-1]) if (mark := _alone(part, any_case=False))), None)


def _two_words(line: str, *, any_case: bool) -> Mark | None:
    """(4) Tuyệt mật and tối mật are words of their own; in running text only in capitals."""
    upper = line.upper()
    for level in (Level.TOP_SECRET, Level.SECRET):
        names = [_WORDS[level], *_OLD[level]]
        if level is Level.TOP_SECRET:
            names.append(_BARE[level])
        for name in names:
            for found in re.finditer(rf"(?<!\w){name}(?!\w)", upper):
                there = line[found.start() : found.end()]
                bare_small = name in _BARE.values() and there != name
                if bare_small or (not any_case and there != name):
                    continue
                if not _talked_about(upper, found.start(), found.end()):
                    return Mark(level)
    return None


def _capital(line: str) -> Mark | None:
    """(4) MẬT in capitals, in a field that is not in capitals itself."""
    for found in re.finditer(r"(?<!\w)(?:MẬT|MËT|MAÄT)(?!\w)", line):
        before, after = line[: found.start()], line[found.end() :]
        rest = [char for char in before + after if char.isalpha()]
        if sum(char.isupper() for char in rest) * 2 > len(rest):
            continue
        words_before, words_after = re.findall(r"\w+", before.upper()), re.findall(r"\w+", after.upper())
        if words_before and words_before[-1] in _FRIENDS_BEFORE | {"BẢN", "DẤU"}:
            continue
        if words_after and words_after[0] in _FRIENDS_AFTER:
            continue
        if not _talked_about(line.upper(), found.start(), found.end()):
            return Mark(Level.CONFIDENTIAL)
    return None


def _talked_about(upper: str, start: int, end: int) -> bool:
    return bool(_LAW_BEFORE.search(upper[max(0, start - 90) : start]) or _LAW_AFTER.match(upper[end : end + 20]))


# file names


def _two_words_of_a_name(words: str) -> Mark | None:
    """In a name the two words count without diacritics and in any case, too."""
    line = " ".join(words.upper().split())
    for level in (Level.TOP_SECRET, Level.SECRET):
        for found in re.finditer(rf"(?<!\w){_BARE[level]}(?!\w)", line):
            if not _talked_about(line, found.start(), found.end()):
                return Mark(level)
    return None


def _bare_token(stem: str) -> Mark | None:
    """MAT or MẬT as a part of its own among numbers and short capitals: 15-BC-UBND_MẬT."""
    tokens = [token for token in re.split(r"[\s_\-.()\[\]+,~]+", stem) if token]
    for at, token in enumerate(tokens):
        neighbours = tokens[max(0, at - 1) : at] + tokens[at + 1 : at + 2]
        if token in ("MẬT", "Mật") and (at in (0, len(tokens) - 1)) and not _friends(tokens, at):
            return Mark(Level.CONFIDENTIAL)
        if token == "MAT" and (at in (0, len(tokens) - 1)) and not any(_is_word(each) for each in neighbours):  # noqa: S105
            return Mark(Level.CONFIDENTIAL)
    return None


def _friends(tokens: list[str], at: int) -> bool:
    before = tokens[at - 1].upper() if at else ""
    after = tokens[at + 1].upper() if at + 1 < len(tokens) else ""
    return before in _FRIENDS_BEFORE | {"BẢN", "DẤU"} or after in _FRIENDS_AFTER


def _is_word(token: str) -> bool:
    """Letters that may be a syllable beside MAT (mặt bằng, bảo mật), not a number."""
    return any(char.isalpha() for char in token)


# how it is set


_WORTH = re.compile(r"[Mm][\W_]{0,4}(?:[ậẬËëâÂ]|[Aa])[ÄäẬậ]?[\W_]{0,4}[Tt]")


def _worth_a_look(text: str) -> bool:
    """Most text holds nothing that could be a mark at all."""
    return _WORTH.search(text) is not None or _WORTH.search("".join(text.split())) is not None


def _joined(line: str) -> str:
    """Spaced-out letters closed up: "T Ố I  M Ậ T" to "TỐI MẬT"."""

    def close(found: re.Match[str]) -> str:
        letters = re.sub(r"[\W_]", "", found[0])
        for word in ("TUYỆTMẬT", "TỐIMẬT", "TUYETMAT", "TOIMAT"):
            if letters.upper() == word:
                return f"{letters[:-3]} {letters[-3:]}"
        return letters

    return _SPACED.sub(close, line)


def _stacked(lines: list[str]) -> list[str]:
    """Short neighbouring lines put together: a stamp that was set letter by letter or word by word."""
    made: list[str] = []
    run: list[str] = []
    for line in [*lines, "-" * 9]:
        bare = line.strip(_DECORATION) if len(line) < 12 else line
        if 0 < len(bare) <= 5:
            run.append(bare)
            continue
        if 2 <= len(run) <= 12:
            letters = "".join(run)
            made += [letters, " ".join(run), f"{letters[:-3]} {letters[-3:]}"]
        run = [] if line else run
    return made
