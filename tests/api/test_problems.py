"""Every error is a problem document, and none repeats what it was sent."""

from __future__ import annotations

import json
import logging
from typing import Any

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from browserwatch.agents import errors as agents
from browserwatch.api.error_kinds import KINDS, PAGE_FAILURES, REJECTIONS, kind_of
from browserwatch.api.middleware import BrokenAnswerError, LastResort
from browserwatch.errors import BrowserwatchError
from browserwatch.runs import errors as runs
from browserwatch.semantics import FETCH_OUTCOMES, REJECT_REASONS
from browserwatch.sessions import errors as sessions
from tests.api.fakes import World

SECRET = "hunter2-the-secret"  # noqa: S105  # nobody's
PAGE = {"url": "https://shop.example/"}
ERRORS: list[tuple[Exception, int, str, str | None]] = [
    (runs.InvalidRequestError("url", "must be http"), 422, "invalid-request", None),
    (runs.RejectedError("full", "queue_full", 2.2), 429, "queue-full", "3"),
    (runs.RejectedError("yours", "quota", 4), 429, "quota", "4"),
    (runs.RejectedError("bye", "draining", 9), 503, "draining", "9"),
    (runs.RejectedError("no money", "budget", 0.1), 429, "budget", "1"),
    (runs.PageFailedError("private address", "blocked"), 403, "page-blocked", None),
    (runs.PageFailedError("slow", "timeout"), 504, "page-timeout", None),
    (runs.PageFailedError("30 MB", "too_large"), 502, "page-too-large", None),
    (runs.PageFailedError("no such host", "net_error"), 502, "page-failed", None),
    (agents.PoolFullError("64 wait", 5.0), 429, "pool-full", "5"),
    (agents.AcquireTimeoutError("4 of 4 leased"), 503, "no-agent", "5"),
    (agents.PoolDrainingError("bye"), 503, "draining", "5"),
    (agents.AgentLostError("agent-3 died", "crash"), 503, "agent-lost", "1"),
    (agents.AgentStartError("no Chromium"), 503, "agent-start", "5"),
    (agents.CommandFailedError("no", "error"), 502, "agent-failed", None),
    (sessions.InvalidNameError("bad"), 422, "invalid-name", None),
    (sessions.SessionBusyError("in use", 12.5), 409, "session-busy", "13"),
    (sessions.SessionConflictError("taken"), 409, "session-conflict", None),
    (sessions.SessionUndecryptableError("no key", "unknown_key"), 409, "session-unreadable", None),
    (sessions.SessionVersionError(9, 1), 409, "session-unreadable", None),
    (sessions.SessionTooLargeError(9, 1), 409, "session-too-large", None),
    (sessions.StoreUnavailableError(f"Redis at unix:/{SECRET} gave no answer"), 503, "store-unavailable", "5"),
]


@pytest.mark.parametrize(("error", "status", "kind", "retry"), ERRORS, ids=lambda value: type(value).__name__)
async def test_each_error_is_a_problem_of_its_kind(
    http: httpx.AsyncClient, world: World, error: Exception, status: int, kind: str, retry: str | None
) -> None:
    """Status, type and when to try again."""
    world.pages.error = error
    answer = await http.post("/v1/pages", json=PAGE)
    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (status, status)
    assert problem["type"] == f"urn:browserwatch:problem:{kind}"
    assert problem["title"]
    assert problem["detail"]
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers.get("retry-after") == retry
    assert SECRET not in answer.text


def test_every_kind_stands_in_the_table() -> None:
    """No error of the rooms below is an internal error, but their roots."""
    roots = {runs.RunError, agents.PoolError, agents.AgentError, sessions.SessionError, sessions.EmbeddedRedisError}
    own = {runs.RejectedError, runs.PageFailedError}
    for room in (runs, agents, sessions):
        for kind in vars(room).values():
            if isinstance(kind, type) and issubclass(kind, BrowserwatchError) and kind is not BrowserwatchError:
                assert kind in KINDS or kind in roots | own, kind
    assert set(REJECTIONS) == set(REJECT_REASONS)
    assert set(PAGE_FAILURES) <= set(FETCH_OUTCOMES)


@pytest.mark.parametrize("outcome", FETCH_OUTCOMES)
def test_no_way_to_fail_a_page_is_an_internal_error(outcome: str) -> None:
    """Whatever the page did, the service works."""
    assert kind_of(runs.PageFailedError("no", outcome)).status in (403, 502, 504)


async def test_a_failed_page_says_how(http: httpx.AsyncClient, world: World) -> None:
    """The outcome from the closed set, for programs."""
    world.pages.error = runs.PageFailedError("it is a file", "download")
    assert (await http.post("/v1/pages", json=PAGE)).json()["outcome"] == "download"


