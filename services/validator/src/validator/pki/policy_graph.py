"""(6.11) Certificate policies of a chain (RFC 5280 §6.1 as updated by RFC 9618).

The policies that hold at one depth are a level of a graph with at most one node for each policy, so that no chain,
however it maps policies, costs more than the sum of its certificates.
"""

from dataclasses import dataclass, field

from validator.cms.extensions import ANY_POLICY


@dataclass(slots=True)
class Node:
    """One policy at one depth."""

    expected: set[str]
    """Policies of the next certificate that go on from here."""
    parents: set[str]
    """Policies of the level above that lead here."""


Level = dict[str, Node]


@dataclass(slots=True)
class PolicyGraph:
    """The levels from the root's (any policy) down to the last certificate. Without levels, no policy holds."""

    levels: list[Level] = field(default_factory=lambda: [{ANY_POLICY: Node({ANY_POLICY}, set())}])

    def __bool__(self) -> bool:
        return bool(self.levels)

    def extend(self, stated: frozenset[str] | None, *, any_counts: bool) -> None:
        """The next certificate's policies (§6.1.3 d, e). ``any_counts``: anyPolicy in it stands for all."""
        if not self or stated is None:
            self.levels = []
            return
        above = self.levels[-1]
        level: Level = {}
        for policy in stated - {ANY_POLICY}:
            parents = {name for name, node in above.items() if policy in node.expected}
            if not parents and ANY_POLICY in above:
                parents = {ANY_POLICY}
            if parents:
                level[policy] = Node({policy}, parents)
        if ANY_POLICY in stated and any_counts:
            for name, node in above.items():
                for policy in node.expected - stated | node.expected & {ANY_POLICY}:
                    level.setdefault(policy, Node({policy}, set())).parents.add(name)
        self.levels.append(level)
        self._prune()

    def map(self, mappings: tuple[tuple[str, str], ...], *, are_allowed: bool) -> None:
        """What the last certificate says about equivalent policies (§6.1.4 b)."""
        if not self or not mappings:
            return
        level = self.levels[-1]
        for policy in {above for above, _ in mappings}:
            below = {subject for issuer, subject in mappings if issuer == policy}
            if not are_allowed:
                level.pop(policy, None)
            elif policy in level:
                level[policy].expected = below
            elif ANY_POLICY in level:
                level[policy] = Node(below, set(level[ANY_POLICY].parents))
        self._prune()

    def policies(self) -> frozenset[str]:
        """The policies for which the chain is valid, in the words of its first CA (§6.1.5 g)."""
        if not self:
            return frozenset()
        named = {
            policy
            for level in self.levels[1:]
            for policy, node in level.items()
            if policy != ANY_POLICY and ANY_POLICY in node.parents
        }
        return frozenset(named | ({ANY_POLICY} & self.levels[-1].keys()))

    def _prune(self) -> None:
        """Drop what leads to nothing (§6.1.3 d 3)."""
        for depth in range(len(self.levels) - 1, 0, -1):
            leading = {name for node in self.levels[depth].values() for name in node.parents}
            above = self.levels[depth - 1]
            self.levels[depth - 1] = {name: node for name, node in above.items() if name in leading}
        if not all(self.levels):
            self.levels = []


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyInputs:
    """What is asked of policies (RFC 5280 §6.1.1 c, e-g)."""

    wanted: frozenset[str] = frozenset({ANY_POLICY})
    is_required: bool = False
    is_mapping_inhibited: bool = False
    is_any_inhibited: bool = False

    def suits(self, policies: frozenset[str]) -> frozenset[str]:
        """Those of the chain's policies that are wanted."""
        if ANY_POLICY in self.wanted:
            return policies
        return self.wanted if ANY_POLICY in policies else policies & self.wanted
