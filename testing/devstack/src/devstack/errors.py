"""Errors that the user of the command can correct."""


class DevstackError(Exception):
    """One sentence that says what is wrong and what to do about it."""


class NoWay(DevstackError):
    """No way to get a server worked; the sentence names what to install or to set."""


class NotReady(DevstackError):
    """A server ended, or did not answer in time; the sentence names its log."""
