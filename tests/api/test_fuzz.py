"""Whatever is sent: never an internal error, and every refusal is a problem document."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from browserwatch.api.app import create_app
from browserwatch.settings import ServiceSettings
from tests.api.conftest import URL
from tests.api.fakes import World

FIELDS = (
    "task",
    "session",
    "start_url",
    "url",
    "format",
    "wait_until",
    "max_steps",
    "timeout_seconds",
    "output_schema",
    "sensitive_data",
    "model",
    "budget_usd",
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("html") | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
BODIES = st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), VALUES, max_size=8)
NEARLY = st.fixed_dictionaries({"task": st.text(min_size=1)}, optional=dict.fromkeys(FIELDS[1:], VALUES))
CONTENT = st.one_of(
    st.binary(max_size=200),
    VALUES.map(lambda value: json.dumps(value).encode()),
    BODIES.map(lambda value: json.dumps(value).encode()),
    NEARLY.map(lambda value: json.dumps(value).encode()),
)
fuzzed = settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])


class Asking:
    """Requests to an app, one after another, in a loop that stays."""

    def __init__(self, data: Path) -> None:
        self._runner = asyncio.Runner()
        app = create_app(ServiceSettings(data_dir=data), World().open)
        self._lifespan = app.router.lifespan_context(app)
        self._runner.run(self._start())
        self._http = httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url=URL)

    def __call__(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The answer, which is good or a problem."""
        answer = self._runner.run(self._ask(method, path, options))
        assert answer.status_code < 500, answer.text
        if answer.is_error:
            assert answer.headers["content-type"] == "application/problem+json"
        if answer.is_error and method != "HEAD":
            assert answer.json().keys() >= {"type", "title", "status", "detail"}
        return answer

    def close(self) -> None:
        """Let go of everything."""
        self._runner.run(self._end())
        self._runner.close()

    async def _start(self) -> None:
        await self._lifespan.__aenter__()

    async def _ask(self, method: str, path: str, options: dict[str, Any]) -> httpx.Response:
        return await self._http.request(method, path, **options)

    async def _end(self) -> None:
        await self._http.aclose()
        await self._lifespan.__aexit__(None, None, None)


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Asking]:
    asking = Asking(tmp_path)
    yield asking
    asking.close()


@fuzzed
@given(path=st.sampled_from(["/v1/runs", "/v1/pages"]), content=CONTENT)
def test_no_body_breaks_it(ask: Asking, path: str, content: bytes) -> None:
    """Random bytes, random JSON, and what is nearly right."""
    ask("POST", path, content=content, headers={"content-type": "application/json"})


@fuzzed
@given(
    method=st.sampled_from(["GET", "POST", "DELETE", "PUT", "HEAD", "BREW"]),
    path=st.lists(st.sampled_from(["v1", "runs", "sessions", "events", "cancel", "health"]) | st.text(), max_size=4),
    query=st.dictionaries(st.sampled_from(["limit", "before"]) | st.text(), st.text()),
    last=st.text(st.characters(min_codepoint=32, max_codepoint=126)),
)
def test_no_path_and_no_parameter_breaks_it(
    ask: Asking, method: str, path: list[str], query: dict[str, str], last: str
) -> None:
    """Known words and others, in any order."""
    url = f"{URL}/" + "/".join(quote(part, safe="", errors="replace") for part in path)
    ask(method, url, params=query, headers={"Last-Event-ID": last, "Idempotency-Key": last})


@pytest.mark.parametrize("content", [b"[" * 100_000, b'{"task":' * 50_000, b"1" * 10_000, b"\xff\xfe", b"\x00"])
def test_bodies_that_parsers_choke_on_are_refused(ask: Asking, content: bytes) -> None:
    """Deep, long, and in no encoding."""
    answer = ask("POST", "/v1/runs", content=content, headers={"content-type": "application/json"})
    assert 400 <= answer.status_code < 500
