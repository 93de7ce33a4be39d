"""The canary's own names are those that the trunk leaves out of its statistics."""

from canary.names import RECEIVER, SENDER
from common.domain.canary import CANARY_UNITS
from common.topology import SUBMIT, Lane, inbox_queue, submit_key


def test_the_codes_are_the_reserved_ones() -> None:
    assert {SENDER, RECEIVER} == CANARY_UNITS


def test_exchange_key_and_inbox_are_those_of_the_two_units() -> None:
    assert (SUBMIT, submit_key(SENDER, Lane.URGENT)) == ("trunk.submit", f"submit.{SENDER}.urgent")
    assert inbox_queue(RECEIVER) == f"inbox.{RECEIVER}"
