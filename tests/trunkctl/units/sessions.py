"""Sessions of a unit's own system at the real broker, and what it can do with them."""

import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pika
from pika.exceptions import AMQPError, ChannelClosedByBroker, UnroutableError

from devstack import certificates, rabbitmq_settings

STATE = Path(__file__).parents[3] / ".devstack"


@dataclass(frozen=True)
class Broker:
    """Where sessions are opened."""

    stack: SimpleNamespace
    vhost: str

    def session(self, user: str, password: str) -> pika.BlockingConnection:
        """By password."""
        login = pika.PlainCredentials(user, password)
        return pika.BlockingConnection(
            pika.ConnectionParameters(self.stack.amqp_host, self.stack.amqp_port, self.vhost, login)
        )

    def session_by_certificate(self, common_name: str, folder: Path) -> pika.BlockingConnection:
        """By a client certificate that this checkout's authority issues."""
        issued = certificates.authority(STATE / rabbitmq_settings.TLS).client(common_name)
        (folder / "own.crt").write_bytes(issued.certificate)
        certificates.write_secret(folder / "own.key", issued.key)
        context = ssl.create_default_context(cafile=str(STATE / rabbitmq_settings.TLS / "ca.crt"))
        context.load_cert_chain(folder / "own.crt", folder / "own.key")
        return pika.BlockingConnection(
            pika.ConnectionParameters(
                self.stack.amqp_host,
                self.stack.amqps_port,
                self.vhost,
                pika.credentials.ExternalCredentials(),
                ssl_options=pika.SSLOptions(context),
            )
        )


def submit(session: pika.BlockingConnection, unit: str, user: str | None = None) -> None:
    """One submission, confirmed. Raises what the broker answers."""
    publish(session, "trunk.submit", f"submit.{unit}", user or unit)


def publish(session: pika.BlockingConnection, exchange: str, key: str, user: str) -> None:
    """Publish and wait for the confirmation."""
    channel = session.channel()
    channel.confirm_delivery()
    channel.basic_publish(exchange, key, b"x", pika.BasicProperties(user_id=user, delivery_mode=2), mandatory=True)
    channel.close()


def answer(session: pika.BlockingConnection, act: Callable[[Any], object]) -> str:
    """``ok``, ``unroutable``, or the broker's code for an act on a channel of its own."""
    channel = session.channel()
    channel.confirm_delivery()
    try:
        act(channel)
    except UnroutableError:
        return "unroutable"
    except ChannelClosedByBroker as error:
        return str(error.reply_code)
    finally:
        with suppress(AMQPError):
            channel.close()
    return "ok"


def closed_by_broker(session: pika.BlockingConnection) -> bool:
    """Whether the broker closes the session; it has a minute on a busy machine."""
    try:
        session.process_data_events(60)
    except AMQPError:
        return True
    return not session.is_open
