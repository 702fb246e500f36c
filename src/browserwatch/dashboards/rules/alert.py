"""The shape of an alert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

PREFIX: Final = "Browserwatch"
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
