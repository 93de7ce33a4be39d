"""Settings that would make rounds overlap, or sessions nobody's, are refused at the start."""

import pytest
from pydantic import ValidationError

from canary.settings import CanarySettings

URLS = {"canary_sender_amqp_url": "amqp://CANARY.1:x@broker/trunk", "canary_receiver_amqp_url": "amqp://CANARY.2:x@b/t"}


def test_the_defaults_are_a_round_in_five_minutes() -> None:
    settings = CanarySettings(**URLS)
    assert (settings.canary_seconds, settings.canary_patience_seconds) == (300.0, 240.0)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {**URLS, "canary_sender_amqp_url": ""},
        {"canary_sender_amqp_url": URLS["canary_sender_amqp_url"]},
        {**URLS, "canary_patience_seconds": 300.0},
        {**URLS, "canary_seconds": 0.0},
    ],
)
def test_what_cannot_work_is_refused(values: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        CanarySettings(**values)
