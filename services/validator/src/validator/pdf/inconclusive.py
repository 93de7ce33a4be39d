"""The answer of a fast way that it does not know."""


class Inconclusive(Exception):
    """Outside of what the fast way was made for: the slow way, by way of pyHanko, decides. Never a verdict."""
