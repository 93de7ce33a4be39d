"""Which service makes each fact, and which services take it.

The permissions at the broker, the bindings of queues, the check of publishers in every consumer, AsyncAPI and the
documentation are derived from this table.
"""

from dataclasses import dataclass

from common.domain.ids import VERDICT, step_name
from common.domain.names import Lane
from common.domain.reason import Reason
from common.facts.base import BaseFact
from common.facts.packages import PackageWaiting
from common.facts.security import SECURITY_SUBJECT, SecurityNoticed

SERVICES = ("intake", "validator", "router", "archive", "notifier")
OPERATOR = "operator"
"""Broker user of the operators."""

RECORDER = "archive"
"""The service that takes every fact, to record it in the ledger."""
PASSING = {
    "package.accepted": (Lane.URGENT,),
    "notice.accepted": (Lane.URGENT,),
    "document.verified": tuple(Lane),
    "package.routed": tuple(Lane),
}
"""Facts, by name with their lanes, in the stream ``trunk.progress``, from which every process of intake learns how many
packages are under way."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Makers and takers of one fact."""

    made_by: tuple[str, ...]
    """Broker users that may publish it."""
    taken_by: tuple[str, ...] = ()
    """Services that act on it, besides the archive, which takes every fact."""


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


STEPS: dict[str, str] = {
    **{service: service for service in SERVICES},
    **{name: flow.made_by[0] for name, flow in FLOWS.items() if len(flow.made_by) == 1},
    **dict.fromkeys(("waiting", "repeated"), "intake"),
    VERDICT: "validator",
    **dict.fromkeys(("placed", "turned", "recorded", "agreed", "recalled", "superseded", "routed"), "router"),
    "finished": "archive",
}
"""By name of a step in event ids (``ids.step_name``), the only service whose facts have such ids."""


def made_by(user: str) -> tuple[str, ...]:
    """Names of the facts that a broker user may publish."""
    return tuple(fact for fact, flow in FLOWS.items() if user in flow.made_by)


def taken_by(service: str) -> tuple[str, ...]:
    """Names of the facts that a service takes; the archive takes all."""
    if service == RECORDER:
        return tuple(FLOWS)
    return tuple(fact for fact, flow in FLOWS.items() if service in flow.taken_by)


def is_entitled(fact: BaseFact, user: str | None) -> bool:
    """Whether a broker user may publish a fact. ``user``: as the broker vouches for it.

    A fact that several services make names the one that made it, and that one must be the publisher. The subject
    ``security`` has security events only, and these have no other subject. The event id must not be that of another
    service's fact: the ledger has one entry for each id, and the genuine fact would be taken for a forgery.
    """
    if STEPS.get(step_name(fact.event_id), user) != user:
        return False
    if (fact.subject == SECURITY_SUBJECT) is not isinstance(fact, SecurityNoticed):
        return False
    flow = FLOWS.get(fact.fact)
    return flow is not None and user in flow.made_by and _speaker(fact, user) == user


def _speaker(fact: BaseFact, user: str | None) -> str | None:
    """The service that made a fact which several services make: that in its field ``service``; of ``package.waiting``,
    as its reason implies. For all other facts, the publisher."""
    if isinstance(fact, PackageWaiting):
        return "intake" if fact.reason is Reason.E_REFDOC_AWAITED else "validator"
    return getattr(fact, "service", user)
