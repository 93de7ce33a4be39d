"""Properties whose table of headers is written byte by byte: what no honest client library would send."""

import struct

import pika

MARK = b"\x00\x00\x00\x09\x03rawS\x00\x00\x00\x00"
"""How the library writes the table that stands in for ours."""


class RawProperties(pika.BasicProperties):
    """Any properties, with these bytes as the fields of the header table."""

    def __init__(self, table: bytes, **properties: object) -> None:
        super().__init__(headers={"raw": ""}, **properties)
        self._table = table

    def encode(self) -> list[bytes]:
        """As the library asks for them."""
        whole = b"".join(super().encode())
        assert whole.count(MARK) == 1
        return [whole.replace(MARK, struct.pack(">I", len(self._table)) + self._table)]


def field(name: bytes, kind: bytes, value: bytes) -> bytes:
    """One field of a table, as AMQP 0-9-1 and RabbitMQ write it."""
    return bytes([len(name)]) + name + kind + value


def double(name: str, value: float) -> bytes:
    """A field with a number that no decimal text of AMQP can hold."""
    return field(name.encode(), b"d", struct.pack(">d", value))
