"""Every alert fires when it should, stays silent when it should, and says what to do."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from browserwatch.dashboards.generate import BOARDS
from browserwatch.dashboards.rules.alert import Alert
from browserwatch.dashboards.rules.groups import ALERTS
from browserwatch.settings import ServiceSettings
from tests.dashboards.cases import CASES, SLOW, Case
from tests.dashboards.tools import DEPLOY, ROOT, run_tool

RULES = DEPLOY / "prometheus"
HEADINGS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]


def recorded_groups() -> list[dict[str, Any]]:
    """The recording rules as they are shipped."""
    return yaml.safe_load((RULES / "rules" / "browserwatch.yaml").read_text())["groups"]


def shipped_alerts() -> dict[str, dict[str, Any]]:
    """The alerts as they are shipped, by name."""
    groups = yaml.safe_load((RULES / "alerts" / "browserwatch.yaml").read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def run_stories(case: Case, directory: Path, *stories: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Run stories of promtool with the one alert that they are about, and with the recording rules if it needs them."""
    alert = shipped_alerts()[f"Browserwatch{case.alert}"]
    groups = recorded_groups() if "job:" in alert["expr"] or "job_slo:" in alert["expr"] else []
    groups.append({"name": "alert", "rules": [alert]})
    # JSON is YAML.
    (directory / "rules.yaml").write_text(json.dumps({"groups": groups}))
    tests = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": interval(case),
        "group_eval_order": [group["name"] for group in groups],
        "tests": stories,
    }
    (directory / "tests.yaml").write_text(json.dumps(tests))
    return run_tool("promtool", "test", "rules", directory / "tests.yaml")


def interval(case: Case) -> str:
    """Time between samples: a story of days needs fewer."""
    return "10m" if case.alert in SLOW else "1m"


def input_of(case: Case, *, fires: bool) -> dict[str, Any]:
    """The samples of a story."""
    series = case.fires if fires else case.silent
    return {
        "interval": interval(case),
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
    }


def story(case: Case, *, fires: bool) -> dict[str, Any]:
    """A story with its end: what Prometheus itself says of the alert at that time."""
    firing = f'count(ALERTS{{alertname="Browserwatch{case.alert}",alertstate="firing"}}) or vector(0)'
    at = case.at if fires else case.silent_at or case.at
    expected = [{"labels": "{}", "value": int(fires)}]
    return input_of(case, fires=fires) | {
        "promql_expr_test": [{"expr": firing, "eval_time": at, "exp_samples": expected}]
    }


def test_every_alert_has_both_stories() -> None:
    """No alert without a case in which it fires and one in which it stays silent, and no case without an alert."""
    assert {case.alert for case in CASES} == {alert.name for alert in ALERTS}
    assert all(case.fires and case.silent for case in CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alert} fires when {case.fires_when}")
def test_fires(case: Case, tmp_path: Path) -> None:
    """`promtool test rules` agrees that the alert fires."""
    done = run_stories(case, tmp_path, story(case, fires=True))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alert} stays silent when {case.silent_when}")
def test_stays_silent(case: Case, tmp_path: Path) -> None:
    """`promtool test rules` agrees that the alert does not fire."""
    done = run_stories(case, tmp_path, story(case, fires=False))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("fires", [True, False])
def test_a_wrong_story_is_noticed(tmp_path: Path, fires: bool) -> None:  # noqa: FBT001  # a parameter of pytest
    """The checks above can fail: an alert expected to do the opposite of what it does."""
    case = next(case for case in CASES if case.alert == "WaitersOld")
    wrong = story(case, fires=fires)
    wrong["promql_expr_test"][0]["exp_samples"][0]["value"] = int(not fires)
    done = run_stories(case, tmp_path, wrong)
    assert done.returncode != 0
    assert case.alert in done.stdout + done.stderr


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alert}, {case.fires_when}")
def test_annotations_show_values(case: Case, tmp_path: Path) -> None:
    """Templates can be filled in: told to expect no alert, promtool shows the one it got, with its annotations."""
    name = f"Browserwatch{case.alert}"
    nothing: dict[str, Any] = {"eval_time": case.at, "alertname": name, "exp_alerts": []}
    done = run_stories(case, tmp_path, input_of(case, fires=True) | {"alert_rule_test": [nothing]})
    shown = done.stdout + done.stderr
    assert f"runbooks/{name}.md" in shown
    for broken in ("{{", "error expanding", "<no value>", "%!"):
        assert broken not in shown, shown


@pytest.mark.parametrize("kind", ["rules", "alerts"])
def test_rules_are_well_formed(kind: str) -> None:
    """`promtool check rules` accepts both files."""
    done = run_tool("promtool", "check", "rules", RULES / kind / "browserwatch.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_runbook(alert: Alert) -> None:
    """Every alert has a runbook with the four headings, each with something below it, and none is for no alert."""
    text = (ROOT / "docs" / "runbooks" / f"{alert.full_name}.md").read_text()
    assert text.startswith(f"# {alert.full_name}\n")
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    assert parts[::2] == HEADINGS
    assert all(len(part.strip()) > 40 for part in parts[1::2])


def test_no_runbook_is_left_over() -> None:
    """A runbook whose alert is gone would only mislead."""
    there = {path.stem for path in (ROOT / "docs" / "runbooks").glob("Browserwatch*.md")}
    assert there == {alert.full_name for alert in ALERTS}


def test_alerts_link_to_dashboards_that_exist() -> None:
    """The board of an alert is one of ours."""
    assert {alert.board for alert in ALERTS} <= {board.name for board in BOARDS}


def test_runbooks_name_panels_and_settings_that_exist() -> None:
    """What a runbook tells to look at or to set is there."""
    boards = {board.title.removeprefix("browserwatch / "): board for board in BOARDS}
    known = {*boards, *(panel.title for board in BOARDS for row in board.rows for panel in row.panels)}
    settings = {f"BROWSERWATCH_{name.upper()}" for name in ServiceSettings.model_fields}
    for path in (ROOT / "docs" / "runbooks").glob("Browserwatch*.md"):
        text = path.read_text()
        # Menus of Prometheus have an arrow; of its pages one is named.
        named = {name for name in re.findall(r"(?<!\*)\*([A-Z][^*\n]+)\*", text) if "→" not in name} - {"Alerts"}
        assert named <= known, (path.name, named - known)
        assert set(re.findall(r"BROWSERWATCH_\w+", text)) <= settings, path.name
