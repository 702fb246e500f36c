"""`/v1/runs`."""

from __future__ import annotations

import httpx

from tests.api.fakes import World

TASK = {"task": "Buy milk"}


async def test_a_run_is_taken_with_its_id_its_trace_and_where_to_go_on(http: httpx.AsyncClient, world: World) -> None:
    """Status 202, links that work, and a Location."""
    body = {
        **TASK,
        "session": "shop",
        "start_url": "https://shop.example/",
        "max_steps": 5,
        "timeout_seconds": 60,
        "output_schema": {"type": "object"},
        "sensitive_data": {"password": "hunter2"},
        "model": "gpt-4.1",
        "budget_usd": 0.5,
    }
    answer = await http.post("/v1/runs", json=body)
    assert answer.status_code == 202
    taken = answer.json()
    assert taken["state"] == "queued"
    assert taken["trace_id"] == "ab" * 16
    assert answer.headers["location"] == taken["links"]["self"]
    assert (await http.get(taken["links"]["self"])).json()["id"] == taken["id"]
    request = world.runs.requests[0]
    assert {name: getattr(request, name) for name in body} == body


async def test_what_is_not_given_is_left_to_the_service(http: httpx.AsyncClient, world: World) -> None:
    """A task alone is enough."""
    await http.post("/v1/runs", json=TASK)
    assert world.runs.requests[0].max_steps is None


async def test_a_run_is_shown_without_what_is_internal(http: httpx.AsyncClient) -> None:
    """All that a caller needs; neither tenant nor instance."""
    taken = (await http.post("/v1/runs", json=TASK)).json()
    run = (await http.get(f"/v1/runs/{taken['id']}")).json()
    assert run["usage"] == {
        "input_tokens": 0,
        "output_tokens": 0,
        "cached_tokens": 0,
        "cost_usd": 0.0,
        "unpriced_calls": 0,
    }
    assert run["created"] == "2026-01-02T03:04:05Z"
    assert run["links"]["events"].endswith("/events")
    assert not {"tenant", "owner"} & run.keys()


async def test_runs_are_listed_in_pages_newest_first(http: httpx.AsyncClient) -> None:
    """`next` leads to the older ones, and is null at the end."""
    ids = [(await http.post("/v1/runs", json=TASK)).json()["id"] for _ in range(3)]
    first = (await http.get("/v1/runs", params={"limit": 2})).json()
    second = (await http.get(first["next"])).json()
    assert [run["id"] for run in first["runs"] + second["runs"]] == ids[::-1]
    assert second["next"] is None


async def test_a_run_can_be_stopped(http: httpx.AsyncClient) -> None:
    """The answer is the run as it is then; no body is needed."""
    taken = (await http.post("/v1/runs", json=TASK)).json()
    stopped = await http.post(taken["links"]["cancel"])
    assert stopped.status_code == 200
    assert stopped.json()["state"] == "cancelled"


async def test_the_same_key_and_request_are_the_same_run(http: httpx.AsyncClient, world: World) -> None:
    """A request that is sent again is not done again; the key is one for one request."""
    headers = {"Idempotency-Key": "order-7"}
    first = await http.post("/v1/runs", json=TASK, headers=headers)
    again = await http.post("/v1/runs", json=TASK, headers=headers)
    other = await http.post("/v1/runs", json={"task": "Buy bread"}, headers=headers)
    assert first.json()["id"] == again.json()["id"]
    assert len(world.runs.requests) == 1
    assert other.status_code == 422
    assert other.json()["type"] == "urn:browserwatch:problem:idempotency-conflict"


async def test_a_key_has_a_length(http: httpx.AsyncClient) -> None:
    """The problem names the header."""
    for key in ("", "k" * 256):
        answer = await http.post("/v1/runs", json=TASK, headers={"Idempotency-Key": key})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["parameter"].lower() == "idempotency-key"


async def test_what_nobody_has_is_not_found(http: httpx.AsyncClient) -> None:
    """Whatever is asked of it."""
    for method, path in (("GET", "nope"), ("GET", "nope/events"), ("POST", "nope/cancel"), ("GET", "%2e%2e")):
        answer = await http.request(method, f"/v1/runs/{path}")
        assert answer.status_code == 404, path
        assert answer.headers["content-type"] == "application/problem+json"
