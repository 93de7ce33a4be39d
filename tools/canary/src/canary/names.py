"""The codes of the canary's two units, the steps of a round, and its outcomes."""

from enum import StrEnum

SENDER = "CANARY.1"
"""Code of the sending unit. Both codes are reserved: the two units are in no statistics of the trunk."""
RECEIVER = "CANARY.2"
"""Code of the receiving unit."""


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
    """A wrong message arrived: different bytes, another label than ORIGINAL, or a message for the other unit."""
    REFUSED = "refused"
    """The trunk refused the letter or the status."""
    HELD = "held"
    """A receipt said that the trunk holds the package back, and nothing else arrived in time."""
    LATE = "late"
    """Not all expected messages arrived in time."""
    UNCONFIRMED = "unconfirmed"
    """The broker returned the letter, refused it, or did not confirm it in time."""
    UNREACHABLE = "unreachable"
    """One of the units could not connect to the broker, or lost its connection."""
    NO_KEY = "no_key"
    """The keys or certificates are missing or cannot be used."""
    FAULT = "fault"
    """The canary itself failed; its log says how."""
