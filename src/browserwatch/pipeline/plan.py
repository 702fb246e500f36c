"""Which parts there will be, each with its command line."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from browserwatch.pipeline import programs
from browserwatch.pipeline.configurations import write_alertmanager, write_prometheus
from browserwatch.pipeline.part import Missing, Part
from browserwatch.pipeline.ports import HOST, Ports
from browserwatch.settings import PREFIX, PipelineSettings
from browserwatch.shipped import shipped_files

# Nothing is dropped, and a trace is there soon after its run: what a machine of one person's wants.
SAMPLING: Final = {"OTELCOL_DECISION_WAIT": "10s", "OTELCOL_SAMPLING_PERCENTAGE": "100"}
COLLECTOR_MEMORY: Final = "409MiB"
"""From here on it collects garbage harder: 80 % of what it may take, as its documentation of the memory limiter advises."""

# The error budget is one of 30 days.
RETENTION: Final = ("--storage.tsdb.retention.time=30d", "--storage.tsdb.retention.size=1GB")
DRAIN_MARGIN: Final = 15.0
"""What the service takes after its grace period, for telemetry and browsers."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Parts in the order in which they start, those that are missing, and the file of traces if there is one."""

    parts: tuple[Part, ...]
    missing: tuple[Missing, ...]
    traces: Path | None


def make_plan(settings: PipelineSettings, ports: Ports, more: Mapping[str, str]) -> Plan:
    """Find the programs and write their configurations.

    Args:
        settings: of all of it.
        ports: where each part listens.
        more: further variables for the service.

    Raises:
        ConfigurationError: a setting names a program that is none.
    """
    directory = settings.data_dir.absolute() / "up"
    parts: list[Part] = []
    missing: list[Missing] = []
    for program, make in _MAKERS:
        found = programs.find(program, settings)
        if isinstance(found, Missing):
            missing.append(found)
        else:
            parts.append(make(found, settings, ports, directory / program.name))
    collected = any(part.name == programs.COLLECTOR.name for part in parts)
    # Last: whoever watches it is there already. It ends first, so that what it says then is still taken.
    parts.append(_service(settings, ports, more, collected=collected))
    traces = None if settings.traces_endpoint or not collected else traces_file(settings)
    return Plan(tuple(parts), tuple(missing), traces)


def traces_file(settings: PipelineSettings) -> Path:
    """Where traces go when there is no store for them."""
    return settings.data_dir.absolute() / "up" / programs.COLLECTOR.name / "traces.jsonl"


def _collector(program: Path, settings: PipelineSettings, ports: Ports, directory: Path) -> Part:
    directory.mkdir(parents=True, exist_ok=True)
    shipped = shipped_files() / "otel-collector"
    configurations = [shipped / "single.yaml"]
    environment = {
        **SAMPLING,
        "GOMEMLIMIT": COLLECTOR_MEMORY,
        "OTELCOL_GRPC": f"{HOST}:{ports.otlp_grpc}",
        "OTELCOL_HTTP": f"{HOST}:{ports.otlp_http}",
        "OTELCOL_METRICS_HOST": HOST,
        "OTELCOL_METRICS_PORT": str(ports.collector_metrics),
        "OTELCOL_SPAN_METRICS": f"{HOST}:{ports.span_metrics}",
        "OTELCOL_HEALTH": f"{HOST}:{ports.collector_health}",
        "OTELCOL_QUEUE_DIR": str(directory / "queue"),
    }
    if settings.traces_endpoint is None:
        configurations.append(shipped / "traces-to-file.yaml")
        environment["OTELCOL_TRACES_FILE"] = str(traces_file(settings))
    else:
        environment["OTELCOL_TRACES_ENDPOINT"] = settings.traces_endpoint
    return Part(
        name=programs.COLLECTOR.name,
        address=f"http://{HOST}:{ports.otlp_http}",
        health=f"http://{HOST}:{ports.collector_health}/",
        program=program,
        arguments=tuple(f"--config={configuration}" for configuration in configurations),
        environment=environment,
    )


