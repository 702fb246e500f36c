"""What the service's health is made of. Each function looks at one thing and has nothing to do with HTTP."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

import psutil

from browserwatch.agents.lending import PoolStats
from browserwatch.api.health import Finding
from browserwatch.api.redis_watch import RedisWatch
from browserwatch.api.services import QueueStats
from browserwatch.metrics import Instruments
from browserwatch.metrics.readings import reading, readings
from browserwatch.sessions.errors import StoreUnavailableError
from browserwatch.settings import ServiceSettings
from browserwatch.settings.service import MEBIBYTE

NEARLY_FULL: Final = 0.9
EXPORT_SECONDS: Final = 120.0
REDIS_DOWN: Final[Mapping[str, Any]] = {"up": False, "ping_ms": None}


def look_at_agents(pool: PoolStats, settings: ServiceSettings) -> Finding:
    """Fails when there is no agent and the last one could not be started, or when the pool takes no more work."""
    usable = pool.states.get("idle", 0) + pool.states.get("leased", 0)
    first_awaited = usable == 0 and pool.last_launch is None and settings.pool_min_idle > 0
    failing: list[str] = []
    warning: list[str] = []
    if pool.draining:
        failing.append("agents: the service is shutting down")
    if pool.last_launch_error:
        told = f"agents: the last one could not be started: {pool.last_launch_error}"
        (warning if usable else failing).append(told)
    elif first_awaited:
        warning.append("agents: the first one is starting")
    if pool.oldest_waiter_seconds > settings.acquire_timeout_seconds / 2:
        warning.append(f"agents: {pool.waiters} callers wait, the first for {pool.oldest_waiter_seconds:.0f} s")
    return Finding(
        "fail" if failing else "warn" if warning else "pass",
        (*failing, *warning),
        _agent_details(pool),
        ready=not failing and not first_awaited,
    )


async def look_at_redis(watch: RedisWatch) -> Finding:
    """Fails without an answer, or when nothing can be written: no session can be used then, and no record kept."""
    try:
        seconds = await watch.ping()
    except StoreUnavailableError as error:
        return Finding("fail", (f"redis: {error}",), REDIS_DOWN)
    reasons = (f"redis: {watch.refusal}",) if watch.refusal else ()
    return Finding("fail" if reasons else "pass", reasons, {"up": True, "ping_ms": round(seconds * 1000, 3)})


def look_at_queue(queue: QueueStats, settings: ServiceSettings) -> Finding:
    """Warns when runs are refused."""
    full = queue.queued >= settings.run_queue_size > 0
    reasons = (f"queue: full, {queue.queued} runs wait, {queue.running} run",) if full else ()
    details = {"queued": queue.queued, "running": queue.running, "size": settings.run_queue_size}
    return Finding("warn" if full else "pass", reasons, {**details, "oldest_seconds": round(queue.oldest_seconds, 3)})


def look_at_resources(pool: PoolStats, settings: ServiceSettings) -> Finding:
    """Warns when agents use as much as they may: no further one is started then."""
    reasons: list[str] = []
    memory, cpu = settings.pool_memory_limit_mb, settings.pool_cpu_limit
    if memory is not None and pool.memory_bytes >= memory * MEBIBYTE:
        reasons.append(f"resources: agents use {pool.memory_bytes // MEBIBYTE:,} MiB, the limit is {memory:,}")
    if cpu is not None and pool.cpu_cores >= cpu:
        reasons.append(f"resources: agents use {pool.cpu_cores:.1f} processors, the limit is {cpu:g}")
    details = {
        "agents_memory_bytes": pool.memory_bytes,
        "agents_cpu_cores": round(pool.cpu_cores, 3),
        "service_memory_bytes": psutil.Process().memory_info().rss,
        "service_cpu_seconds": round(time.process_time(), 3),
    }
    return Finding("warn" if reasons else "pass", tuple(reasons), details)


def look_at_sessions(metrics: Instruments) -> Finding:
    """Counts, and no judgement: a session that can't be read is its owner's to see to, and a count never goes back."""
    operations: dict[str, dict[str, int]] = {}
    for (operation, result), count in readings(metrics.session_operations, "operation", "result").items():
        if count:
            operations.setdefault(operation, {})[result] = int(count)
    reused = {source: int(count) for (source,), count in readings(metrics.session_reuse, "source").items()}
    return Finding(details={"operations": operations, "reused": reused})


def look_at_telemetry(metrics: Instruments, now: float) -> Finding:
    """Warns when spans are about to be lost, or have been and none could be sent lately."""
    size, capacity = int(reading(metrics.queue_size)), int(reading(metrics.queue_capacity))
    last = reading(metrics.last_export)
    spans = {result: int(count) for (result,), count in readings(metrics.spans, "result").items()}
    reasons: list[str] = []
    if capacity and size >= capacity * NEARLY_FULL:
        reasons.append(f"telemetry: {size} spans wait to be sent, {capacity} fit")
    if spans["failed"] and now - last > EXPORT_SECONDS:
        reasons.append(f"telemetry: {spans['failed']} spans could not be sent, and lately none could")
    details = {
        "queue_size": size,
        "queue_capacity": capacity,
        "last_export_timestamp_seconds": last or None,
        "exported": spans["exported"],
        "dropped": spans["dropped_queue_full"],
        "failed": spans["failed"],
    }
    return Finding("warn" if reasons else "pass", tuple(reasons), details)


def _agent_details(pool: PoolStats) -> dict[str, Any]:
    return {
        "states": pool.states,
        "active": pool.active,
        "size": pool.size,
        "waiters": pool.waiters,
        "oldest_waiter_seconds": round(pool.oldest_waiter_seconds, 3),
        "crashes": pool.crashes,
        "last_launch": pool.last_launch.isoformat() if pool.last_launch else None,
        "last_launch_seconds": pool.last_launch_seconds,
        "last_launch_error": pool.last_launch_error or None,
        "draining": pool.draining,
    }
