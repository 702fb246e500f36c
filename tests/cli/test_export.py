"""What `browserwatch dashboards export` and `browserwatch rules export` write, and what they leave alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from browserwatch import shipped
from browserwatch.cli.export import ExportError, export_dashboards, export_rules
from browserwatch.dashboards.places import GRAFANA, RUNBOOKS
from browserwatch.errors import ConfigurationError
from browserwatch.shipped import ShippedFilesMissingError
from tests.dashboards.tools import DEPLOY, ROOT, run_tool

WRITTEN_RULES = {
    "rules/browserwatch.yaml",
    "alerts/browserwatch.yaml",
    "prometheus.example.yml",
    "alertmanager.example.yml",
}


def rules(directory: Path, *, force: bool = False, grafana_url: str = GRAFANA, runbooks_url: str = RUNBOOKS) -> int:
    """The command with its defaults."""
    return export_rules(directory, force=force, grafana_url=grafana_url, runbooks_url=runbooks_url)


def files(directory: Path) -> dict[str, bytes]:
    """All that is in a directory."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }


def test_dashboards_come_as_they_are_shipped(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Dashboards and provisioning, each named, and what to do next."""
    assert export_dashboards(tmp_path / "new", force=False) == 0
    written = files(tmp_path / "new")
    assert len([name for name in written if name.startswith("dashboards/")]) == 8
    assert {name for name in written if name.startswith("provisioning/")} == {
        "provisioning/dashboards/browserwatch.yaml",
        "provisioning/datasources/browserwatch.yaml",
    }
    assert all((DEPLOY / "grafana" / name).read_bytes() == content for name, content in written.items())
    shown = capsys.readouterr().out
    assert all(f"wrote  {tmp_path / 'new' / name}" in shown for name in written)
    assert "Next" in shown


def test_rules_come_with_examples_that_find_them(tmp_path: Path) -> None:
    """`promtool check config` goes from the example to both rule files; the user's own configuration keeps its name."""
    rules(tmp_path)
    assert set(files(tmp_path)) == WRITTEN_RULES
    done = run_tool("promtool", "check", "config", tmp_path / "prometheus.example.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 rule files found" in done.stdout
    done = run_tool("amtool", "check-config", tmp_path / "alertmanager.example.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_links_lead_where_the_user_says(tmp_path: Path) -> None:
    """Not one link to our own addresses is left, and the rules are still rules."""
    rules(tmp_path, grafana_url="https://grafana.example.org/ops/", runbooks_url="https://wiki.example.org/runbooks")
    alerts = (tmp_path / "alerts" / "browserwatch.yaml").read_text()
    shipped_text = (DEPLOY / "prometheus" / "alerts" / "browserwatch.yaml").read_text()
    assert GRAFANA not in alerts
    assert RUNBOOKS not in alerts
    assert alerts.count("https://grafana.example.org/ops/d/") == shipped_text.count("dashboard_url:")
    assert alerts.count("https://wiki.example.org/runbooks/Browserwatch") == shipped_text.count("runbook_url:")
    done = run_tool("promtool", "check", "rules", tmp_path / "alerts" / "browserwatch.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "address", ["grafana", "https://", "https://a b", "https://a/{{ .X }}", 'https://a"', "ftp://a"]
)
def test_an_address_is_one(tmp_path: Path, address: str) -> None:
    """What would break a rule file, or is no address, is refused before anything is written."""
    with pytest.raises(ConfigurationError, match="--grafana-url"):
        rules(tmp_path, grafana_url=address)
    with pytest.raises(ConfigurationError, match="--runbooks-url"):
        rules(tmp_path, runbooks_url=address)
    assert not files(tmp_path)


@pytest.mark.parametrize("export", [rules, export_dashboards])
def test_files_that_differ_are_left_alone(tmp_path: Path, export: Callable[..., int]) -> None:
    """The first is named and nothing is written, not even what is missing; with `force` all of it is."""
    export(tmp_path, force=False)
    whole = files(tmp_path)
    missing, changed = sorted(whole)[:2]
    (tmp_path / changed).write_bytes(b"\xffmine")
    (tmp_path / missing).unlink()
    with pytest.raises(ExportError, match=f"{changed} is there and differs; nothing was written"):
        export(tmp_path, force=False)
    assert not (tmp_path / missing).exists()
    assert (tmp_path / changed).read_bytes() == b"\xffmine"
    export(tmp_path, force=True)
    assert files(tmp_path) == whole


def test_the_same_again_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A second export is no error, and says that all is as it was."""
    rules(tmp_path)
    capsys.readouterr()
    rules(tmp_path)
    shown = capsys.readouterr().out
    assert shown.count("unchanged") == len(WRITTEN_RULES)
    assert "wrote" not in shown


@pytest.mark.parametrize("force", [True, False])
def test_what_is_in_the_way_is_named(tmp_path: Path, *, force: bool) -> None:
    """A directory where a file should be, and a file where a directory should be."""
    (tmp_path / "one" / "prometheus.example.yml").mkdir(parents=True)
    with pytest.raises(ExportError, match=r"prometheus\.example\.yml can't be used"):
        rules(tmp_path / "one", force=force)
    (tmp_path / "two").write_text("a file")
    with pytest.raises(ExportError, match=r"two/rules/browserwatch\.yaml can't be used"):
        rules(tmp_path / "two", force=force)


def test_missing_files_are_said_to_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package without its files names the places it looked at, and what to do."""
    monkeypatch.setattr(shipped, "_PLACES", (tmp_path / "a", tmp_path / "b"))
    with pytest.raises(ShippedFilesMissingError, match=f"{tmp_path / 'a'} nor in {tmp_path / 'b'}. Install"):
        rules(tmp_path / "out")


@pytest.mark.real
def test_a_wheel_brings_the_files(tmp_path: Path) -> None:
    """Out of the built wheel alone, and without the libraries that write dashboards: the same files."""
    build = [str(Path(sys.executable).with_name("uv")), "build", "--wheel", "--out-dir", str(tmp_path), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(tmp_path.glob("*.whl"))) as wheel:
        wheel.extractall(tmp_path / "installed")
    program = f"""
import json, sys
from pathlib import Path
sys.path.insert(0, {str(tmp_path / "installed")!r})
from browserwatch.cli.export import export_dashboards, export_rules
export_dashboards(Path({str(tmp_path / "grafana")!r}), force=False)
export_rules(Path({str(tmp_path / "rules")!r}), force=False, grafana_url="http://g", runbooks_url="http://r")
heavy = sorted({{"yaml", "grafana_foundation_sdk", "browser_use"}} & set(sys.modules))
print(json.dumps([sys.modules["browserwatch"].__file__, heavy]))
"""
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=tmp_path)
    where, heavy = json.loads(shown.stdout.splitlines()[-1])
    assert where.startswith(str(tmp_path / "installed"))
    assert heavy == []
    shutil.copytree(DEPLOY / "grafana" / "dashboards", tmp_path / "expected")
    assert files(tmp_path / "grafana" / "dashboards") == files(tmp_path / "expected")
    for name in ("rules", "alerts"):
        done = run_tool("promtool", "check", "rules", tmp_path / "rules" / name / "browserwatch.yaml")
        assert done.returncode == 0, done.stdout + done.stderr
