"""The dashboards as they are shipped: complete, readable, and asking only for what exists."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from grafana_foundation_sdk.models.dashboard import Dashboard

from browserwatch.api.telemetry import LABELS, REQUEST_DURATION
from browserwatch.dashboards.board import Board, Row, as_json
from browserwatch.dashboards.catalog import Catalog, UnknownSeriesError, known_series
from browserwatch.dashboards.foreign import REQUEST, REQUESTS, TARGET
from browserwatch.dashboards.generate import BOARDS, generated
from browserwatch.dashboards.panels import Lines
from browserwatch.dashboards.places import JOBS, SERVICE_JOB
from browserwatch.dashboards.promql import check
from browserwatch.dashboards.rules.recording import with_recordings
from browserwatch.dashboards.signal import Signal
from tests.dashboards.tools import DEPLOY, ROOT, run_tool

FILES = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))
SHIPPED: dict[str, dict[str, Any]] = {path.stem: json.loads(path.read_text()) for path in FILES}
PANELS = [
    pytest.param(panel, id=f"{name}: {panel['title']}")
    for name, board in SHIPPED.items()
    for panel in board["panels"]
    if panel["type"] not in ("row", "text")
]
NOTES = [panel for board in SHIPPED.values() for panel in board["panels"] if panel["type"] == "text"]
EVERY_BOARD = pytest.mark.parametrize("board", [pytest.param(board, id=name) for name, board in SHIPPED.items()])
EVERY_PANEL = pytest.mark.parametrize("panel", PANELS)
# Not in Grafana 9, or without data there.
AVOIDED = {"trend", "xychart"}
VALUES = {"$__rate_interval": "5m", "$__range": "1h", "$job": "(a|b)", "$instance": ".*", "$service": ".*"}
# At 1440 pixels, without the menu and the margins.
COLUMN_PIXELS = 58
COLUMN_LEAST = 150
NARROWEST = {
    "stat": 4,
    "timeseries": 6,
    "bargauge": 6,
    "table": 12,
    "heatmap": 12,
    "nodeGraph": 12,
    "traces": 24,
    "text": 24,
}
FLATTEST = {"stat": 4, "table": 6, "text": 3}


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return with_recordings(known_series())


def expressions(panel: dict[str, Any]) -> list[str]:
    """What a panel asks of Prometheus."""
    return [target["expr"] for target in panel.get("targets", []) if "expr" in target]


def filled(expression: str) -> str:
    """An expression as Grafana would send it."""
    for variable, value in VALUES.items():
        expression = expression.replace(variable, value)
    return expression


def test_all_eight_are_shipped() -> None:
    """Each dashboard has its file, and no file is left over."""
    assert set(SHIPPED) == {board.name for board in BOARDS}
    assert len(SHIPPED) == 8


def test_files_are_up_to_date() -> None:
    """`python scripts/dashboards.py --check` agrees with what is committed."""
    done = subprocess.run(
        [sys.executable, "scripts/dashboards.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_check_shows_what_would_change(tmp_path: Path) -> None:
    """A file that was edited by hand is named, with its difference."""
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    (scripts / "dashboards.py").write_text((ROOT / "scripts" / "dashboards.py").read_text())
    for name, text in generated().items():
        path = tmp_path / "deploy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("Running", "Walking").replace("orange", "purple", 1))
    done = subprocess.run(
        [sys.executable, scripts / "dashboards.py", "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "purple" in done.stderr
    assert "deploy/grafana/dashboards/overview.json" in done.stderr


@EVERY_BOARD
def test_grafana_types_accept_it(board: dict[str, Any]) -> None:
    """The SDK's model of a dashboard reads the file and writes the same."""
    assert as_json(Dashboard.from_json(board)) == board


@EVERY_PANEL
def test_panel_is_complete(panel: dict[str, Any]) -> None:
    """Each panel has an id, a description with a question, a unit, thresholds, and a data source by variable."""
    assert panel["id"] > 0
    assert "?" in panel["description"]
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert panel["targets"]
    for source in (panel["datasource"], *(target["datasource"] for target in panel["targets"])):
        assert source in ({"type": "prometheus", "uid": "${datasource}"}, {"type": "tempo", "uid": "${traces}"})
    assert panel["type"] not in AVOIDED


def test_notes_say_something() -> None:
    """A text asks nobody, and is the one kind of panel that shows no data."""
    assert NOTES
    assert all(note["options"]["content"] and "datasource" not in note for note in NOTES)


