"""Alerts about alerting: rules that fail, and what is told to nobody."""

from __future__ import annotations

from typing import Final

from browserwatch.dashboards.places import PROMETHEUS_JOB
from browserwatch.dashboards.rules.alert import Alert

WHERE: Final = "{{ $labels.instance }}"
COUNT: Final = '{{ $value | printf "%.0f" }}'

ALERTING_ALERTS: Final = (
    Alert(
        name="RulesFailing",
        expression=(
            "sum by (job, instance, rule_group) "
            '(increase(prometheus_rule_evaluation_failures_total{rule_group=~".*browserwatch.*"}[5m])) > 0'
        ),
        pending="5m",
        severity="warning",
        component="alerting",
        summary=f"Prometheus {WHERE} can't evaluate rules: {{{{ $labels.rule_group }}}}",
        description=f"{COUNT} evaluations of {{{{ $labels.rule_group }}}} failed in five minutes: its alerts can't fire.",
        board="telemetry",
    ),
    Alert(
        # Attempts: a notification counts as failed only when Alertmanager has given up trying, minutes later.
        name="NotificationsFailing",
        expression=(
            "sum by (job, instance, integration) (increase(alertmanager_notification_requests_failed_total[5m])) > 0"
        ),
        pending="10m",
        severity="critical",
        component="alerting",
        summary=f"Alertmanager {WHERE} can't notify: {{{{ $labels.integration }}}}",
        description=f"{COUNT} attempts to notify by {{{{ $labels.integration }}}} failed in five minutes: nobody is told.",
        board="telemetry",
    ),
    Alert(
        name="AlertsUndelivered",
        expression=(
            "sum by (job, instance) (increase(prometheus_notifications_errors_total[5m])) > 0\n"
            "or prometheus_notifications_alertmanagers_discovered < 1"
        ),
        pending="5m",
        severity="critical",
        component="alerting",
        summary=f"Prometheus {WHERE} can't reach its Alertmanager",
        description="Alerts fire and nobody is told. Only the dashboards, and the silence of the watchdog, can show this.",
        board="telemetry",
    ),
    Alert(
        # Always firing while Prometheus works: whoever receives it raises the alarm when it stops.
        name="Watchdog",
        expression=f'max by (job) (up{{job="{PROMETHEUS_JOB}"}}) == 1',
        pending="0m",
        severity="none",
        component="alerting",
        summary="Prometheus evaluates rules and delivers alerts",
        description="This alert always fires. When it stops, something between Prometheus and its receiver is broken.",
        board="telemetry",
    ),
)
