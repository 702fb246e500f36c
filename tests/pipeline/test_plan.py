"""Programs are found, configured for this machine, and what is missing is named."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from dataclasses import astuple
from pathlib import Path

import pytest
import yaml

from browserwatch.errors import ConfigurationError
from browserwatch.pipeline import Plan, make_plan
from browserwatch.pipeline.configurations import at
from browserwatch.pipeline.ports import Ports, choose_ports
from browserwatch.settings import PipelineSettings, load_pipeline_settings
from browserwatch.shipped import shipped_files

PORTS = Ports(*range(20001, 20001 + len(astuple(Ports()))))
PROGRAMS = ("prometheus", "alertmanager", "otelcol-contrib", "grafana")
MakePlan = Callable[..., Plan]


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All that is on PATH."""
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    monkeypatch.delenv("GRAFANA_HOME", raising=False)
    for name in ("PROMETHEUS", "ALERTMANAGER", "OTELCOL", "GRAFANA_HOME"):
        monkeypatch.delenv(f"BROWSERWATCH_{name}", raising=False)
    return directory


@pytest.fixture
def plan(path: Path, tmp_path: Path) -> MakePlan:
    """Makes a plan with programs of these names on PATH."""

    def make(*names: str, **chosen: object) -> Plan:
        for name in names:
            program(path / name)
        return make_plan(load_pipeline_settings(data_dir=tmp_path / "data", **chosen), PORTS, {"MORE": "yes"})

    return make


def program(file: Path) -> Path:
    """A file that can be run."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o755)
    return file


def test_ports_that_are_free_are_taken_as_wanted() -> None:
    """One that is in use is replaced; none is given twice."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        used = taken.getsockname()[1]
        chosen = choose_ports(Ports(service=used, prometheus=0, grafana=0))
    assert chosen.service != used
    assert len(set(astuple(chosen))) == len(astuple(chosen))
    again = choose_ports(chosen)
    assert again == chosen


def test_every_part_starts_when_all_are_there(plan: MakePlan) -> None:
    """The service is last to start, so that its watchers are there already."""
    made = plan(*PROGRAMS)
    assert [part.name for part in made.parts] == ["collector", "alertmanager", "prometheus", "grafana", "service"]
    assert made.missing == ()


def test_what_is_missing_is_named(plan: MakePlan) -> None:
    """With what there is not without it, how to get it, and the variable that names it."""
    made = plan()
    assert [part.name for part in made.parts] == ["service"]
    assert [part.name for part in made.missing] == ["collector", "alertmanager", "prometheus", "grafana"]
    for part in made.missing:
        assert part.without
        assert "set BROWSERWATCH_" in part.how
    assert made.traces is None


def test_debian_names_alertmanager_differently(plan: MakePlan) -> None:
    """It is found all the same."""
    assert "alertmanager" in [part.name for part in plan("prometheus-alertmanager").parts]


def test_a_setting_wins_over_path(plan: MakePlan, tmp_path: Path) -> None:
    """And one that names no program is an error that says which."""
    own = program(tmp_path / "elsewhere" / "prometheus")
    made = plan("prometheus", prometheus=own)
    assert next(part for part in made.parts if part.name == "prometheus").program == own
    with pytest.raises(ConfigurationError, match=r"BROWSERWATCH_OTELCOL='/nowhere/otelcol': .* is not a program"):
        plan(otelcol=Path("/nowhere/otelcol"))


