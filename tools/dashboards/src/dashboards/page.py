"""One page: rows of panels under headings, laid out from left to right, with the way to all other pages."""

from collections.abc import Sequence

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as model

from dashboards.panels import Panel
from dashboards.sources import METRICS

TAG = "truc-lien-thong"
Row = tuple[str, Sequence[Panel]]


def page(
    uid: str,
    title: str,
    about: str,
    rows: Sequence[Row],
    *,
    variables: Sequence[Builder[model.VariableModel]] = (),
    sources: Sequence[Builder[model.VariableModel]] = (METRICS.chooser(),),
    hours: int = 6,
) -> build.Dashboard:
    """Shown in Vietnamese time, refreshed every half minute, not to be changed by hand. hours: shown at first."""
    dashboard = (
        build.Dashboard(title)
        .uid(uid)
        .description(about)
        .tags([TAG])
        .timezone("Asia/Ho_Chi_Minh")
        .week_start("monday")
        .time(f"now-{hours}h", "now")
        .refresh("30s")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .readonly()
        .link(_others())
        .annotation(_deployments())
    )
    for variable in (*sources, *variables):
        dashboard.with_variable(variable)
    number = 0
    for heading, panels in rows:
        dashboard.with_row(build.Row(heading))
        for panel in panels:
            number += 1
            panel.build().id_val = number
            dashboard.with_panel(panel)
    return dashboard


def _others() -> build.DashboardLink:
    link = build.DashboardLink("Các trang khác").type(model.DashboardLinkType.DASHBOARDS).tags([TAG])
    return link.as_dropdown(True).keep_time(True).include_vars(False).tooltip("Mở một trang khác của trục liên thông")


def _deployments() -> build.AnnotationQuery:
    """A mark where a service begins to run another version."""
    running = "max by (service, version) (trunk_build_info)"
    return (
        build.AnnotationQuery()
        .name("Đổi phiên bản")
        .datasource(METRICS.ref)
        .enable(True)
        .icon_color("blue")
        .expr(f"{running} unless {running.replace('trunk_build_info', 'trunk_build_info offset 5m')}")
    )
