"""What a user does with the service, end to end."""

from __future__ import annotations

import pytest

from tests.service.conftest import Start

pytestmark = pytest.mark.real
SECRETS = {"user": "ada@example.org", "password": "analytical-engine"}


def test_a_login_is_kept_across_runs_fetches_and_restarts(start: Start) -> None:
    """A run signs in; a fetch finds the login in the warm browser, and after a restart from Redis."""
    service = start()
    taken = service.submit("shop-login", session="shop", sensitive_data=SECRETS)
    record = service.finished(taken["id"])
    assert (record["state"], record["outcome"], record["acquired"]) == ("succeeded", "success", "fresh")
    assert record["steps"] == 4
    assert record["usage"]["input_tokens"] > 0

    warm = service.fetch("/account", session="shop", format="text")
    assert warm.status_code == 200, warm.text
    assert "Cart: 3 items" in warm.json()["content"]
    assert warm.json()["acquired"] == "warm"
    assert service.sample("browser_session_reuse_total", source="warm") == 1

    (listed,) = service.http.get("/v1/sessions").json()["sessions"]
    assert listed["name"] == "shop"
    assert listed["cookies"] >= 1
    assert "ada" not in service.http.get("/v1/sessions/shop").text

    assert service.terminate() == 0
    service = start()
    again = service.fetch("/account", session="shop", format="text")
    assert "Cart: 3 items" in again.json()["content"]
    assert again.json()["acquired"] == "restored"
    assert service.sample("browser_session_reuse_total", source="restored") == 1
    assert service.http.get(f"/v1/runs/{taken['id']}").json() == record

    assert service.http.delete("/v1/sessions/shop").status_code == 204
    gone = service.fetch("/account", session="shop", format="text")
    assert "Cart: 3 items" not in gone.json()["content"]


def test_one_trace_from_request_to_page(start: Start) -> None:
    """A caller's trace goes on through acquire, restore, the agent's steps and page loads, and save."""
    service = start()
    service.finished(service.submit("shop-login", session="shop", sensitive_data=SECRETS)["id"])
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    headers = {"traceparent": f"00-{trace_id}-b7ad6b7169203331-01"}
    taken = service.submit("read-table", session="shop", headers=headers)
    assert taken["trace_id"] == trace_id
    service.finished(taken["id"])
    names = ("POST /v1/runs", "agent_acquire", "invoke_agent", "agent_step", "chat", "page_fetch", "session_save")
    sink = service.places.sink
    assert sink.wait_for(trace_id, names), {span.name for span in sink.trace(trace_id)}
    spans = {span.span_id: span for span in sink.trace(trace_id)}
    parents = {span.name: spans[span.parent_id].name for span in spans.values() if span.parent_id in spans}
    assert parents["agent_acquire"] == parents["session_save"] == "POST /v1/runs"
    assert next(found for name, found in parents.items() if name.startswith("invoke_agent")) == "POST /v1/runs"
    text = repr(sink.spans)
    assert not any(secret in text for secret in SECRETS.values())


def test_a_fetch_is_a_page_fetch_span(start: Start) -> None:
    """By the decorator, in the trace whose id the answer has."""
    service = start()
    answer = service.fetch("/table", format="markdown")
    assert answer.status_code == 200, answer.text
    assert "Anvil" in answer.json()["content"]
    trace_id = answer.headers["x-trace-id"]
    assert service.places.sink.wait_for(trace_id, ("POST /v1/pages", "agent_acquire", "page_fetch"))


def test_events_resume(start: Start) -> None:
    """Numbered without gaps; from any number on."""
    service = start()
    run_id = service.submit("read-table")["id"]
    everything = service.events(run_id)
    assert (everything[0][0], everything[-1][0]) == ("run.queued", "run.finished")
    assert sum(kind == "step" for kind, _ in everything) == 3
    assert service.events(run_id, after=2) == everything[2:]


def test_a_run_can_be_cancelled(start: Start) -> None:
    """It ends soon, says so, and its agent serves the next one."""
    service = start(pool_max_size="1")
    run_id = service.submit("slow")["id"]
    service.events(run_id, stop="step")
    assert service.http.post(f"/v1/runs/{run_id}/cancel").status_code in (200, 202)
    record = service.finished(run_id)
    assert (record["state"], record["outcome"]) == ("cancelled", "cancelled")
    assert service.fetch("/table", format="text").status_code == 200


def test_agents_may_not_go_everywhere(start: Start) -> None:
    """Neither by a fetch nor by a run; each block is counted."""
    service = start()
    for url in ("http://169.254.169.254/latest/meta-data/", "http://127.0.0.1:9/", "file:///etc/passwd"):
        answer = service.http.post("/v1/pages", json={"url": url})
        assert answer.status_code in (403, 422), answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    assert service.sample("browser_policy_blocks_total", rule="metadata_address") >= 1


def test_the_first_scrape_has_every_series(start: Start) -> None:
    """Before any request was served."""
    service = start()
    assert service.sample("browser_active_agents") == 0
    assert service.sample("browser_session_reuse_total", source="warm") == 0
    assert service.sample("browser_session_reuse_total", source="restored") == 0
    assert service.sample("browser_pool_size") == 2


def test_tenants_do_not_see_each_other(start: Start) -> None:
    """Another tenant's run and session are not there; without a key nothing is."""
    import hashlib

    keys = {"acme": "bw_" + "a" * 43, "other": "bw_" + "b" * 43}
    lines = [f"{tenant}=sha256:{hashlib.sha256(key.encode()).hexdigest()}" for tenant, key in keys.items()]
    service = start(api_keys=",".join(lines))
    assert service.http.get("/v1/runs").status_code == 401
    headers = {tenant: {"authorization": f"Bearer {key}"} for tenant, key in keys.items()}
    run_id = service.submit("default", headers=headers["acme"], session="shop")["id"]
    service.until(
        lambda: service.http.get(f"/v1/runs/{run_id}", headers=headers["acme"]).json()["state"] == "succeeded"
    )
    for path in (f"/v1/runs/{run_id}", f"/v1/runs/{run_id}/events", "/v1/sessions/shop"):
        assert service.http.get(path, headers=headers["other"]).status_code == 404, path
        assert service.http.get(path, headers=headers["acme"]).status_code == 200, path
    assert service.http.get("/v1/runs", headers=headers["other"]).json()["runs"] == []