@EVERY_PANEL
def test_no_answer_is_neither_good_nor_bad(panel: dict[str, Any]) -> None:
    """A number that is not there is said in words, and not in the colour of the lowest value."""
    words = panel["fieldConfig"]["defaults"].get("noValue")
    if panel["type"] == "stat" and words:
        mapped = [one for one in panel["fieldConfig"]["defaults"]["mappings"] if one["type"] == "special"]
        assert [one["options"]["result"] for one in mapped] == [{"text": words, "color": "text"}]


@EVERY_PANEL
def test_heat_maps_keep_the_buckets_of_prometheus(panel: dict[str, Any]) -> None:
    """Grafana must not compute buckets of buckets."""
    if panel["type"] == "heatmap":
        assert panel["options"]["calculate"] is False
        assert [target["format"] for target in panel["targets"]] == ["heatmap"]


@EVERY_PANEL
def test_table_columns_are_wide_enough(panel: dict[str, Any]) -> None:
    """Columns under 150 pixels cut names short, and all of them fit without scrolling: labels, and a value per query."""
    if panel["type"] == "table":
        assert panel["fieldConfig"]["defaults"]["custom"]["minWidth"] >= COLUMN_LEAST
        grouped = re.findall(r"by \(([^)]+)\)", panel["targets"][0].get("expr", ""))
        columns = len(grouped[0].split(",")) + len(panel["targets"]) if grouped else 5
        assert columns * COLUMN_LEAST <= panel["gridPos"]["w"] * COLUMN_PIXELS


@EVERY_PANEL
def test_queries_ask_for_known_series(panel: dict[str, Any], catalog: Catalog) -> None:
    """Metrics, labels and the values of closed labels exist, and our own are narrowed to job and instance."""
    for expression in expressions(panel):
        for selection in check(expression, catalog):
            scope = catalog[selection.name].scope
            assert scope.keys() <= {label for label, _, _ in selection.matchers}, expression


@EVERY_BOARD
def test_ids_are_unique_and_places_do_not_overlap(board: dict[str, Any]) -> None:
    """Panels lie within 24 columns, each on its own."""
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [panel["gridPos"] for panel in panels]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in itertools.combinations(places, 2):
        apart = (
            one["x"] + one["w"] <= other["x"]
            or other["x"] + other["w"] <= one["x"]
            or one["y"] + one["h"] <= other["y"]
            or other["y"] + other["h"] <= one["y"]
        )
        assert apart, (one, other)


@EVERY_BOARD
def test_panels_are_large_enough(board: dict[str, Any]) -> None:
    """On a screen of 1440 by 900 pixels a panel can be read, and the first numbers are above the fold."""
    panels = [panel for panel in board["panels"] if panel["type"] != "row"]
    for panel in panels:
        place = panel["gridPos"]
        assert place["w"] >= NARROWEST.get(panel["type"], 24), panel["title"]
        assert place["h"] >= FLATTEST.get(panel["type"], 7), panel["title"]
    assert panels[0]["gridPos"]["y"] == 1


@EVERY_BOARD
def test_no_row_is_empty(board: dict[str, Any]) -> None:
    """A heading has panels under it."""
    kinds = [panel["type"] for panel in board["panels"]] + ["row"]
    assert kinds[0] == "row"
    assert not any(one == other == "row" for one, other in itertools.pairwise(kinds))


@EVERY_BOARD
def test_links_lead_to_dashboards_that_exist(board: dict[str, Any]) -> None:
    """Each dashboard links to all others by their tag, and panels to dashboards that we ship."""
    uids = {other["uid"] for other in SHIPPED.values()}
    tags = [tag for link in board["links"] for tag in link["tags"]]
    assert set(tags) <= set(board["tags"])
    assert tags
    linked = re.findall(r'"url": "/d/([\w-]+)', json.dumps(board))
    assert set(linked) <= uids


@EVERY_PANEL
def test_found_traces_open_on_our_dashboard(panel: dict[str, Any]) -> None:
    """The id of a trace that was found is a link to the view of that trace."""
    if panel["type"] == "table" and panel["datasource"]["type"] == "tempo":
        (override,) = panel["fieldConfig"]["overrides"]
        (link,) = override["properties"][0]["value"]
        assert override["matcher"] == {"id": "byName", "options": "traceID"}
        assert link["url"].startswith("/d/browserwatch-traces?")
        assert link["url"].endswith("&var-trace_id=${__value.raw}")


