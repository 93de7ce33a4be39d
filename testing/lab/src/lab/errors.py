"""Errors of the lab."""

from devstack.errors import DevstackError


class Missing(DevstackError):
    """A check cannot run on this machine; the sentence says why and goes into the name of the skipped check."""
