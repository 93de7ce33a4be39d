"""The topology for a virtual host that tests make: the broker's own exchanges exist in the trunk's host only."""

from dataclasses import replace

from common.topology import Topology


def without_reports(topology: Topology) -> Topology:
    """All but the bindings to exchanges that the broker itself feeds."""
    return replace(topology, bindings=tuple(b for b in topology.bindings if not b.exchange.startswith("amq.")))
