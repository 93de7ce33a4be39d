"""Channels and operations: queues that are consumed and keys that are published, as ``common.topology`` names them."""

from apidocs.headers import Schema
from common.domain.names import Lane
from common.topology import VHOST, Exchange, Queue

VERSION = {"bindingVersion": "0.3.0"}
UNIT_PARAMETER: Schema = {"description": "Code of the unit, e.g. 000.00.14.H29."}
LANE_PARAMETER: Schema = {"description": "Each lane has queues of its own.", "enum": [*Lane]}


def queue(declared: Queue, description: str, messages: dict[str, Schema], parameters: Schema | None = None) -> Schema:
    """A queue that is consumed, with the arguments it is declared with."""
    amqp = {"name": declared.name, "durable": True, "exclusive": False, "autoDelete": False, "vhost": VHOST}
    return _channel(declared.name, description, messages, parameters) | {
        "bindings": {"amqp": {"is": "queue", "queue": amqp, **VERSION}},
        "x-queue-arguments": dict(declared.arguments),
    }


def exchange(
    place: Exchange, key: str, description: str, messages: dict[str, Schema], parameters: Schema | None = None
) -> Schema:
    """A routing key at an exchange."""
    amqp = {"name": place.name, "type": place.kind, "durable": True, "autoDelete": False, "vhost": VHOST}
    return _channel(key, description, messages, parameters) | {
        "bindings": {"amqp": {"is": "routingKey", "exchange": amqp, **VERSION}}
    }


def receive(channel: str, document: Schema, summary: str) -> Schema:
    """An operation: messages are acknowledged by hand, after their work is saved and announced."""
    return _operation("receive", channel, document, summary) | {"bindings": {"amqp": {"ack": True, **VERSION}}}


def send(channel: str, document: Schema, summary: str, **more: object) -> Schema:
    """An operation: persistent, mandatory publishes with confirms."""
    amqp = {"deliveryMode": 2, "timestamp": True, "mandatory": True, **more, **VERSION}
    return _operation("send", channel, document, summary) | {"bindings": {"amqp": amqp}}


def _operation(action: str, channel: str, document: Schema, summary: str) -> Schema:
    place = f"#/channels/{channel}"
    messages = [{"$ref": f"{place}/messages/{name}"} for name in document["channels"][channel]["messages"]]
    return {"action": action, "channel": {"$ref": place}, "summary": summary, "messages": messages}


def _channel(address: str, description: str, messages: dict[str, Schema], parameters: Schema | None) -> Schema:
    channel = {"address": address, "description": description, "messages": messages}
    return channel | ({"parameters": parameters} if parameters else {})
