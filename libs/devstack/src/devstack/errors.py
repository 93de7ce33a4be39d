"""What goes wrong in a way that somebody at a keyboard can put right."""


class DevstackError(Exception):
    """One sentence that says what is wrong and what to do about it."""


class NoWay(DevstackError):
    """A server could be had in none of the ways; the sentence names what to install or to set."""


class NotReady(DevstackError):
    """A server ended, or did not answer in time; the sentence names its log."""
