"""The fast ways: each may only say what the slow way would say too, or ``Unsure``, and then the slow way decides."""


class Unsure(Exception):
    """Outside of what the fast way was made for; never a verdict."""
