"""What a kind of panel gets in order to draw itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dashboards.drawing import names, variables
from dashboards.drawing.canvas import Box, Canvas
from dashboards.drawing.source import Prometheus, Series, Span

Json = Mapping[str, Any]
TEXT, DIM, GRID, PANEL, PAGE, EDGE, FAULT = (
    "#ccccdc",
    "#8e8e99",
    "#2b2d31",
    "#181b1f",
    "#111217",
    "#24272c",
    "#f2495c",
)


@dataclass(frozen=True)
class Asking:
    """Where a page's expressions are answered, for which time, and with which values of variables."""

    prometheus: Prometheus
    span: Span
    variables: Mapping[str, str]
    marks: Sequence[tuple[float, float]] = ()
    """Times that annotations cover."""
    lines: Callable[[str], list[str]] | None = None
    """Log lines that an expression for Loki finds."""

    def answers(self, panel: Json, width: float) -> dict[str, list[Series]]:
        """What each target finds, by its letter. Raises ``source.Failed``."""
        return {target["refId"]: self._answer(panel, target, width) for target in panel["targets"]}

    def step(self, panel: Json, width: float) -> int:
        """Distance of a graph's points in seconds."""
        least = int(str(panel.get("interval", "0s")).removesuffix("s"))
        return self.span.step_seconds(round(width), least)

    def filled(self, expr: str, step: int) -> str:
        """With values in place of variables."""
        return variables.filled(expr, self.variables, self.span, step)

    def _answer(self, panel: Json, target: Json, width: float) -> list[Series]:
        step = self.step(panel, width)
        expr = self.filled(target["expr"], step)
        if target.get("instant"):
            return self.prometheus.instant(expr, self.span.end)
        return self.prometheus.over(expr, self.span, step)


@dataclass
class Look:
    """One panel on the picture, below its title. said: what the person who draws should know about it."""

    canvas: Canvas
    box: Box
    panel: Json
    asking: Asking
    said: list[str] = field(default_factory=list)

    @property
    def config(self) -> Json:
        """Settings of all fields."""
        defaults: Json = self.panel["fieldConfig"]["defaults"]
        return defaults

    def named(self) -> list[tuple[str, Series]]:
        """Every series under the name that a reader sees, in the order of the queries."""
        forms = {target["refId"]: target.get("legendFormat", "") for target in self.panel["targets"]}
        changes = self.panel.get("transformations", [])
        answers = self.asking.answers(self.panel, self.box.width)
        return [
            (names.renamed(names.legend(series.labels, forms[ref]), changes), series)
            for ref, answer in answers.items()
            for series in answer
        ]

    def nothing(self) -> None:
        """In the middle: the panel's word for no data."""
        self.said.append("no data")
        at = (self.box.x + self.box.width / 2, self.box.y + self.box.height / 2)
        self.canvas.text(at, self.config["noValue"], color=DIM, anchor="mm", most=self.box.width - 16)
