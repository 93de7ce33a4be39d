"""The answer that a change is not allowed."""


class ChangeNotAllowed(Exception):
    """An update changed something that no rule allows. The text says what, for whoever examines the file."""
