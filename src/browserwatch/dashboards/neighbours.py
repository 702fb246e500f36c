"""More series that are not declared by us: of the service's web framework, of Prometheus' rules, of Alertmanager."""

from __future__ import annotations

from typing import Final

from browserwatch.dashboards.foreign import ANY, TARGET, Labels

REQUESTS: Final = "http_server_request_duration_seconds"
REQUEST: Final[Labels] = {
    **TARGET,
    "http_request_method": ANY,
    "http_route": ANY,
    "http_response_status_code": ANY,
}

NEIGHBOURS: Final[tuple[tuple[tuple[str, ...], Labels, bool], ...]] = (
    # OpenTelemetry's instrumentation of FastAPI, in the service
    ((f"{REQUESTS}_count", f"{REQUESTS}_sum"), REQUEST, True),
    ((f"{REQUESTS}_bucket",), {**REQUEST, "le": ANY}, True),
    (("prometheus_rule_evaluation_failures_total",), {**TARGET, "rule_group": ANY}, False),
    (("alertmanager_notification_requests_failed_total",), {**TARGET, "integration": ANY}, False),
)
