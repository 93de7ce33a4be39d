"""Decodes the fact in a message, checks that its publisher may publish it, and calls the fact's handler."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from pydantic import ValidationError

from common.domain.reason import Reason
from common.facts import FACT, BaseFact, PackageFact, name_of
from common.facts.flows import FLOWS, is_entitled, made_by, taken_by
from common.failure import Forged, Permanent
from common.service.incoming import Incoming
from common.telemetry import about_document
from common.topology import FACTS

FactHandler = Callable[[Any], Awaitable[None]]


def fact_of(message: Incoming) -> BaseFact:
    """The fact in a message. Raises ``Forged`` if its publisher may not publish it, and ``Permanent`` if the body is no
    fact."""
    if message.user_id is None:
        raise Forged("the broker vouches for no publisher")
    if not _may_use(message):
        raise Forged(f"{message.routing_key or 'a fact'} published by {message.user_id}")
    if len(message.body) > BaseFact.MAX_BYTES:
        raise Permanent(Reason.E_FACT, f"{len(message.body)} bytes, more than {BaseFact.MAX_BYTES}")
    try:
        fact = FACT.validate_json(message.body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        raise Permanent(Reason.E_FACT, f"{place}: {first['msg']}"[:200]) from None
    if not is_entitled(fact, message.user_id):
        raise Forged(f"{fact.fact} published by {message.user_id}")
    if message.exchange == FACTS and message.routing_key != fact.routing_key:
        raise Forged(f"{fact.fact} published as {message.routing_key} by {message.user_id}")
    return fact


def _may_use(message: Incoming) -> bool:
    """Whether the publisher may publish facts with this routing key. The body is not read for that.

    A key that this release does not know may belong to a later release, and is allowed.
    """
    own = made_by(message.user_id or "")
    name = message.routing_key.rpartition(".")[0]
    return bool(own) and (message.exchange != FACTS or name not in FLOWS or name in own)


class FactHandlers:
    """The handlers of one service, by class of fact."""

    def __init__(self, service: str, handlers: Mapping[type[BaseFact], FactHandler]) -> None:
        """Raises ``ValueError`` unless ``handlers`` has exactly the facts that the table (``taken_by``) says."""
        self._handlers = {name_of(kind): handler for kind, handler in handlers.items()}
        if difference := set(self._handlers) ^ set(taken_by(service)):
            raise ValueError(f"{service} takes other facts than the table says: {', '.join(sorted(difference))}")

    async def __call__(self, message: Incoming) -> None:
        """Handle one message of a queue of facts. Raises what ``fact_of`` and the handler raise."""
        fact = fact_of(message)
        structlog.contextvars.bind_contextvars(event_id=fact.event_id)
        if isinstance(fact, PackageFact):
            about_document(package_id=fact.package_id, document_key=fact.subject, document_id=fact.document_id)
        await self._handlers[fact.fact](fact)
