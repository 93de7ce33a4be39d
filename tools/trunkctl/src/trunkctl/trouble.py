"""What goes wrong in a way that the person at the keyboard can put right."""


class Trouble(Exception):
    """One sentence that says what is wrong and what to do about it; the command ends with exit code 1."""
