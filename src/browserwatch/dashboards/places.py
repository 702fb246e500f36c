"""Where things are: what links in dashboards and alerts point to, and how Prometheus calls its targets."""

from __future__ import annotations

from typing import Final

RUNBOOKS: Final = "https://github.com/browserwatch/browserwatch/blob/main/docs/runbooks"
GRAFANA: Final = "http://localhost:3000"

SERVICE_JOB: Final = "browserwatch"
COLLECTOR_JOB: Final = "otel-collector"
SPANS_JOB: Final = "otel-collector-spans"
PROMETHEUS_JOB: Final = "prometheus"
ALERTMANAGER_JOB: Final = "alertmanager"
JOBS: Final = (SERVICE_JOB, COLLECTOR_JOB, SPANS_JOB, PROMETHEUS_JOB, ALERTMANAGER_JOB)

TAG: Final = "browserwatch"


# What variables of a dashboard hold goes with every link to another one.
KEPT: Final = (
    "${__url_time_range}&${datasource:queryparam}&${traces:queryparam}&${job:queryparam}&${instance:queryparam}"
)


def board_uid(board: str) -> str:
    """Identity of a dashboard, and its path in Grafana."""
    return f"browserwatch-{board}"


def board_link(board: str) -> str:
    """Link from one dashboard to another."""
    return f"/d/{board_uid(board)}?{KEPT}"
