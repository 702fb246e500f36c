"""`browserwatch run` against a service that says what a test wants."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from typer.testing import CliRunner

from browserwatch.cli.app import app
from browserwatch.demo import serve_in_thread
from browserwatch.settings import load_client_settings

EVENTS: list[tuple[str, dict[str, Any]]] = [
    ("run.queued", {}),
    ("run.started", {"acquired": "warm"}),
    ("action", {"action": "navigate", "outcome": "ok"}),
    ("step", {"number": 1, "outcome": "ok", "seconds": 1.2}),
    ("run.finished", {"state": "succeeded", "outcome": "success", "failure_reason": "none"}),
]


class Service:
    """Takes a run and tells its events; the first connection breaks after two of them."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.resumed: list[str | None] = []
        self.record: dict[str, Any] = {"id": "r1", "state": "succeeded", "result": "All\x1b[31m done.\nTwice."}
        self.problem: Response | None = None
        self.app = Starlette(
            routes=[
                Route("/v1/runs", self._submit, methods=["POST"]),
                Route("/v1/runs/r1", self._run),
                Route("/v1/runs/r1/events", self._events),
            ]
        )

    async def _submit(self, request: Request) -> Response:
        self.bodies.append(json.loads(await request.body()))
        self.keys.append(request.headers.get("authorization"))
        return self.problem or JSONResponse({"id": "r1", "trace_id": "ab" * 16}, status_code=202)

    async def _run(self, _: Request) -> Response:
        return JSONResponse(self.record)

    async def _events(self, request: Request) -> Response:
        self.resumed.append(request.headers.get("last-event-id"))
        after = int(self.resumed[-1] or 0)
        frames = "".join(
            f"id: {number}\nevent: {kind}\ndata: {json.dumps(data)}\n\n"
            for number, (kind, data) in enumerate(EVENTS, 1)
            if number > after
        )
        if after == 0:
            cut = frames.index("event: action")
            return Response(frames[:cut], media_type="text/event-stream", headers={"content-length": str(len(frames))})
        return Response(frames, media_type="text/event-stream")


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    made = Service()
    with serve_in_thread(made.app) as url:
        monkeypatch.setenv("BROWSERWATCH_URL", url)
        load_client_settings.cache_clear()
        yield made
    load_client_settings.cache_clear()


def test_without_follow_it_says_where_to_look(service: Service, runner: CliRunner) -> None:
    """The run's id, its trace, its address; what was not given is not sent."""
    done = runner.invoke(app, ["run", "Buy milk"])
    assert done.exit_code == 0
    assert "run r1" in done.output
    assert done.output.rstrip().endswith("/v1/runs/r1")
    assert service.bodies == [{"task": "Buy milk"}]


def test_every_option_is_sent(service: Service, runner: CliRunner, tmp_path: Path, monkeypatch: Any) -> None:
    """Secrets come from a file, the key from the environment."""
    monkeypatch.setenv("BROWSERWATCH_API_KEY", "bw_key")
    secrets = tmp_path / "secrets.json"
    secrets.write_text('{"password": "swordfish"}')
    options = "--session shop --start-url http://a/ --model m --max-steps 3 --timeout 9 --budget 0.5 --secrets"
    done = runner.invoke(app, ["run", "Buy milk", *options.split(), str(secrets)])
    assert done.exit_code == 0, done.output
    assert service.bodies == [
        {
            "task": "Buy milk",
            "session": "shop",
            "start_url": "http://a/",
            "model": "m",
            "max_steps": 3,
            "timeout_seconds": 9,
            "budget_usd": 0.5,
            "sensitive_data": {"password": "swordfish"},
        }
    ]
    assert service.keys == ["Bearer bw_key"]


def test_following_survives_a_broken_connection(service: Service, runner: CliRunner) -> None:
    """It goes on after the last event it saw, shows each once, then the result as plain text."""
    done = runner.invoke(app, ["run", "Buy milk", "--follow"])
    assert done.exit_code == 0, done.output
    assert service.resumed == [None, "2"]
    assert done.output.splitlines()[1:] == [
        "started on an agent (warm)",
        "step 1: navigate, 1.2 s",
        "success",
        "All [31m done.",
        "Twice.",
    ]


def test_a_run_that_failed_gives_exit_code_1(service: Service, runner: CliRunner) -> None:
    """As scripts expect."""
    service.record = {"id": "r1", "state": "failed"}
    assert runner.invoke(app, ["run", "Buy milk", "--follow"]).exit_code == 1


def test_a_problem_is_one_sentence(service: Service, runner: CliRunner) -> None:
    """Title, detail and status of the problem document."""
    document = {"title": "The queue is full", "detail": "100 runs wait"}
    service.problem = JSONResponse(document, status_code=429, media_type="application/problem+json")
    done = runner.invoke(app, ["run", "Buy milk"])
    assert (done.exit_code, done.output) == (1, "The queue is full: 100 runs wait (status 429)\n")


def test_an_answer_that_is_no_problem_document(service: Service, runner: CliRunner) -> None:
    """A proxy's page, say: its reason phrase."""
    service.problem = Response("<html>", status_code=502)
    assert runner.invoke(app, ["run", "Buy milk"]).output == "Bad Gateway (status 502)\n"


def test_no_service(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """What to do about it."""
    monkeypatch.setenv("BROWSERWATCH_URL", "http://127.0.0.1:9")
    load_client_settings.cache_clear()
    done = runner.invoke(app, ["run", "Buy milk"])
    load_client_settings.cache_clear()
    assert done.exit_code == 1
    assert "does not answer" in done.output
    assert "browserwatch serve" in done.output


@pytest.mark.parametrize("content", ["{'password': 'swordfish'}", '["swordfish"]'])
def test_a_bad_file_of_secrets_is_not_quoted(runner: CliRunner, tmp_path: Path, content: str) -> None:
    """The file is named, its content is not shown."""
    file = tmp_path / "s.json"
    file.write_text(content)
    done = runner.invoke(app, ["run", "Buy milk", "--secrets", str(file)])
    assert done.exit_code == 1
    assert "s.json" in done.output.replace("\n", "")
    assert "swordfish" not in done.output


def test_config_masks_secrets(runner: CliRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every variable with its value; what is secret is not shown, and what is set is told from defaults."""
    monkeypatch.setenv("BROWSERWATCH_REDIS_URL", "redis://u:swordfish@h/0")
    monkeypatch.setenv("BROWSERWATCH_SESSION_KEYS", "swordfish,swordfish")
    monkeypatch.setenv("BROWSERWATCH_PORT", "1234")
    done = runner.invoke(app, ["config"], env={"COLUMNS": "200"})
    lines = {line.split()[0]: line.split()[1:] for line in done.output.splitlines()}
    assert lines["BROWSERWATCH_PORT"] == ["1234", "set"]
    assert lines["BROWSERWATCH_REDIS_URL"] == ["********", "set"]
    assert lines["BROWSERWATCH_SESSION_KEYS"] == ["********,********", "set"]
    assert lines["BROWSERWATCH_HOST"] == ["127.0.0.1", "default"]
    assert "swordfish" not in done.output


def test_a_wrong_option_of_serve_is_one_sentence(runner: CliRunner) -> None:
    """Named as its variable, before anything starts."""
    done = runner.invoke(app, ["serve", "--port", "70000"])
    assert done.exit_code == 1
    assert done.output.startswith("BROWSERWATCH_PORT=70000: ")
