"""All alerts by group, in the order of the file."""

from __future__ import annotations

from typing import Final

from browserwatch.dashboards.rules.alerting import ALERTING_ALERTS
from browserwatch.dashboards.rules.burn_rates import SLO_ALERTS
from browserwatch.dashboards.rules.service import POOL_ALERTS, SESSION_ALERTS, TARGET_ALERTS
from browserwatch.dashboards.rules.telemetry import COLLECTOR_ALERTS, TELEMETRY_ALERTS
from browserwatch.dashboards.rules.work import BEHAVIOUR_ALERTS, MODEL_ALERTS

GROUPS: Final = {
    "browserwatch-slo-alerts": SLO_ALERTS,
    "browserwatch-targets-alerts": TARGET_ALERTS,
    "browserwatch-pool-alerts": POOL_ALERTS,
    "browserwatch-sessions-alerts": SESSION_ALERTS,
    "browserwatch-model-alerts": MODEL_ALERTS,
    "browserwatch-behaviour-alerts": BEHAVIOUR_ALERTS,
    "browserwatch-telemetry-alerts": TELEMETRY_ALERTS,
    "browserwatch-collector-alerts": COLLECTOR_ALERTS,
    "browserwatch-alerting-alerts": ALERTING_ALERTS,
}
ALERTS: Final = tuple(alert for group in GROUPS.values() for alert in group)
