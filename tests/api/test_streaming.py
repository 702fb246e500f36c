"""`/v1/runs/{id}/events`, over real connections."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from httpx_sse import ServerSentEvent, aconnect_sse

from browserwatch.api import streaming
from browserwatch.api.app import create_app
from browserwatch.runs.models import RunEvent
from browserwatch.settings import ServiceSettings
from tests.api.fakes import NOW, World

TASK = {"task": "Buy milk"}


class Server(uvicorn.Server):
    """uvicorn in a task of the test, with the signals left alone."""

    async def started_within(self, seconds: float) -> None:
        """Wait until it listens."""
        async with asyncio.timeout(seconds):
            while not self.started:  # noqa: ASYNC110  # uvicorn has a flag, no event
                await asyncio.sleep(0.005)


@asynccontextmanager
async def served(world: World, data: Path) -> AsyncGenerator[tuple[httpx.AsyncClient, Server]]:
    """The app behind uvicorn on loopback."""
    app = create_app(ServiceSettings(data_dir=data), world.open)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=5))
        serving = asyncio.create_task(server._serve([listener]))
        try:
            await server.started_within(10)
            url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            async with httpx.AsyncClient(base_url=url, timeout=10, trust_env=False) as http:
                yield http, server
        finally:
            server.should_exit = True
            await serving


@pytest.fixture
async def http(world: World, tmp_path: Path) -> AsyncGenerator[httpx.AsyncClient]:
    async with served(world, tmp_path) as (client, _):
        yield client


async def submitted(http: httpx.AsyncClient) -> str:
    """The id of a new run."""
    return (await http.post("/v1/runs", json=TASK)).json()["id"]


@asynccontextmanager
async def following(
    http: httpx.AsyncClient, run_id: str, after: int | None = None
) -> AsyncGenerator[AsyncIterator[ServerSentEvent]]:
    """What happens in a run."""
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    async with aconnect_sse(http, "GET", f"/v1/runs/{run_id}/events", headers=headers) as source:
        assert source.response.status_code == 200
        yield source.aiter_sse()


@pytest.mark.real
async def test_events_come_as_they_happen_and_end_with_the_run(http: httpx.AsyncClient, world: World) -> None:
    """Number, type, time and data; then the connection is closed properly."""
    run_id = await submitted(http)
    await world.runs.tell(run_id, "run.queued")
    async with following(http, run_id) as events:
        first = await anext(events)
        await world.runs.tell(run_id, "step", number=1, outcome="ok")
        second = await anext(events)
        await world.runs.finish(run_id)
        rest = [event async for event in events]
    assert (first.id, first.event) == ("1", "run.queued")
    assert (second.id, second.event) == ("2", "step")
    assert json.loads(second.data) == {"time": "2026-01-02T03:04:05Z", "number": 1, "outcome": "ok"}
    assert [event.event for event in rest] == ["run.finished"]
    await world.runs.followed_by(0)


@pytest.mark.real
async def test_who_comes_back_goes_on_where_it_stopped(http: httpx.AsyncClient, world: World) -> None:
    """By the number of the last event it had; also when the run is over."""
    run_id = await submitted(http)
    for number in range(1, 4):
        await world.runs.tell(run_id, "step", number=number)
    async with following(http, run_id, after=2) as events:
        assert (await anext(events)).id == "3"
    await world.runs.followed_by(0)
    await world.runs.finish(run_id)
    async with following(http, run_id, after=2) as events:
        assert [event.id async for event in events] == ["3", "4"]


@pytest.mark.real
async def test_who_has_all_is_told_not_to_come_back(http: httpx.AsyncClient, world: World) -> None:
    """To a stream that ends, a browser connects again and again; to status 204 it does not."""
    run_id = await submitted(http)
    await world.runs.finish(run_id)
    answer = await http.get(f"/v1/runs/{run_id}/events", headers={"Last-Event-ID": "1"})
    assert answer.status_code == 204
    await world.runs.followed_by(0)


@pytest.mark.real
@pytest.mark.parametrize("number", ["-1", "one", "1.5"])
async def test_numbers_of_events_are_numbers(http: httpx.AsyncClient, number: str) -> None:
    """A problem that names the header."""
    run_id = await submitted(http)
    answer = await http.get(f"/v1/runs/{run_id}/events", headers={"Last-Event-ID": number})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["parameter"].lower() == "last-event-id"


@pytest.mark.real
async def test_a_client_that_goes_away_leaves_nothing(http: httpx.AsyncClient, world: World) -> None:
    """Nobody follows any more; others go on."""
    run_id = await submitted(http)
    await world.runs.tell(run_id, "run.queued")
    async with following(http, run_id) as staying:
        await anext(staying)
        async with following(http, run_id) as leaving:
            await anext(leaving)
            await world.runs.followed_by(2)
        await world.runs.followed_by(1)
        await world.runs.finish(run_id)
        assert (await anext(staying)).event == "run.finished"


@pytest.mark.real
async def test_a_quiet_stream_is_kept_open(
    http: httpx.AsyncClient, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Comments, which are no events, every few seconds."""
    monkeypatch.setattr(streaming, "PING_SECONDS", 0.05)
    run_id = await submitted(http)
    async with http.stream("GET", f"/v1/runs/{run_id}/events") as answer:
        lines = answer.aiter_lines()
        async with asyncio.timeout(10):
            assert (await anext(lines)).startswith(": ping")


@pytest.mark.real
async def test_streams_end_when_the_service_has_drained(world: World, tmp_path: Path) -> None:
    """Properly, and long before uvicorn would cut them off; whoever followed may go on elsewhere."""
    async with served(world, tmp_path) as (http, server):
        run_id = await submitted(http)
        await world.runs.tell(run_id, "run.queued")
        async with following(http, run_id) as events:
            await anext(events)
            await world.services.drain(3.0)
            assert [event async for event in events] == []
        server.should_exit = True
        await world.runs.followed_by(0)
    assert world.drained == [3.0]


@pytest.mark.real
async def test_a_page_is_given_up_when_its_client_goes_away(http: httpx.AsyncClient, world: World) -> None:
    """The agent is free for others at once."""
    world.pages.hangs = True
    asking = asyncio.create_task(http.post("/v1/pages", json={"url": "https://shop.example/"}))
    async with asyncio.timeout(10):
        await world.pages.started.wait()
        asking.cancel()
        await world.pages.cancelled.wait()
    await asyncio.wait([asking])


async def test_an_error_in_the_middle_ends_the_stream(caplog: pytest.LogCaptureFixture) -> None:
    """The answer has begun: what is left is to end it, so that the client asks again and is told."""

    async def events() -> AsyncGenerator[RunEvent]:
        yield RunEvent(number=1, type="run.queued", time=NOW)
        raise RuntimeError("hunter2")

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        await asyncio.Event().wait()

    response = streaming.event_stream(events(), asyncio.Event())
    await response({"type": "http", "method": "GET"}, receive, send)
    assert b"event: run.queued" in sent[1]["body"]
    assert sent[-1] == {"type": "http.response.body", "body": b"", "more_body": False}
    assert "ends early: Internal error (RuntimeError)" in caplog.text
    assert "hunter2" not in caplog.text
