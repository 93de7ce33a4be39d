"""Who makes each fact and who takes it: the one table of the flow of facts.

Permissions at the broker, bindings of queues, the check of authorship in every consumer, AsyncAPI and the documentation
are made from it.
"""

from dataclasses import dataclass

from common.domain.names import Lane
from common.domain.reason import Reason
from common.facts.base import BaseFact
from common.facts.packages import PackageWaiting
from common.facts.security import SECURITY_SUBJECT, SecurityNoticed

SERVICES = ("intake", "validator", "router", "archive", "notifier")
OPERATOR = "operator"
"""Broker user of the people who run the trunk."""

RECORDER = "archive"
"""The service that takes every fact, to keep it."""
PASSING = {
    "package.accepted": (Lane.URGENT,),
    "notice.accepted": (Lane.URGENT,),
    "document.verified": tuple(Lane),
    "package.routed": tuple(Lane),
}
"""Facts, with their lanes, that every process of intake hears as they pass, to know how many packages are under way."""


@dataclass(frozen=True, slots=True)
class Flow:
    """The way of one fact."""

    made_by: tuple[str, ...]
    """Broker users that may publish it."""
    taken_by: tuple[str, ...] = ()
    """Services that act on it; the archive keeps it in any case."""


FLOWS: dict[str, Flow] = {
    "package.accepted": Flow(("intake",), ("validator", "router")),
    "notice.accepted": Flow(("intake",), ("router",)),
    "package.refused": Flow(("intake",), ("router", "notifier")),
    "package.waiting": Flow(("intake", "validator"), ("router", "intake")),
    "package.repeated": Flow(("intake",), ("router",)),
    "package.routed": Flow(("router",)),
    "package.finished": Flow(("archive",), ("intake",)),
    "document.verified": Flow(("validator",), ("router",)),
    "document.refused": Flow(("validator",), ("intake", "router", "notifier")),
    "delivery.placed": Flow(("router",), ("notifier",)),
    "delivery.refused": Flow(("router",), ("notifier",)),
    "delivery.waiting": Flow(("router",), ("intake",)),
    "status.recorded": Flow(("router",), ("notifier",)),
    "routing.refused": Flow(("router",)),
    "document.superseded": Flow(("router",)),
    "document.recalled": Flow(("router",)),
    "document.archived": Flow(("archive",)),
    "notification.sent": Flow(("notifier",)),
    "message.parked": Flow(SERVICES, ("intake", "router")),
    "operator.requested": Flow((OPERATOR,), SERVICES),
    "operator.acted": Flow(SERVICES, ("intake", "router")),
    "security.noticed": Flow((*SERVICES, OPERATOR)),
}


def made_by(user: str) -> tuple[str, ...]:
    """Names of the facts that a broker user may publish."""
    return tuple(fact for fact, flow in FLOWS.items() if user in flow.made_by)


def taken_by(service: str) -> tuple[str, ...]:
    """Names of the facts that a service acts on; the archive acts on all by keeping them."""
    if service == RECORDER:
        return tuple(FLOWS)
    return tuple(fact for fact, flow in FLOWS.items() if service in flow.taken_by)


def is_entitled(fact: BaseFact, user: str | None) -> bool:
    """Whether ``user``, for whom the broker vouches, may publish this fact.

    A fact that several services make tells which of them speaks, and that one must be the publisher.
    The ledger of security events takes these alone, and they go nowhere else: one other entry would spoil it.
    """
    if (fact.subject == SECURITY_SUBJECT) is not isinstance(fact, SecurityNoticed):
        return False
    flow = FLOWS.get(fact.fact)
    return flow is not None and user in flow.made_by and _speaker(fact, user) == user


def _speaker(fact: BaseFact, user: str | None) -> str | None:
    """Whose word a fact is that several services make: its field ``service``; of a package that waits, its reason says
    for what. A fact that one service makes is its publisher's word."""
    if isinstance(fact, PackageWaiting):
        return "intake" if fact.reason is Reason.E_REFDOC_AWAITED else "validator"
    return getattr(fact, "service", user)
