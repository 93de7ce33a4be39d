"""The four sources of data, as variables of each page, with the fixed uids of Grafana's provisioning as default."""

from dataclasses import dataclass

from grafana_foundation_sdk.builders import dashboard as build
from grafana_foundation_sdk.models.dashboard import DataSourceRef, VariableOption, VariableRefresh


@dataclass(frozen=True, slots=True)
class Source:
    """One source. variable: its name on the pages; uid: of deploy/monitoring/grafana/provisioning."""

    variable: str
    kind: str
    uid: str
    label: str

    @property
    def ref(self) -> DataSourceRef:
        """As panels name it."""
        return DataSourceRef(self.kind, f"${{{self.variable}}}")

    def chooser(self) -> build.DatasourceVariable:
        """The variable."""
        chosen = VariableOption(selected=True, text=self.kind.capitalize(), value=self.uid)
        return build.DatasourceVariable(self.variable).label(self.label).type(self.kind).current(chosen)


METRICS = Source("datasource", "prometheus", "prometheus", "Nguồn số liệu")
LOGS = Source("logs", "loki", "loki", "Nguồn nhật ký")
TRACES = Source("traces", "tempo", "tempo", "Nguồn vết")


def choice(name: str, label: str, about: str, query: str, *, several: bool) -> build.QueryVariable:
    """A variable whose values come from a metric; read again when the page's time changes."""
    variable = (
        build.QueryVariable(name)
        .label(label)
        .description(about)
        .datasource(METRICS.ref)
        .query(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    )
    return variable.multi(True).include_all(True).all_value(".*") if several else variable
