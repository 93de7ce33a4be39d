"""The answer of a fast way that it does not know."""


class Inconclusive(Exception):
    """Outside of what the fast way was made for: pyHanko, or the full analysis, decides. Never a verdict."""
