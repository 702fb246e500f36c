"""The service when something dies, hangs or is told to stop."""

from __future__ import annotations

import signal
import time

import psutil
import pytest

from tests.service.conftest import Service, Start

pytestmark = pytest.mark.real


def ended(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


def test_kill_leaves_nothing_and_a_restart_says_what_was_interrupted(start: Start) -> None:
    """SIGKILL of the service: no agent, browser or Redis after 10 s; its run is interrupted, its directories are gone."""
    service = start()
    run_id = service.submit("slow")["id"]
    service.events(run_id, stop="step")
    processes = service.processes()
    assert any("chrom" in process.name() for process in processes)
    service.process.kill()
    service.process.wait()
    service.until(lambda: ended(processes), 10)
    again = start()
    again.until(lambda: again.http.get(f"/v1/runs/{run_id}").json()["state"] == "interrupted", 30)
    again.ready()
    assert len(list((again.data / "agents").iterdir())) == len(agents(again))


def test_sigterm_drains(start: Start) -> None:
    """What runs may finish, nothing new is taken, and the exit code is 0."""
    service = start(pool_max_size="1")
    run_id = service.submit("read-table")["id"]
    service.events(run_id, stop="run.started")
    service.process.send_signal(signal.SIGTERM)
    service.until(lambda: service.http.get("/health/ready").status_code == 503)
    refused = service.http.post("/v1/runs", json={"task": "x"})
    assert refused.status_code == 503
    assert refused.headers["content-type"] == "application/problem+json"
    assert service.process.wait(60) == 0
    assert service.processes() == []
    assert start().http.get(f"/v1/runs/{run_id}").json()["state"] == "succeeded"


def test_what_does_not_finish_in_time_is_interrupted(start: Start) -> None:
    """After the grace period; exit code 0 all the same."""
    service = start(shutdown_grace_seconds="1")
    run_id = service.submit("slow")["id"]
    service.events(run_id, stop="step")
    assert service.terminate() == 0
    assert service.processes() == []
    assert start().http.get(f"/v1/runs/{run_id}").json()["state"] == "interrupted"


def test_redis_that_hangs(start: Start) -> None:
    """Health says so within a second, the run in progress finishes, work with a session is refused, and all recovers."""
    service = start(redis_timeout_seconds="1")
    run_id = service.submit("slow")["id"]
    service.events(run_id, stop="step")
    redis = service.redis()
    redis.suspend()
    try:
        service.until(lambda: service.health()[1]["redis"]["up"] is False)
        started = time.monotonic()
        status, report = service.health()
        assert time.monotonic() - started < 1
        assert (status, report["status"]) in ((200, "warn"), (503, "fail"))
        refused = service.fetch("/table", session="shop")
        assert refused.status_code == 503, refused.text
        service.until(lambda: service.http.get(f"/v1/runs/{run_id}").json()["state"] == "succeeded")
    finally:
        redis.resume()
    service.until(lambda: service.health()[1]["redis"]["up"] is True)
    assert service.fetch("/table", session="shop", format="text").status_code == 200
    assert service.finished(run_id)["outcome"] == "success"


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGSTOP])
def test_an_agent_that_dies_or_hangs_is_replaced(start: Start, end: signal.Signals) -> None:
    """Its run fails with the reason, the next one gets a new agent, and the reason is counted."""
    service = start(pool_max_size="1", agent_unresponsive_seconds="5")
    run_id = service.submit("slow")["id"]
    service.events(run_id, stop="step")
    agent = agents(service)[0]
    agent.send_signal(end)
    record = service.finished(run_id)
    assert record["outcome"] == "error"
    assert record["failure_reason"] in ("browser_crash", "browser_unresponsive")
    assert service.fetch("/table", format="text").status_code == 200
    reason = "crash" if end is signal.SIGKILL else "unresponsive"
    assert service.sample("browser_agents_retired_total", reason=reason) == 1
    assert service.sample("browser_active_agents") == 0


def agents(service: Service) -> list[psutil.Process]:
    return [p for p in service.processes() if "browserwatch.agents.process" in p.cmdline()]