@EVERY_BOARD
def test_variables(board: dict[str, Any]) -> None:
    """Data sources, job and instance can be chosen, and every variable in use is there."""
    names = [variable["name"] for variable in board["templating"]["list"]]
    assert names[:4] == ["datasource", "traces", "job", "instance"]
    used = set(re.findall(r"\$\{?([a-z_]+)", json.dumps(board["panels"])))
    assert used - {"__rate_interval", "__range", "__url_time_range", "__value"} <= set(names)


@EVERY_BOARD
def test_all_jobs_are_those_with_our_metrics(board: dict[str, Any]) -> None:
    """All jobs are those listed, for others have `up`, too; all instances are any, for the collector has none of ours."""
    variables = {variable["name"]: variable for variable in board["templating"]["list"]}
    assert variables["job"]["includeAll"]
    assert "allValue" not in variables["job"]
    assert variables["instance"]["allValue"] == ".*"


@EVERY_PANEL
def test_what_every_target_has_is_asked_of_ours(panel: dict[str, Any], catalog: Catalog) -> None:
    """In a Prometheus of many teams their targets are none of our business; the pipeline's own are."""
    for expression in expressions(panel):
        for selection in check(expression, catalog):
            if selection.name in ("up", "scrape_duration_seconds", "scrape_samples_scraped"):
                (jobs,) = [value for label, operator, value in selection.matchers if (label, operator) == ("job", "=~")]
                assert set(jobs.split("|")) == {"$job", *JOBS} - {SERVICE_JOB}


def test_requests_are_named_as_the_service_names_them() -> None:
    """Renaming the metric of HTTP requests, or a label of it, breaks more than a panel."""
    assert f"{REQUEST_DURATION.replace('.', '_')}_seconds" == REQUESTS
    assert {label.replace(".", "_") for label in LABELS} == REQUEST.keys() - TARGET.keys()


def test_variables_ask_for_known_series(catalog: Catalog) -> None:
    """`label_values` of a variable names a series and a label of it."""
    for board in SHIPPED.values():
        for variable in board["templating"]["list"]:
            if variable["type"] == "query":
                found = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"])
                assert found is not None
                assert check(f"count by ({found[2]}) ({found[1]})", catalog)


def test_prometheus_understands_every_query(tmp_path: Path) -> None:
    """`promtool check rules` parses what Grafana would send."""
    found = sorted({filled(query) for board in SHIPPED.values() for p in board["panels"] for query in expressions(p)})
    assert len(found) > 80
    rules = [{"record": f"query:{number}", "expr": expression} for number, expression in enumerate(found)]
    path = tmp_path / "queries.yaml"
    path.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    done = run_tool("promtool", "check", "rules", path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "name",
    ["browser_active_agents", "browser_session_reuse_total", "browser_runs_total", "otelcol_exporter_queue_size"],
)
def test_a_renamed_metric_breaks_generation(name: str) -> None:
    """Nothing is written when a metric that is asked for does not exist; the error names it."""
    with pytest.raises(UnknownSeriesError, match=name):
        generated(known_series().without(name))


def test_a_mistyped_label_value_breaks_generation(catalog: Catalog) -> None:
    """A panel that would be empty for ever is an error."""
    signal = Signal('sum(browser_pool_agents{state="busy"})', "short", "Agents.")
    board = Board("x", "X", "?", (Row("Row", (Lines("Panel", "How many?", (signal,)),)),))
    with pytest.raises(UnknownSeriesError, match="busy"):
        board.build(catalog)


def test_a_panel_has_one_unit(catalog: Catalog) -> None:
    """Seconds and bytes on one axis are an error."""
    signals = (
        Signal("browser_redis_ping_seconds", "s", "Ping."),
        Signal("sum(browser_process_memory_bytes)", "bytes", "Memory."),
    )
    board = Board("x", "X", "?", (Row("Row", (Lines("Panel", "What?", signals),)),))
    with pytest.raises(ValueError, match="Panel 'Panel' mixes"):
        board.build(catalog)


def test_every_own_metric_is_shown_or_left_out_on_purpose(catalog: Catalog) -> None:
    """A metric that nobody looks at is waste, or a dashboard that lacks a panel."""
    shown = {
        selection.name
        for board in SHIPPED.values()
        for panel in board["panels"]
        for expression in expressions(panel)
        for selection in check(expression, catalog)
    }
    bases = {re.sub(r"_(bucket|count|sum)$", "", name) for name in shown}
    own = {name for name in known_series().names() if name.startswith(("browser_", "gen_ai_"))}
    assert {re.sub(r"_(bucket|count|sum)$", "", name) for name in own} - bases == set()
