"""Kinds of security events (R40).

Tokens are never renamed: they are in the ledger, in metrics and in alerts.
"""

from enum import StrEnum


class SecurityKind(StrEnum):
    """The kind of a security event."""

    FROM_MISMATCH = "FROM_MISMATCH"
    """A package names another sender than the unit that submitted it."""
    CLOSED_UNIT = "CLOSED_UNIT"
    """A unit that is closed or disabled submitted a package."""
    UNKNOWN_USER = "UNKNOWN_USER"
    """A broker user that speaks for no unit submitted a package."""
    ANONYMOUS_MESSAGE = "ANONYMOUS_MESSAGE"
    """A message arrived without a user that the broker vouches for."""
    FORGED_FACT = "FORGED_FACT"
    """A fact was published by somebody who is not entitled to it."""
    FOREIGN_STATUS = "FOREIGN_STATUS"
    """A status, recall or update concerns a document that is not the sender's to act upon."""
    FOREIGN_UPLOAD = "FOREIGN_UPLOAD"
    """A submission by reference names an object that is not an upload of the unit."""
    SECRET_CONTENT = "SECRET_CONTENT"  # noqa: S105 - a token, no password
    """A package has a mark of state secrecy."""
    NOT_SEARCHED = "NOT_SEARCHED"
    """A file could not be searched for marks of secrecy."""
    CERTIFICATE_SHARED = "CERTIFICATE_SHARED"
    """A certificate is registered for more than one unit."""
    LOGIN_FAILED = "LOGIN_FAILED"
    """The broker refused a log-in."""
    ACCESS_REFUSED = "ACCESS_REFUSED"
    """The broker refused an operation to a user that was logged in."""
    RIGHTS_CHANGED = "RIGHTS_CHANGED"
    """Users, passwords, permissions or policies of the broker changed."""
    DIRECTORY_CHANGED = "DIRECTORY_CHANGED"
    """Another version of the unit directory came into force."""
    UNIT_ACCESS_CHANGED = "UNIT_ACCESS_CHANGED"
    """A unit was provisioned, disabled, enabled, or got new credentials."""
    OPERATOR_ACTED = "OPERATOR_ACTED"
    """An operator replayed, discarded or restored a parked message, or takes a package out of the archive."""


PAGES = frozenset({SecurityKind.FORGED_FACT, SecurityKind.ANONYMOUS_MESSAGE})
"""Kinds that do not occur in normal operation, so that an alert calls an operator at once."""
