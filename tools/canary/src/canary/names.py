"""Who the canary is, what it sees and how a round may end."""

from enum import StrEnum

SENDER = "CANARY.1"
"""Code of the unit that sends. Both codes are reserved: the trunk counts nothing of the two units."""
RECEIVER = "CANARY.2"
"""Code of the unit that receives."""


class Step(StrEnum):
    """What must happen in a round, in the usual order; any order counts."""

    CONFIRMED = "confirmed"
    """The broker has confirmed the letter."""
    ACCEPTED = "accepted"
    """The sender has the trunk's receipt."""
    DELIVERED = "delivered"
    """The receiver has the letter, byte for byte, with the label ORIGINAL."""
    REPORTED = "reported"
    """The receiver has the trunk's receipt for its status 03."""
    ANSWERED = "answered"
    """The sender has the receiver's status, byte for byte."""


class Outcome(StrEnum):
    """How a round ended."""

    SUCCESS = "success"
    WRONG = "wrong"
    """Something came that must not: other bytes, another label than ORIGINAL, or a message for the other unit."""
    REFUSED = "refused"
    """The trunk refused the letter or the status."""
    HELD = "held"
    """The trunk said that it keeps the package for now, and nothing else came in time."""
    LATE = "late"
    """Not everything came in time."""
    UNCONFIRMED = "unconfirmed"
    """The broker returned the letter, refused it, or did not confirm it in time."""
    UNREACHABLE = "unreachable"
    """No session at the broker for one of the units, or it broke off."""
    NO_KEY = "no_key"
    """The keys or certificates are missing or cannot be used."""
    FAULT = "fault"
    """The canary itself failed; its log says how."""
