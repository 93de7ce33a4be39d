"""The words by which people call a document a copy (ND 30/2020 art. 3.10-3.12, 25)."""

import unicodedata

COPY_WORDS = ("sao y", "sao lục", "trích sao", "bản sao")


def without_diacritics(text: str) -> str:
    """Lower case, one blank between words, letters without their marks."""
    decomposed = unicodedata.normalize("NFD", text.casefold())
    return " ".join("".join(letter for letter in decomposed if not unicodedata.combining(letter)).split())


PLAIN_COPY_WORDS = tuple(without_diacritics(word) for word in COPY_WORDS)


def calls_itself_copy(text: str) -> bool:
    """Whether a text contains one of these words, spelt correctly."""
    folded = unicodedata.normalize("NFC", text).casefold()
    return any(word in folded for word in COPY_WORDS)


def may_call_itself_copy(text: str) -> bool:
    """Whether a text contains one of these words, with or without diacritics."""
    plain = without_diacritics(text)
    return any(word in plain for word in PLAIN_COPY_WORDS)
