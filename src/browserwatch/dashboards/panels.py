"""Panels: how signals are shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    heatmap,
    prometheus,
    stat,
    table,
    text,
    timeseries,
)
from grafana_foundation_sdk.models import common as shown
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import heatmap as heat
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from browserwatch.dashboards.catalog import Catalog
from browserwatch.dashboards.promql import scoped
from browserwatch.dashboards.signal import Signal

PROMETHEUS: Final = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
Built: TypeAlias = (
    bargauge.Panel | dashboard.Panel | heatmap.Panel | stat.Panel | table.Panel | text.Panel | timeseries.Panel
)
Steps: TypeAlias = tuple[tuple[float, str], ...]
OTHERWISE: Final = "green"
HEADER_WIDTH: Final = 160
# The same thing has the same colour everywhere, in the light theme, too.
COLOURED: Final = frozenset({"{{outcome}}", "{{result}}"})
COLORS: Final = {
    "success": "green",
    "ok": "green",
    "exported": "green",
    "failure": "orange",
    "error": "red",
    "failed": "red",
    "timeout": "purple",
    "cancelled": "#808080",
}
APART: Final = [
    models.DynamicConfigValue(id_val="custom.stacking", value={"mode": "none"}),
    models.DynamicConfigValue(id_val="custom.fillOpacity", value=0),
    models.DynamicConfigValue(id_val="custom.lineStyle", value={"fill": "dash", "dash": [8, 8]}),
    models.DynamicConfigValue(id_val="color", value={"mode": "fixed", "fixedColor": "red"}),
]


@dataclass(frozen=True, slots=True)
class Panel:
    """What all panels have.

    Attributes:
        question: what somebody who looks at it wants to know.
        steps: thresholds, as (from this value on, colour).
        detail: the dashboard to open for more.
    """

    title: str
    question: str
    signals: tuple[Signal, ...]
    width: int = 12
    height: int = 8
    steps: Steps = ()
    low: str = OTHERWISE
    detail: str = ""

    def build(self, catalog: Catalog) -> Built:
        """The panel without its place."""
        raise NotImplementedError

    @property
    def source(self) -> models.DataSourceRef | None:
        """Who is asked; nobody by a panel that shows no data."""
        return PROMETHEUS

    @property
    def unit(self) -> str:
        """Unit of all its signals."""
        units = {signal.unit for signal in self.signals}
        if len(units) != 1:
            raise ValueError(f"Panel {self.title!r} mixes the units {sorted(units)}; a panel has one axis.")
        return units.pop()

    @property
    def description(self) -> str:
        """The question, then what each signal says."""
        texts = dict.fromkeys(signal.text for signal in self.signals)
        return " ".join([self.question, *texts])

    def thresholds(self) -> dashboard.ThresholdsConfig:
        """The steps as Grafana has them."""
        steps = [models.Threshold(value=None, color=self.low)]
        steps += [models.Threshold(value=value, color=color) for value, color in self.steps]
        return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)

    def queries(
        self, catalog: Catalog, form: PromQueryFormat = PromQueryFormat.TIME_SERIES
    ) -> list[prometheus.Dataquery]:
        """The signals as queries: those over the time shown are asked once, the others for every point."""
        made: list[prometheus.Dataquery] = []
        for position, signal in enumerate(self.signals):
            query = prometheus.Dataquery().expr(scoped(signal.expression, catalog)).ref_id(chr(ord("A") + position))
            query = query.datasource(PROMETHEUS).legend_format(signal.legend or "__auto").format(form)
            once = form is PromQueryFormat.TABLE or "$__range]" in signal.expression
            query = query.instant() if once else query.range()
            made.append(query.exemplar(True) if signal.exemplars else query)  # noqa: FBT003  # the SDK's way
        return made

    def empty(self) -> str:
        """Text where there is no answer."""
        return next((signal.empty for signal in self.signals if signal.empty), "")


@dataclass(frozen=True, slots=True)
class Lines(Panel):
    """Values over time."""

    stacked: bool = False
    apart: str = ""
    """A line that is not stacked with the others: what they are held against."""

    def build(self, catalog: Catalog) -> timeseries.Panel:
        """The panel without its place."""
        panel = timeseries.Panel().targets([*self.queries(catalog)]).min(0).line_width(1)
        panel = panel.fill_opacity(25 if self.stacked else 8).show_points(shown.VisibilityMode.NEVER)
        mode = shown.StackingMode.NORMAL if self.stacked else shown.StackingMode.NONE
        panel = panel.stacking(common.StackingConfig().mode(mode))
        style = shown.GraphThresholdsStyleMode.DASHED if self.steps else shown.GraphThresholdsStyleMode.OFF
        panel = panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(style))
        panel = panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.PALETTE_CLASSIC))
        panel = panel.tooltip(
            common.VizTooltipOptions().mode(shown.TooltipDisplayMode.MULTI).sort(shown.SortOrder.DESCENDING)
        )
        for name, color in self._colors():
            fixed = {"mode": "fixed", "fixedColor": color}
            panel = panel.override_by_name(name, [models.DynamicConfigValue(id_val="color", value=fixed)])
        if self.apart:
            panel = panel.override_by_name(self.apart, APART)
        legend = common.VizLegendOptions().show_legend(True).display_mode(shown.LegendDisplayMode.LIST)  # noqa: FBT003
        return panel.legend(legend.placement(shown.LegendPlacement.BOTTOM).calcs([]))

    def _colors(self) -> list[tuple[str, str]]:
        coloured = any(signal.legend in COLOURED for signal in self.signals)
        return list(COLORS.items()) if coloured else []


@dataclass(frozen=True, slots=True)
class Number(Panel):
    """The last value, large, with its recent course where it has one."""

    width: int = 4
    height: int = 4
    texts: Mapping[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])

    def build(self, catalog: Catalog) -> stat.Panel:
        """The panel without its place."""
        panel = stat.Panel().targets([*self.queries(catalog)]).color_mode(shown.BigValueColorMode.VALUE)
        once = any("$__range]" in signal.expression for signal in self.signals)
        panel = panel.graph_mode(shown.BigValueGraphMode.NONE if once else shown.BigValueGraphMode.AREA)
        panel = panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        panel = panel.mappings([*self._mappings()])
        return panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))

    def _mappings(self) -> Iterator[models.ValueMap | models.SpecialValueMap]:
        if self.texts:
            results = {
                value: models.ValueMappingResult(text=text, color=color) for value, (text, color) in self.texts.items()
            }
            yield models.ValueMap(options=results)
        if self.empty():
            # Without this the text has the colour of the lowest value, and that may be red.
            nothing = models.ValueMappingResult(text=self.empty(), color="text")
            match = models.SpecialValueMatch.NULL_AND_NAN
            yield models.SpecialValueMap(options=models.DashboardSpecialValueMapOptions(match=match, result=nothing))


@dataclass(frozen=True, slots=True)
class Heat(Panel):
    """A histogram over time, with exemplars that open their trace."""

    def build(self, catalog: Catalog) -> heatmap.Panel:
        """The panel without its place."""
        panel = heatmap.Panel().targets([*self.queries(catalog, PromQueryFormat.HEATMAP)])
        # Prometheus has made the buckets: Grafana must not make others of them.
        panel = panel.calculate(False).y_axis(heatmap.YAxisConfig().unit(self.unit))  # noqa: FBT003
        return panel.color(
            heatmap.HeatmapColorOptions().mode(heat.HeatmapColorMode.SCHEME).scheme("Blues").exponent(0.5).steps(32)
        )


@dataclass(frozen=True, slots=True)
class Bars(Panel):
    """Values side by side, the largest first."""

    def build(self, catalog: Catalog) -> bargauge.Panel:
        """The panel without its place."""
        panel = bargauge.Panel().targets([*self.queries(catalog)]).orientation(shown.VizOrientation.HORIZONTAL)
        panel = panel.display_mode(shown.BarGaugeDisplayMode.BASIC).min(0)
        if self.unit == "percentunit":
            panel = panel.max(1)
        panel = panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        return panel.color_scheme(dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS))


@dataclass(frozen=True, slots=True)
class Table(Panel):
    """Values with their labels as columns; several signals are joined into one row per set of labels."""

    labels_only: bool = False
    value_names: Mapping[str, str] = field(default_factory=dict[str, str])

    def build(self, catalog: Catalog) -> table.Panel:
        """The panel without its place."""
        panel = table.Panel().targets([*self.queries(catalog, PromQueryFormat.TABLE)]).min_width(HEADER_WIDTH)
        renamed = {"Value": self.title, **{f"Value #{ref}": name for ref, name in self.value_names.items()}}
        merge = models.DataTransformerConfig(id_val="merge", options={})
        organize = models.DataTransformerConfig(
            id_val="organize",
            options={"excludeByName": {"Time": True, "Value": self.labels_only}, "renameByName": renamed},
        )
        return panel.with_transformation(merge).with_transformation(organize)
