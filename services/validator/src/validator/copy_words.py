"""The words by which people call a document a copy (ND 30/2020 art. 3.10-3.12, 25)."""

import re
import unicodedata

COPY_WORDS = re.compile(
    r"(?<!\w)(?:(?<!vì )(?<!tại )(?<!làm )(?<!ngôi )(?<!chòm )(?<!hành )"
    r"(?:sao y(?! (?:tế|khoa|học|tá|sĩ|sỹ|dược|đức|bác|viện|dụng|phục)(?!\w))|sao lục)"
    r"|trích sao|bản sao(?! (?:kê|lưu)(?!\w)))(?!\w)"
)
"""Whole words, in lower case; not the "sao" that asks why or shines, nor a statement of account (bản sao kê)."""


def without_diacritics(text: str) -> str:
    """Lower case, one blank between words, letters without their marks."""
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return " ".join("".join(letter for letter in decomposed if not unicodedata.combining(letter)).split())


PLAIN_COPY_WORDS = re.compile(without_diacritics(COPY_WORDS.pattern))


def calls_itself_copy(text: str) -> bool:
    """Whether a text contains one of these words, spelt correctly."""
    folded = " ".join(unicodedata.normalize("NFC", text).casefold().split())
    return COPY_WORDS.search(folded) is not None


def may_call_itself_copy(text: str) -> bool:
    """Whether a text contains one of these words, with or without diacritics."""
    return PLAIN_COPY_WORDS.search(without_diacritics(text)) is not None
