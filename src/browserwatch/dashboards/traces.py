"""Panels that ask the store of traces: found traces, one trace, and the flow between services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import dashboard, table, tempo
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.tempo import SearchTableType

from browserwatch.dashboards.catalog import Catalog
from browserwatch.dashboards.panels import HEADER_WIDTH, Panel

TEMPO: Final = models.DataSourceRef(type_val="tempo", uid="${traces}")
LIMIT: Final = 20


def _query(kind: str, text: str) -> tempo.TempoQuery:
    return tempo.TempoQuery().ref_id("A").datasource(TEMPO).query_type(kind).query(text).filters([])


@dataclass(frozen=True, slots=True)
class FoundTraces(Panel):
    """Traces that a TraceQL query finds, the newest first."""

    query: str = ""
    nothing: str = "no such trace"

    def empty(self) -> str:
        """Text where there is no answer."""
        return self.nothing

    def build(self, catalog: Catalog) -> table.Panel:
        """The panel without its place."""
        del catalog  # asks no metric
        found = _query("traceql", self.query).limit(LIMIT).table_type(SearchTableType.TRACES)
        return table.Panel().datasource(TEMPO).with_target(found).min_width(HEADER_WIDTH)

    @property
    def unit(self) -> str:
        """Columns have units of their own, which the data source gives."""
        return "none"


@dataclass(frozen=True, slots=True)
class TraceView(FoundTraces):
    """The spans of the trace whose id is in the variable `trace_id`, in the panel type given."""

    kind: str = "traces"
    query_type: str = "traceql"

    def build(self, catalog: Catalog) -> dashboard.Panel:  # type: ignore[override]
        """The panel without its place."""
        del catalog  # asks no metric
        return dashboard.Panel().type(self.kind).datasource(TEMPO).with_target(_query(self.query_type, self.query))