def _prometheus(program: Path, settings: PipelineSettings, ports: Ports, directory: Path) -> Part:
    del settings
    address = f"http://{HOST}:{ports.prometheus}"
    return Part(
        name=programs.PROMETHEUS.name,
        address=address,
        health=f"{address}/-/ready",
        program=program,
        arguments=(
            f"--config.file={write_prometheus(directory / 'configuration', ports)}",
            f"--storage.tsdb.path={directory / 'data'}",
            *RETENTION,
            f"--web.listen-address={HOST}:{ports.prometheus}",
            f"--web.external-url={address}",
            "--enable-feature=exemplar-storage",
            "--log.level=warn",
        ),
    )


def _alertmanager(program: Path, settings: PipelineSettings, ports: Ports, directory: Path) -> Part:
    del settings
    # Whom it has told: that was an earlier terminal, and this one wants to know, too. Silences stay.
    (directory / "data" / "nflog").unlink(missing_ok=True)
    address = f"http://{HOST}:{ports.alertmanager}"
    return Part(
        name=programs.ALERTMANAGER.name,
        address=address,
        health=f"{address}/-/ready",
        program=program,
        arguments=(
            f"--config.file={write_alertmanager(directory / 'configuration', ports)}",
            f"--storage.path={directory / 'data'}",
            f"--web.listen-address={HOST}:{ports.alertmanager}",
            f"--web.external-url={address}",
            "--cluster.listen-address=",  # one alone: else it would listen on every interface
            "--log.level=warn",
        ),
    )


def _grafana(program: Path, settings: PipelineSettings, ports: Ports, directory: Path) -> Part:
    address = f"http://{HOST}:{ports.grafana}"
    home = programs.grafana_home(program, settings)
    shipped = shipped_files() / "grafana"
    return Part(
        name=programs.GRAFANA.name,
        address=address,
        health=f"{address}/api/health",
        program=program,
        arguments=("server", *(("--homepath", str(home)) if home else ())),
        environment={
            "GF_SERVER_HTTP_ADDR": HOST,
            "GF_SERVER_HTTP_PORT": str(ports.grafana),
            "GF_PATHS_DATA": str(directory / "data"),
            "GF_PATHS_LOGS": str(directory / "logs"),
            "GF_PATHS_PLUGINS": str(directory / "plugins"),
            "GF_PATHS_PROVISIONING": str(shipped / "provisioning"),
            # Who can reach loopback may look; nobody may change anything, so there is no password to guess.
            "GF_AUTH_ANONYMOUS_ENABLED": "true",
            "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
            "GF_USERS_VIEWERS_CAN_EDIT": "true",  # Explore, which traces open in; nothing can be saved
            "GF_AUTH_DISABLE_LOGIN_FORM": "true",
            "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION": "true",
            "GF_ANALYTICS_REPORTING_ENABLED": "false",
            "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
            "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
            "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(shipped / "dashboards" / "overview.json"),
            "GF_LOG_LEVEL": "warn",
            "PROMETHEUS_URL": f"http://{HOST}:{ports.prometheus}",
            "TEMPO_URL": settings.tempo_url,
            "BROWSERWATCH_DASHBOARDS": str(shipped / "dashboards"),
        },
    )


def _service(settings: PipelineSettings, ports: Ports, more: Mapping[str, str], *, collected: bool) -> Part:
    address = f"http://{HOST}:{ports.service}"
    collector = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{HOST}:{ports.otlp_http}"} if collected else {}
    return Part(
        name="service",
        address=address,
        health=f"{address}/health/browser",
        program=Path(sys.executable),
        arguments=("-m", "browserwatch", "serve"),
        environment={
            **more,
            **collector,
            f"{PREFIX}HOST": HOST,
            f"{PREFIX}PORT": str(ports.service),
            f"{PREFIX}DATA_DIR": str(settings.data_dir.absolute()),
        },
        grace=settings.shutdown_grace_seconds + DRAIN_MARGIN,
        detail=_service_detail,
    )


def _service_detail(health: Any) -> str:
    """Agents and Redis, from the health report."""
    states, redis = health["agents"]["states"], health["redis"]
    ping = f"Redis {redis['ping_ms']:.1f} ms" if redis.get("up") else "Redis down"
    return f"{health['status']}; agents: {states['idle']} idle, {states['leased']} at work; {ping}"


_MAKERS: Final = (
    (programs.COLLECTOR, _collector),
    (programs.ALERTMANAGER, _alertmanager),
    (programs.PROMETHEUS, _prometheus),
    (programs.GRAFANA, _grafana),
)
