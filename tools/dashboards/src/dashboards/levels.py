"""Where a panel turns yellow and red: read out of the alert rules, never said twice."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser
import yaml
from promql_parser import BinaryExpr, NumberLiteral, ParenExpr

COMPARISONS = (">", "<", ">=", "<=", "==")


@dataclass(frozen=True, slots=True)
class Levels:
    """Steps of colour. ``low_is_bad``: the numbers are lower ends of the better colour."""

    red: float
    yellow: float | None = None
    low_is_bad: bool = False


class Rules:
    """The rules below ``folder``."""

    def __init__(self, folder: Path) -> None:
        files = (yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*.yaml")))
        self._rules: list[dict[str, Any]] = [
            rule for file in files for group in file["groups"] for rule in group["rules"]
        ]

    def limit(self, alert: str) -> float:
        """The first number that the alert compares with; zero only if there is no other. Raises ``ValueError``."""
        rule = next((rule for rule in self._rules if rule.get("alert") == alert), None)
        if rule is None:
            raise ValueError(f"no rule has the alert {alert!r}")
        limits = _compared(promql_parser.parse(rule["expr"]))
        return next(filter(None, limits), 0.0)

    def bad_from(self, alert: str, yellow: float | None = None) -> Levels:
        """Red where the alert begins; of things that are counted and must not be at all, from the first on."""
        return Levels(self.limit(alert) or 1.0, yellow)

    def budget(self, urgency: str) -> float:
        """Which share of documents of a lane may be slow."""
        (rule,) = (
            rule
            for rule in self._rules
            if rule.get("record") == "trunk:delivery_slow:budget" and rule["labels"]["urgency"] == urgency
        )
        share = _number(promql_parser.parse(rule["expr"]))
        if share is None:
            raise ValueError(f"no share of slow documents in {rule['expr']!r}")
        return share


def _compared(node: Any) -> list[float]:
    if isinstance(node, ParenExpr):
        return _compared(node.expr)
    if not isinstance(node, BinaryExpr):
        inner = getattr(node, "expr", None) or getattr(node, "args", None) or []
        return [number for each in (inner if isinstance(inner, list) else [inner]) for number in _compared(each)]
    limits = _compared(node.lhs) + _compared(node.rhs)
    number = _number(node.rhs) if str(node.op) in COMPARISONS else None
    return limits if number is None else [*limits, number]


def _number(node: Any) -> float | None:
    """The value of a constant, or the factor of a product with a series."""
    if isinstance(node, NumberLiteral):
        return float(node.val)
    if isinstance(node, ParenExpr):
        return _number(node.expr)
    if isinstance(node, BinaryExpr) and str(node.op) == "*":
        left, right = _number(node.lhs), _number(node.rhs)
        return left if right is None else right if left is None else left * right
    return None
