"""A delivery whose routing key is not UTF-8 is read, and does not close the connection."""

import pytest
from pamqp.commands import Basic

from common.service import tolerant_decoding


def short(data: bytes) -> bytes:
    return bytes([len(data)]) + data


def delivery(key: bytes, *, redelivered: bool) -> bytes:
    return short(b"tag") + (7).to_bytes(8, "big") + bytes([redelivered]) + short(b"trunk.facts") + short(key)


@pytest.mark.parametrize("redelivered", [False, True])
@pytest.mark.parametrize(
    ("key", "read"),
    [
        (b"document.verified.normal", "document.verified.normal"),
        (b"\xff.normal", "\\xff.normal"),
        (b"\xc3\x28", "\\xc3("),
        (b"", ""),
        (b"\xff" * 255, "\\xff" * 255),
    ],
)
def test_the_key_of_a_delivery(key: bytes, read: str, redelivered: bool) -> None:
    tolerant_decoding.install()
    frame = Basic.Deliver()
    frame.unmarshal(delivery(key, redelivered=redelivered))
    assert (frame.consumer_tag, frame.delivery_tag, frame.redelivered) == ("tag", 7, redelivered)
    assert (frame.exchange, frame.routing_key) == ("trunk.facts", read)
