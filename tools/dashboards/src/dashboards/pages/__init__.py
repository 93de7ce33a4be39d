"""The pages, from the whole city down to one document."""

from collections.abc import Callable

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards.levels import Rules
from dashboards.pages.archive import archive
from dashboards.pages.document import document
from dashboards.pages.notify import notify
from dashboards.pages.overview import overview
from dashboards.pages.pipeline import pipeline
from dashboards.pages.queues import queues
from dashboards.pages.runtime import runtime
from dashboards.pages.security import security
from dashboards.pages.signature import signature
from dashboards.pages.slo import slo
from dashboards.pages.unit import unit

PAGES: tuple[Callable[[Rules], Dashboard], ...] = (
    overview,
    pipeline,
    queues,
    unit,
    signature,
    archive,
    notify,
    slo,
    document,
    runtime,
    security,
)
