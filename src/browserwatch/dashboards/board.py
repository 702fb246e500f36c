"""Dashboards: rows of panels, with variables, links and places."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, cast

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as models

from browserwatch.dashboards.catalog import Catalog
from browserwatch.dashboards.panels import PROMETHEUS, Panel
from browserwatch.dashboards.places import TAG, board_link, board_uid

COLUMNS: Final = 24


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading, laid out from left to right."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard; `question` is what it answers as a whole."""

    name: str
    title: str
    question: str
    rows: tuple[Row, ...]
    variables: tuple[dashboard.QueryVariable | dashboard.TextBoxVariable, ...] = ()

    def build(self, catalog: Catalog) -> models.Dashboard:
        """The dashboard as Grafana reads it.

        Raises:
            UnknownSeriesError: a panel asks for a metric, a label or a value that does not exist.
        """
        built = dashboard.Dashboard(self.title).uid(board_uid(self.name)).description(self.question).tags([TAG])
        built = built.editable().timezone("browser").refresh("30s").time("now-1h", "now")
        built = built.tooltip(models.DashboardCursorSync.CROSSHAIR).link(_links()).variables([*_variables()])
        for variable in self.variables:
            built = built.with_variable(variable)
        for number, (place, item) in enumerate(_laid_out(self.rows), start=1):
            if isinstance(item, Row):
                built = built.with_row(dashboard.Row(item.title).id(number).grid_pos(place))
            else:
                built = built.with_panel(_finished(item, catalog, number, place))
        return built.build()


def _laid_out(rows: tuple[Row, ...]) -> Iterator[tuple[models.GridPos, Row | Panel]]:
    top = 0
    for row in rows:
        yield models.GridPos(x=0, y=top, w=COLUMNS, h=1), row
        top, left, tallest = top + 1, 0, 0
        for panel in row.panels:
            if left + panel.width > COLUMNS:
                top, left, tallest = top + tallest, 0, 0
            yield models.GridPos(x=left, y=top, w=panel.width, h=panel.height), panel
            left, tallest = left + panel.width, max(tallest, panel.height)
        top += tallest


def _finished(panel: Panel, catalog: Catalog, number: int, place: models.GridPos) -> dashboard.Panel:
    # The builders of all panel types have these methods and no common base.
    built = cast("dashboard.Panel", panel.build(catalog))
    built = built.title(panel.title).description(panel.description).id(number).grid_pos(place)
    if panel.source is None:
        return built
    built = built.datasource(panel.source).unit(panel.unit).thresholds(panel.thresholds())
    if panel.empty():
        built = built.no_value(panel.empty())
    if panel.detail:
        link = dashboard.DashboardLink("More").type(models.DashboardLinkType.LINK).url(board_link(panel.detail))
        built = built.links([link])
    return built


def _links() -> dashboard.DashboardLink:
    link = dashboard.DashboardLink("browserwatch").type(models.DashboardLinkType.DASHBOARDS).tags([TAG])
    return link.keep_time(True).include_vars(True)  # noqa: FBT003  # the SDK's way


def _variables() -> tuple[dashboard.DatasourceVariable | dashboard.QueryVariable, ...]:
    metrics = dashboard.DatasourceVariable("datasource").label("Metrics").type("prometheus")
    traces = dashboard.DatasourceVariable("traces").label("Traces").type("tempo")
    # A gauge without labels is there from the first scrape on.
    return (
        metrics,
        traces,
        choice("job", "Job", "label_values(browser_active_agents, job)"),
        # Any at all, so that what has other instances, such as the collector, is there, too.
        choice("instance", "Instance", 'label_values(browser_active_agents{job=~"$job"}, instance)').all_value(".*"),
    )


def choice(name: str, label: str, query: str) -> dashboard.QueryVariable:
    """A variable with the values that a label has; all of them at first."""
    variable = dashboard.QueryVariable(name).label(label).datasource(PROMETHEUS).query(query)
    variable = variable.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(models.VariableSort.ALPHABETICAL_ASC)
    everything = models.VariableOption(text="All", value="$__all")
    return variable.multi(True).include_all(True).current(everything)  # noqa: FBT003  # the SDK's way


def as_json(value: object) -> Any:
    """The SDK's objects as plain ones."""
    convert = getattr(value, "to_json", None)
    if callable(convert):
        return as_json(convert())
    if isinstance(value, dict):
        return {key: as_json(one) for key, one in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [as_json(one) for one in cast("list[object]", value)]
    return value
