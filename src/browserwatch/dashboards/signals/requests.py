"""Signals about HTTP requests to the service: rate, errors and duration by route."""

from __future__ import annotations

from typing import Final

from browserwatch.dashboards.foreign import REQUESTS as HISTOGRAM
from browserwatch.dashboards.signal import Signal, or_zero, rate

COUNT: Final = f"{HISTOGRAM}_count"
ERROR: Final = f'{COUNT}{{http_response_status_code=~"[45].."}}'
# Who follows a run stays as long as the run does; what has no route is refused at once.
ANSWERED: Final = f'{HISTOGRAM}_bucket{{http_route!~"|.+/events"}}'

REQUESTS: Final = Signal(
    or_zero(f"{rate(COUNT, 'http_request_method, http_route')} * 60", "http_route"),
    "opm",
    "Requests per minute by method and route; metrics and health are left out.",
    "{{http_request_method}} {{http_route}}",
)
ERRORS: Final = Signal(
    or_zero(f"{rate(ERROR, 'http_response_status_code, http_route')} * 60", "http_route"),
    "opm",
    "Requests per minute that were answered with an error: 4xx the caller's, 5xx ours, by route (none: no such path).",
    "{{http_response_status_code}} {{http_route}}",
)
LATENCY: Final = Signal(
    f"histogram_quantile(0.95, {rate(ANSWERED, 'le, http_route')})",
    "s",
    "95th percentile of the time of a request, by route. A page fetch takes as long as its page; who follows a run is left"
    " out.",
    "{{http_route}}",
    empty="no request yet",
)
