"""The shape of an alert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from browserwatch.dashboards.places import board_uid

PREFIX: Final = "Browserwatch"
# Alerts about these have the job of a part of the pipeline, or none: a dashboard narrowed to it would be empty.
OF_THE_PIPELINE: Final = frozenset({"target", "collector", "alerting"})
Severity = Literal["critical", "warning", "info", "none"]


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert.

    Attributes:
        name: without the prefix that all share.
        pending: how long the expression must hold.
        severity: critical wakes somebody, warning waits for the morning, info is for the record.
        component: what of browserwatch it is about; Alertmanager groups and inhibits by it.
        board: the dashboard to open.
    """

    name: str
    expression: str
    pending: str
    severity: Severity
    component: str
    summary: str
    description: str
    board: str

    @property
    def full_name(self) -> str:
        """Name as Prometheus and the runbooks have it."""
        return PREFIX + self.name

    @property
    def dashboard_path(self) -> str:
        """The dashboard to open, below Grafana's address."""
        narrowed = "" if self.component in OF_THE_PIPELINE else "?var-job={{ $labels.job }}"
        return f"d/{board_uid(self.board)}{narrowed}"
