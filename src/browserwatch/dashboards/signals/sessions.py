"""Signals about stored sessions and the Redis they are in."""

from __future__ import annotations

from typing import Final

from browserwatch.dashboards.signal import Signal, or_zero, quantiles, rate, ratio, total

MISSED: Final = total('browser_session_operations_total{operation="restore",result="miss"}')
UNUSUAL: Final = 'browser_session_operations_total{result!="ok"}'
REUSED: Final = total("browser_session_reuse_total")
REUSE: Final = Signal(
    ratio(REUSED, f"({REUSED} + {MISSED})"),
    "percentunit",
    "Runs and fetches with a session that found it, as a share of all that named one.",
    empty="no session used",
)
REUSE_BY_SOURCE: Final = Signal(
    f"{rate('browser_session_reuse_total', 'source')} * 60",
    "opm",
    "Sessions found per minute: warm, still in the browser; restored, from Redis.",
    "{{source}}",
)
OPERATIONS: Final = Signal(
    f"{rate('browser_session_operations_total', 'operation')} * 60", "opm", "Operations per minute.", "{{operation}}"
)
NOT_OK: Final = Signal(
    or_zero(f"{rate(UNUSUAL, 'operation, result')} * 60 > 0", "result"),
    "opm",
    "Operations per minute that were not ok. A miss is a session's first use.",
    "{{operation}} {{result}}",
)
LATENCY: Final = quantiles("browser_session_operation_duration_seconds", "s", "an operation's time", by="operation")
SIZES: Final = quantiles("browser_session_bytes", "bytes", "the encrypted size of a session")
CONFLICTS: Final = Signal(
    total('browser_session_operations_total{result="conflict"}'),
    "short",
    "Writes refused because another had been faster, in the time shown.",
)
UNDECRYPTABLE: Final = Signal(
    total('browser_session_operations_total{result="undecryptable"}'),
    "short",
    "Sessions that no key could decrypt, in the time shown.",
)
REDIS_UP: Final = Signal(
    "min(browser_redis_up and on (job, instance) browser_pool_size > 0)",
    "short",
    "Yes: the last ping of every instance of the service was answered. Programs without a service have no Redis.",
    empty="no service",
)
PING: Final = Signal(
    "max by (instance) (browser_redis_ping_seconds)", "s", "Time of the last ping answered.", "{{instance}}"
)
