"""Which RabbitMQ cluster is the trunk's: recorded once, so that no other one behind the same name is taken for it.

A node whose volume is empty makes a cluster of its own. If that were declared, units would submit to it, and what they
submitted would be gone when the node joins the others again.
"""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel

from common.objects import DIRECTORY, ObjectMissing, Objects
from trunkctl.broker_admin import BrokerAdmin, Row

RECORD = "broker"
"""Key in the bucket ``directory``, which only the operator may write."""
CLUSTER_ID = "internal_cluster_id"
"""Global parameter that RabbitMQ makes with the cluster and keeps for its whole life."""


class BrokerIdentity(BaseModel):
    """The cluster that the trunk uses, and who recorded it."""

    cluster_id: str
    nodes: int
    """How many it had."""
    actor: str = ""
    purpose: str = ""
    at: datetime | None = None


def identity_from(parameters: Sequence[Row], nodes: Sequence[Row]) -> BrokerIdentity:
    """The broker's identity by its parameters and its list of nodes. Counts only nodes that run."""
    cluster_id = next((str(row["value"]) for row in parameters if row["name"] == CLUSTER_ID), "")
    return BrokerIdentity(cluster_id=cluster_id, nodes=sum(bool(row.get("running")) for row in nodes))


def ask(broker: BrokerAdmin) -> BrokerIdentity:
    """Reads the identity from the broker's management API."""
    return identity_from(broker.get("/global-parameters"), broker.get("/nodes"))


def objection(recorded: BrokerIdentity | None, actual: BrokerIdentity) -> str:
    """Why nothing may be declared on this broker; empty = it may, or no cluster is recorded."""
    if recorded is None:
        return ""
    if actual.cluster_id != recorded.cluster_id:
        return f"the broker is cluster {actual.cluster_id}, and the trunk's is {recorded.cluster_id}"
    if 2 * actual.nodes <= recorded.nodes:
        return f"only {actual.nodes} of {recorded.nodes} nodes of the broker run"
    return ""


async def load(objects: Objects) -> BrokerIdentity | None:
    """The recorded cluster. Raises ``Outage`` if the store is unavailable."""
    try:
        return BrokerIdentity.model_validate_json(await objects.get_key(DIRECTORY, RECORD))
    except ObjectMissing:
        return None


async def save(objects: Objects, identity: BrokerIdentity) -> None:
    """Records the cluster."""
    await objects.put(DIRECTORY, RECORD, identity.model_dump_json().encode(), "application/json")
