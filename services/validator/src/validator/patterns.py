"""Regular expressions with possessive groups, on every version of Python that is supported.

Before 3.11.5, a group that is repeated possessively may keep part of an attempt that failed (CPython issue 106052):
``(?:a|bc)*+`` then matches ``b``. An open string so counted as a closed one. There the groups are repeated greedily.
Every group that this is used for matches in one way only, so that nothing else is found, but it takes more memory.
"""

import re
import sys

IS_RIGHT = sys.version_info >= (3, 11, 5)
POSSESSIVE_GROUP = re.compile(rb"(?<!\\)(\)(?:[*+?]|\{[0-9,]+\}))\+")
MADE: set[bytes] = set()
"""The text of every pattern that was compiled here."""


def compiled(pattern: bytes, flags: "int | re.RegexFlag" = 0) -> "re.Pattern[bytes]":
    """The pattern, with the meaning that it has in a right Python."""
    written = pattern if IS_RIGHT else greedy(pattern)
    MADE.add(written)
    return re.compile(written, flags)


def greedy(pattern: bytes) -> bytes:
    """The pattern without possessive groups; single characters and classes stay possessive."""
    return POSSESSIVE_GROUP.sub(rb"\1", pattern)
