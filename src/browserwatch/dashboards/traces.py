"""Panels that ask the store of traces: found traces, one trace, and the flow between services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import dashboard, table, tempo, text
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.tempo import SearchTableType
from grafana_foundation_sdk.models.text import TextMode

from browserwatch.dashboards.catalog import Catalog
from browserwatch.dashboards.panels import HEADER_WIDTH, Panel
from browserwatch.dashboards.places import board_link

TEMPO: Final = models.DataSourceRef(type_val="tempo", uid="${traces}")
LIMIT: Final = 20
NOTHING: Final = "no such trace, or no Tempo to ask"
# The column as Tempo's data source names it.
TRACE_ID: Final = "traceID"
OPEN: Final = {"title": "Show this trace", "url": f"{board_link('traces')}&var-trace_id=${{__value.raw}}"}


def _query(kind: str, text: str) -> tempo.TempoQuery:
    return tempo.TempoQuery().ref_id("A").datasource(TEMPO).query_type(kind).query(text).filters([])


@dataclass(frozen=True, slots=True)
class FoundTraces(Panel):
    """Traces that a TraceQL query finds, the newest first; their ids open the trace on the dashboard of traces."""

    width: int = 24
    query: str = ""

    def empty(self) -> str:
        """Text where there is no answer."""
        return NOTHING

    def build(self, catalog: Catalog) -> table.Panel:
        """The panel without its place."""
        del catalog  # asks no metric
        found = _query("traceql", self.query).limit(LIMIT).table_type(SearchTableType.TRACES)
        panel = table.Panel().datasource(TEMPO).with_target(found).min_width(HEADER_WIDTH)
        return panel.override_by_name(TRACE_ID, [models.DynamicConfigValue(id_val="links", value=[OPEN])])

    @property
    def source(self) -> models.DataSourceRef:
        """The store of traces."""
        return TEMPO

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


@dataclass(frozen=True, slots=True)
class Note(Panel):
    """A text: what panels beside it need, where they can't say so themselves."""

    width: int = 24
    height: int = 3
    words: str = ""

    def build(self, catalog: Catalog) -> text.Panel:
        """The panel without its place."""
        del catalog  # asks no metric
        return text.Panel().mode(TextMode.MARKDOWN).content(self.words).transparent(True)  # noqa: FBT003  # the SDK's way

    @property
    def source(self) -> None:
        """Nobody is asked."""
        return
