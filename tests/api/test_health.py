"""Health: each check has a test in which it fails, and the report is there within a second whatever hangs."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from browserwatch import metrics
from browserwatch.api.health import Check, Finding, report
from browserwatch.api.health_checks import look_at_redis, look_at_sessions, look_at_telemetry
from browserwatch.api.redis_watch import RedisWatch
from browserwatch.api.services import QueueStats
from browserwatch.events import SessionOperation, SessionReused, SpansCounted
from browserwatch.metrics import Instruments, Recorder
from browserwatch.metrics.readings import reading
from browserwatch.sessions.embedded import EmbeddedRedis
from browserwatch.sessions.errors import EmbeddedRedisError, StoreUnavailableError
from browserwatch.sessions.redis_client import RedisClient
from tests.api.conftest import Serve
from tests.api.fakes import FakeRedis, World


async def health(http: httpx.AsyncClient) -> tuple[int, dict[str, Any]]:
    """The report, with its status."""
    answer = await http.get("/health/browser")
    return answer.status_code, answer.json()


async def test_a_service_that_is_well_says_so_in_numbers(http: httpx.AsyncClient) -> None:
    """Everything that was asked for is there."""
    answer = await http.get("/health/browser")
    found = answer.json()
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/health+json"
    assert answer.headers["cache-control"] == "no-store"
    assert (found["status"], found["reasons"]) == ("pass", [])
    assert found["agents"] == {
        "status": "pass",
        "states": {"starting": 0, "idle": 1, "leased": 1, "draining": 0, "stopping": 0},
        "active": 1,
        "size": 4,
        "waiters": 0,
        "oldest_waiter_seconds": 0.0,
        "crashes": 2,
        "last_launch": "2026-01-02T03:04:05+00:00",
        "last_launch_seconds": 1.5,
        "last_launch_error": None,
        "draining": False,
    }
    assert found["redis"] == {"status": "pass", "up": True, "ping_ms": 0.25}
    assert found["queue"] == {"status": "pass", "queued": 0, "running": 0, "size": 100, "oldest_seconds": 0.0}
    assert found["resources"]["agents_memory_bytes"] == 500_000_000
    assert found["resources"]["agents_cpu_cores"] == 1.25
    assert found["resources"]["service_memory_bytes"] > 0
    assert found["sessions"]["reused"].keys() == {"warm", "restored"}
    assert found["telemetry"].keys() > {"queue_size", "queue_capacity", "exported", "dropped", "failed"}
    assert found["versions"]["browser_use"] == "0.13.0"
    assert found["versions"]["chromium"] == "140.0.1"
    assert found["uptime_seconds"] >= 0


async def test_no_agent_and_none_that_starts_is_a_failure(http: httpx.AsyncClient, world: World) -> None:
    """With the reason of the last try; with agents left it is a warning."""
    error = "no Chromium at /opt/chrome"
    world.lender.show(last_launch_error=error)
    status, found = await health(http)
    assert (status, found["status"]) == (200, "warn")
    world.lender.show(states={"starting": 1, "idle": 0, "leased": 0, "draining": 0, "stopping": 0})
    status, found = await health(http)
    assert (status, found["status"], found["agents"]["status"]) == (503, "fail", "fail")
    assert found["reasons"] == [f"agents: the last one could not be started: {error}"]


async def test_agents_that_still_start_are_a_warning_and_not_ready(http: httpx.AsyncClient, world: World) -> None:
    """The service is up, and says that it can't work yet."""
    none = {"starting": 1, "idle": 0, "leased": 0, "draining": 0, "stopping": 0}
    world.lender.show(states=none, last_launch=None, last_launch_seconds=None)
    status, found = await health(http)
    assert (status, found["status"], found["reasons"]) == (200, "warn", ["agents: the first one is starting"])
    assert (await http.get("/health/ready")).status_code == 503
    assert (await http.get("/health/live")).status_code == 200


