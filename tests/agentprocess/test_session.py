"""Logins that outlive browsers: taken out of one, put into the next, on real pages."""

from __future__ import annotations

import json
from typing import Any

import pytest

from browserwatch.agents.messages import (
    Capture,
    Captured,
    Failed,
    Fetch,
    Fetched,
    Reset,
    ResetDone,
    Restore,
    Restored,
    RunDone,
)
from browserwatch.events import StepFinished
from browserwatch.sessions.snapshot import Cookie, Snapshot
from tests.agentprocess.conftest import Tasks
from tests.agentprocess.harness import AgentProcess

pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="module")]

LOGIN = {"user": "ada@example.org", "password": "analytical-engine"}


async def captured(agent: AgentProcess, *, full: bool = True) -> dict[str, Any]:
    """The browser's session."""
    answer = await agent.ask(Capture(full=full), Captured)
    assert answer.failed_origins == 0
    return json.loads(answer.snapshot)


async def restored(agent: AgentProcess, snapshot: Snapshot) -> Restored:
    """Put a session into a new browser."""
    await agent.ask(Reset(), ResetDone)
    return await agent.ask(Restore(snapshot=snapshot.encode()), Restored)


async def text_of(agent: AgentProcess, url: str) -> str:
    """What a page shows."""
    return (await agent.ask(Fetch(url=url, format="text"), Fetched)).text or ""


async def test_login_survives(shared: AgentProcess, site: str, tasks: Tasks) -> None:
    """A login by an agent, put into a new browser, shows the account: its cookie and its cart."""
    done = await shared.ask(tasks.run("shop-login", sensitive_data=LOGIN), RunDone)
    assert done.outcome == "success"
    snapshot = (await shared.ask(Capture(full=True), Captured)).snapshot
    await shared.ask(Reset(), ResetDone)
    assert "ada" not in await text_of(shared, f"{site}/account")
    await shared.ask(Reset(), ResetDone)
    answer = await shared.ask(Restore(snapshot=snapshot), Restored)
    assert (answer.cookies, answer.origins, answer.failed_cookies, answer.failed_origins) == (1, 1, 0, 0)
    account = await text_of(shared, f"{site}/account")
    assert "ada@example.org" in account
    assert "3 items" in account


async def test_rotated_values_stay(shared: AgentProcess, extra_site: str) -> None:
    """What a page changes after the restore is neither overwritten by it nor lost: storage and cookies count on."""
    cookie = Cookie(name="token", value="7", domain="127.0.0.1", path="/")
    await restored(shared, Snapshot((cookie,), {extra_site: {"count": "7"}}))
    assert [await text_of(shared, f"{extra_site}/rotating") for _ in range(2)] == ["count 8", "count 9"]
    assert [await text_of(shared, f"{extra_site}/token") for _ in range(2)] == ["token 7", "token 8"]
    session = await captured(shared)
    assert session["localStorage"] == {extra_site: {"count": "9"}}
    assert [found["value"] for found in session["cookies"]] == ["9"]


async def test_unvisited_origins_stay(shared: AgentProcess, extra_site: str) -> None:
    """An origin that was put in and not visited is taken out again."""
    storage = {"https://shop.example": {"cart": "half \ud800 of it"}, extra_site: {"count": "1"}}
    answer = await restored(shared, Snapshot((), storage))
    assert (answer.origins, answer.failed_origins) == (2, 0)
    assert (await captured(shared))["localStorage"] == storage


async def test_cleared_storage_is_told(shared: AgentProcess, site: str) -> None:
    """An origin whose storage a page emptied is in the session, empty, so that its old values do not come back."""
    await restored(shared, Snapshot((), {"https://shop.example": {}, site: {"cart": "x"}}))
    assert (await captured(shared))["localStorage"]["https://shop.example"] == {}


async def test_restore_asks_nobody(shared: AgentProcess, extra: Any, extra_site: str) -> None:
    """Putting storage in and taking it out sends no request to the site."""
    before = len(extra.requests)
    await restored(shared, Snapshot((), {extra_site: {"count": "1"}}))
    await captured(shared)
    assert extra.requests[before:] == []


async def test_what_can_not_be_put_in_is_counted(shared: AgentProcess) -> None:
    """A cookie that Chromium refuses and an origin that can't take its storage cost only themselves."""
    cookies = (
        Cookie(name="good", value="1", domain="shop.example", path="/"),
        Cookie(name="__Host-bad", value="1", domain=".shop.example", path="/", secure=False),
        Cookie(name="expired", value="1", domain="shop.example", path="/", expires=1.0),
    )
    storage = {"https://shop.example": {"a": "1"}, "https://big.example": {"big": "x" * 6_000_000}}
    answer = await restored(shared, Snapshot(cookies, storage))
    assert (answer.cookies, answer.failed_cookies) == (3, 1)
    assert (answer.origins, answer.failed_origins) == (2, 1)


async def test_not_a_session(shared: AgentProcess) -> None:
    """What is not a session is refused, without a word of what it was."""
    failed = await shared.ask(Restore(snapshot=b'{"version":1,"cookies":"secret"}'), Failed)
    assert failed.kind == "command"
    assert "secret" not in failed.message


async def test_capture_during_a_run(shared: AgentProcess, tasks: Tasks) -> None:
    """The session can be looked at while a run goes on: cookies and the storage of open tabs."""
    await shared.ask(Reset(), ResetDone)
    before = len(shared.of(StepFinished))
    run = shared.send(tasks.run("slow"))
    await shared.seen(StepFinished, lambda _: len(shared.of(StepFinished)) > before)
    session = await captured(shared, full=False)
    assert session["version"] == 1
    shared.cancel(run)
    assert (await shared.answer(run, RunDone)).outcome == "cancelled"