async def test_a_field_that_a_room_below_refuses_is_pointed_at(http: httpx.AsyncClient, world: World) -> None:
    """As those that are refused here."""
    world.pages.error = runs.InvalidRequestError("url", "must be an http or https address")
    problem = (await http.post("/v1/pages", json=PAGE)).json()
    assert problem["errors"] == [{"pointer": "#/url", "detail": "url: must be an http or https address"}]


@pytest.mark.parametrize("error", [RuntimeError(SECRET), BrowserwatchError(SECRET), sessions.SessionError(SECRET)])
async def test_what_nobody_foresaw_says_nothing(
    http: httpx.AsyncClient, world: World, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Status 500 and the trace; the log says which error and where, without its words."""
    world.pages.error = error
    with caplog.at_level(logging.ERROR):
        answer = await http.post("/v1/pages", json=PAGE, headers={"traceparent": f"00-{'ef' * 16}-{'12' * 8}-01"})
    assert answer.status_code == 500
    assert answer.json()["type"] == "urn:browserwatch:problem:internal"
    assert answer.json()["trace_id"] == "ef" * 16
    assert SECRET not in answer.text + caplog.text
    assert f"unexpected {type(error).__name__}, trace {'ef' * 16}" in caplog.text
    assert "fakes.py" in caplog.text


INVALID: list[tuple[dict[str, Any], str]] = [
    ({}, "#/task"),
    ({"task": ""}, "#/task"),
    ({"task": 7}, "#/task"),
    ({"task": "t", "max_steps": "5"}, "#/max_steps"),
    ({"task": "t", "timeout_seconds": 0}, "#/timeout_seconds"),
    ({"task": "t", "budget_usd": -1}, "#/budget_usd"),
    ({"task": "t", "sensitive_data": SECRET}, "#/sensitive_data"),
    ({"task": "t", "output_schema": {SECRET: "\ud800"}}, "#/output_schema"),
    ({"task": "t", "a/b~c": SECRET}, "#/a~1b~0c"),
]


@pytest.mark.parametrize(("body", "pointer"), INVALID, ids=[pointer for _, pointer in INVALID])
async def test_a_field_that_cannot_be_used_is_pointed_at_and_not_repeated(
    http: httpx.AsyncClient, body: dict[str, Any], pointer: str
) -> None:
    """Which field, and what would be right."""
    content = json.dumps(body)  # httpx's own would refuse half a surrogate pair
    answer = await http.post("/v1/runs", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert pointer in [one["pointer"] for one in answer.json()["errors"]]
    assert SECRET not in answer.text


async def test_a_body_that_is_no_json_is_a_problem(http: httpx.AsyncClient) -> None:
    """The problem is with the whole of it."""
    answer = await http.post("/v1/runs", content=b'{"task": ', headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#"


async def test_numbers_that_json_has_not_are_refused(http: httpx.AsyncClient) -> None:
    """Python's parser would take them."""
    for text in ("NaN", "Infinity", "1e999"):
        for field in ("timeout_seconds", "budget_usd"):
            body = f'{{"task": "t", "{field}": {text}}}'
            answer = await http.post("/v1/runs", content=body, headers={"content-type": "application/json"})
            assert answer.status_code == 422
        body = f'{{"task": "t", "sensitive_data": {{"a": {text}}}}}'
        answer = await http.post("/v1/runs", content=body, headers={"content-type": "application/json"})
        assert answer.status_code == 422


async def test_parameters_are_named(http: httpx.AsyncClient) -> None:
    """Of the query and of the headers."""
    answer = await http.get("/v1/runs", params={"limit": "many"})
    assert answer.json()["errors"][0]["parameter"] == "limit"
    assert answer.status_code == 422


async def test_an_error_after_the_answer_has_begun_breaks_the_connection() -> None:
    """A client must not take half an answer for a whole one; the error's words go nowhere."""

    async def half(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError(SECRET)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    with pytest.raises(BrokenAnswerError, match="RuntimeError after the answer had begun") as error:
        await LastResort(half)({"type": "http"}, receive, send)
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert error.value.__suppress_context__


async def test_paths_and_methods_that_there_are_not(http: httpx.AsyncClient) -> None:
    """A problem, too; and which methods there are."""
    missing = await http.get("/nope")
    wrong = await http.put("/v1/runs/x", headers={"content-type": "application/json"}, content=b"{}")
    assert (missing.status_code, missing.json()["type"]) == (404, "urn:browserwatch:problem:not-found")
    assert (wrong.status_code, wrong.json()["type"]) == (405, "urn:browserwatch:problem:method-not-allowed")
    assert wrong.headers["allow"] == "GET"
    assert (await http.get("/v1/runs/")).status_code == 404