async def test_a_pool_that_waits_for_its_first_caller_is_ready(serve: Serve, world: World) -> None:
    """Without idle agents to keep, none is started before it is needed."""
    world.lender.show(states=dict.fromkeys(world.lender.now.states, 0), last_launch=None)
    async with serve(pool_min_idle=0) as http:
        assert (await http.get("/health/ready")).status_code == 200


async def test_a_service_that_drains_is_not_ready(http: httpx.AsyncClient, world: World) -> None:
    """Nothing new can be taken."""
    world.lender.show(draining=True)
    assert (await health(http))[0] == 503
    ready = await http.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (503, "fail")
    assert ready.json()["reasons"] == ["agents: the service is shutting down"]


async def test_callers_that_wait_long_are_a_warning(http: httpx.AsyncClient, world: World) -> None:
    """From half of what they may wait."""
    world.lender.show(waiters=3, oldest_waiter_seconds=31.0)
    _, found = await health(http)
    assert found["reasons"] == ["agents: 3 callers wait, the first for 31 s"]


async def test_redis_that_refuses_is_a_failure(http: httpx.AsyncClient, world: World) -> None:
    """Up is false, and there is no ping time."""
    world.redis.error = StoreUnavailableError("Redis at db:6379 can't be reached: ConnectionRefusedError")
    status, found = await health(http)
    assert (status, found["redis"]) == (503, {"status": "fail", "up": False, "ping_ms": None})
    assert "ConnectionRefusedError" in found["reasons"][0]
    assert (await http.get("/health/ready")).status_code == 503
    assert reading(metrics.instruments.redis_up) == 0


async def test_a_redis_that_can_not_write_is_a_failure() -> None:
    """One with a full disk answers pings all the same; when it can write again all is well."""
    redis, instruments = FakeRedis(), Instruments()
    watch = RedisWatch(redis, instruments, interval=0.005)

    async def until(status: str) -> Finding:
        async with asyncio.timeout(5):
            while (found := await look_at_redis(watch)).status != status:  # noqa: ASYNC110  # as below
                await asyncio.sleep(0.005)
        return found

    async with watch.running():
        await until("pass")
        redis.full = True
        found = await until("fail")
        assert found.reasons == ("redis: Redis at fake can't write to its disk",)
        assert found.details["up"]
        redis.full = False
        await until("pass")


async def test_a_full_queue_is_a_warning(http: httpx.AsyncClient, world: World) -> None:
    """Runs are refused then."""
    world.queue = QueueStats(queued=100, running=4, oldest_seconds=7.5)
    status, found = await health(http)
    assert (status, found["queue"]["status"], found["queue"]["oldest_seconds"]) == (200, "warn", 7.5)
    assert found["reasons"] == ["queue: full, 100 runs wait, 4 run"]


async def test_agents_at_their_limits_are_a_warning(serve: Serve) -> None:
    """No further one is started then."""
    async with serve(pool_memory_limit_mb=500, pool_cpu_limit=2.0) as http:
        assert (await health(http))[1]["resources"]["status"] == "pass"
    async with serve(pool_memory_limit_mb=500, pool_cpu_limit=1.25) as http:
        _, found = await health(http)
    assert found["reasons"] == ["resources: agents use 1.2 processors, the limit is 1.25"]


async def test_agents_with_too_much_memory_are_a_warning(serve: Serve, world: World) -> None:
    """As above."""
    world.lender.show(memory_bytes=600 * 1024 * 1024)
    async with serve(pool_memory_limit_mb=500) as http:
        _, found = await health(http)
    assert found["reasons"] == ["resources: agents use 600 MiB, the limit is 500"]


def test_operations_on_sessions_are_counted_and_not_judged() -> None:
    """By operation and result, and never whose they were."""
    instruments = Instruments()
    record = Recorder(instruments).record
    record(SessionOperation(operation="save", result="ok", seconds=0.1, size=10))
    record(SessionOperation(operation="restore", result="undecryptable", seconds=0.1))
    record(SessionReused(source="warm"))
    found = look_at_sessions(instruments)
    assert found.status == "pass"
    assert found.details == {
        "operations": {"save": {"ok": 1}, "restore": {"undecryptable": 1}},
        "reused": {"warm": 1, "restored": 0},
    }


