"""The parsed message as JSON: what intake stores beside the package and every later step reads."""

from pydantic import TypeAdapter

from common.domain.envelope import Message

_MESSAGE: TypeAdapter[Message] = TypeAdapter(Message)


def to_json(message: Message) -> bytes:
    """Deterministic JSON of an ``Envelope`` or a ``StatusReport``."""
    return _MESSAGE.dump_json(message)


def from_json(data: bytes) -> Message:
    """The message in JSON of ``to_json``. Raises ``pydantic.ValidationError`` if it is not a message."""
    return _MESSAGE.validate_json(data)
