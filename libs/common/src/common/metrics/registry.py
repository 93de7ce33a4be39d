"""The registry that ``/metrics`` serves, and the edges of histograms."""

from prometheus_client import CollectorRegistry, disable_created_metrics

# Otherwise every counter has a further series, which no dashboard uses.
disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY = CollectorRegistry(auto_describe=True)

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600)
"""Bucket edges for work of machines; 60, 300 and 900 are the delivery budgets of the three urgencies."""

HOUR, DAY = 3600, 86_400
ANSWER_SECONDS = (60, 300, 900, HOUR, 2 * HOUR, 4 * HOUR, 8 * HOUR, DAY, 2 * DAY, 3 * DAY, 5 * DAY, 10 * DAY)
"""Bucket edges for work of people."""