def test_grafana_by_its_home(plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`GRAFANA_HOME` is an unpacked Grafana."""
    program(tmp_path / "grafana-11" / "bin" / "grafana")
    monkeypatch.setenv("GRAFANA_HOME", str(tmp_path / "grafana-11"))
    (grafana,) = (part for part in plan().parts if part.name == "grafana")
    assert grafana.arguments == ("server", "--homepath", str(tmp_path / "grafana-11"))


@pytest.mark.parametrize("file", ["prometheus/prometheus.yml", "alertmanager/alertmanager.yml"])
def test_every_address_of_the_shipped_configurations_is_replaced(file: str) -> None:
    """None is left that this machine may use for something else."""
    text = (shipped_files() / file).read_text()
    shipped = re.findall(r"127\.0\.0\.1:(\d+)", text)
    replaced = re.findall(r"127\.0\.0\.1:(\d+)", at(text, PORTS))
    assert len(replaced) == len(shipped) > 0
    assert set(map(int, replaced)) <= set(astuple(PORTS))


def test_an_address_that_is_nobodys_is_an_error() -> None:
    """Else a part would be looked for where it is not."""
    with pytest.raises(KeyError, match="4242"):
        at("targets: [127.0.0.1:4242]", PORTS)


def test_prometheus_knows_its_targets_and_looks_often(plan: MakePlan, tmp_path: Path) -> None:
    """The jobs keep their names, for the alerts know them."""
    plan("prometheus")
    written = tmp_path / "data" / "up" / "prometheus" / "configuration"
    configuration = yaml.safe_load((written / "prometheus.yml").read_text())
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in configuration["scrape_configs"]}
    assert targets["browserwatch"] == [f"127.0.0.1:{PORTS.service}"]
    assert targets["otel-collector-spans"] == [f"127.0.0.1:{PORTS.span_metrics}"]
    assert configuration["global"] == {"scrape_interval": "5s", "evaluation_interval": "5s"}
    assert {job.get("scrape_interval", "5s") for job in configuration["scrape_configs"]} == {"5s"}
    assert f"http://127.0.0.1:{PORTS.grafana}/d/" in (written / "alerts" / "browserwatch.yaml").read_text()
    assert list((written / "rules").iterdir())


def test_what_still_fires_is_told_again(plan: MakePlan, tmp_path: Path) -> None:
    """Alertmanager would not repeat it for an hour to a terminal that has never heard of it; silences stay."""
    data = tmp_path / "data" / "up" / "alertmanager" / "data"
    data.mkdir(parents=True)
    (data / "nflog").touch()
    (data / "silences").touch()
    plan("alertmanager")
    assert [path.name for path in data.iterdir()] == ["silences"]


def test_nothing_listens_off_loopback(plan: MakePlan) -> None:
    """Whatever a part is told to listen on is on 127.0.0.1, the service included, whatever the environment says."""
    made = plan(*PROGRAMS, host="127.0.0.1")
    for part in made.parts:
        told = " ".join([*part.arguments, *(f"{name}={value}" for name, value in part.environment.items())])
        assert part.address.startswith("http://127.0.0.1:")
        assert "0.0.0.0" not in told  # noqa: S104  # looked for, not listened on
        listening = re.findall(r"(?:listen-address|_ADDR|_HOST|OTELCOL_(?:GRPC|HTTP|HEALTH|SPAN_METRICS))=(\S*)", told)
        assert all(address.startswith("127.0.0.1") or address == "--log.level=warn" for address in listening if address)


def test_traces_go_to_a_file_without_a_store(plan: MakePlan, tmp_path: Path) -> None:
    """And to the store when there is one."""
    made = plan("otelcol-contrib")
    collector = made.parts[0]
    assert made.traces == tmp_path / "data" / "up" / "collector" / "traces.jsonl"
    assert collector.environment["OTELCOL_TRACES_FILE"] == str(made.traces)
    assert len(collector.arguments) == 2
    made = plan("otelcol-contrib", traces_endpoint="http://127.0.0.1:4319")
    assert made.traces is None
    assert made.parts[0].environment["OTELCOL_TRACES_ENDPOINT"] == "http://127.0.0.1:4319"
    assert len(made.parts[0].arguments) == 1


def test_the_service_sends_to_the_collector_if_there_is_one(plan: MakePlan) -> None:
    """Else nobody would take its spans, and it would count them as lost."""
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" not in plan().parts[-1].environment
    environment = plan("otelcol").parts[-1].environment
    assert environment["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://127.0.0.1:{PORTS.otlp_http}"
    assert environment["MORE"] == "yes"
    assert environment["BROWSERWATCH_PORT"] == str(PORTS.service)


def test_the_service_has_its_grace_period(plan: MakePlan) -> None:
    """It is not killed while its runs may go on."""
    default = PipelineSettings.model_fields["shutdown_grace_seconds"].default
    assert plan().parts[-1].grace > default


def test_the_health_report_in_words(plan: MakePlan) -> None:
    """Agents and Redis."""
    report = {"status": "pass", "agents": {"states": {"idle": 2, "leased": 1}}, "redis": {"up": True, "ping_ms": 0.31}}
    assert plan().parts[-1].detail(report) == "pass; agents: 2 idle, 1 at work; Redis 0.3 ms"
    report["redis"] = {"up": False}
    assert plan().parts[-1].detail(report) == "pass; agents: 2 idle, 1 at work; Redis down"