def test_spans_that_are_lost_are_a_warning() -> None:
    """A queue that is nearly full, and a collector that has not answered for two minutes."""
    instruments = Instruments()
    record = Recorder(instruments).record
    assert look_at_telemetry(instruments, now=1000.0).status == "pass"
    record(SpansCounted(result="failed", count=5, queue_size=95, queue_capacity=100))
    found = look_at_telemetry(instruments, now=1000.0)
    assert found.status == "warn"
    assert found.reasons == (
        "telemetry: 95 spans wait to be sent, 100 fit",
        "telemetry: 5 spans could not be sent, and lately none could",
    )
    record(SpansCounted(result="exported", count=5, queue_size=0, queue_capacity=100, at=990.0))
    assert look_at_telemetry(instruments, now=1000.0).status == "pass"


async def test_a_check_that_hangs_or_breaks_has_failed_and_holds_nobody_up() -> None:
    """All run at once, each within its time."""

    async def hang() -> Finding:
        await asyncio.Event().wait()
        return Finding()

    async def breaks() -> Finding:
        raise RuntimeError

    async def well() -> Finding:
        return Finding()

    found = await report([Check("one", hang, 0.05), Check("two", hang, 0.05), Check("three", breaks), Check("x", well)])
    assert found.status == "fail"
    assert not found.ready
    assert found.reasons == [
        "one: no answer within 0.05 s",
        "two: no answer within 0.05 s",
        "three: the check broke: RuntimeError",
    ]


async def test_a_redis_that_hangs_is_asked_once_at_a_time() -> None:
    """However often health is."""
    redis, instruments = FakeRedis(), Instruments()
    redis.hangs = True
    watch = RedisWatch(redis, instruments)
    async with watch.running():
        for _ in range(5):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(watch.ping(), 0.01)
        assert redis.pings == 1


async def test_the_gauges_of_redis_follow_it_by_themselves() -> None:
    """Up, down and up again, without a request."""
    redis, instruments = FakeRedis(), Instruments()

    async def until(value: float) -> None:
        async with asyncio.timeout(5):
            while reading(instruments.redis_up) != value:  # noqa: ASYNC110  # a gauge has no event to wait on
                await asyncio.sleep(0.005)

    async with RedisWatch(redis, instruments, interval=0.005).running():
        await until(1)
        assert reading(instruments.redis_ping) == 0.00025
        redis.error = StoreUnavailableError("gone")
        await until(0)
        redis.error = None
        await until(1)


@pytest.mark.real
async def test_the_report_is_there_within_a_second_with_redis_black_holed(
    serve: Serve, world: World, tmp_path: Path
) -> None:
    """A redis-server that is stopped keeps its connections and answers nothing; and every agent is busy."""
    busy = {"starting": 0, "idle": 0, "leased": 4, "draining": 0, "stopping": 0}
    world.lender.show(states=busy, active=4, waiters=64)
    try:
        redis = EmbeddedRedis(tmp_path / "redis")
        await redis.start()
    except EmbeddedRedisError as error:
        pytest.skip(str(error))
    client = world.redis = RedisClient(redis.url)
    try:
        async with serve() as http:
            assert (await health(http))[1]["redis"]["up"]
            assert redis.pid is not None
            os.kill(redis.pid, signal.SIGSTOP)
            try:
                started = time.perf_counter()
                answers = await asyncio.gather(*(health(http) for _ in range(10)))
                seconds = time.perf_counter() - started
            finally:
                os.kill(redis.pid, signal.SIGCONT)
            assert seconds < 1
            assert {status for status, _ in answers} == {503}
            assert answers[0][1]["reasons"] == ["redis: no answer within 0.7 s"]
    finally:
        await client.close()
        await redis.stop()
