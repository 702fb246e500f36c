"""Runs of real browser-use in a real agent process, with the scripted model."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from browserwatch.agents.messages import Capture, Captured, Failed, Fetch, Fetched, Model, Ping, Pong, RunDone
from browserwatch.events import ModelCalled, PolicyBlocked, RunFinished, StepFinished
from tests.agentprocess.conftest import Tasks
from tests.agentprocess.harness import AgentProcess

pytestmark = [pytest.mark.real, pytest.mark.asyncio(loop_scope="module")]

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "price": {"$ref": "#/$defs/price"}},
    "required": ["name", "price"],
    "$defs": {"price": {"type": "number", "minimum": 0}},
}


async def test_success(shared: AgentProcess, tasks: Tasks) -> None:
    """A run tells what it came to, what it used, and its result."""
    done = await shared.ask(tasks.run("read-table"), RunDone)
    assert (done.outcome, done.failure_reason, done.steps, done.message) == ("success", "none", 3, "")
    assert done.result == "The cheapest product is the chisel, at 9.90."
    calls = shared.of(ModelCalled)[-4:]
    assert done.input_tokens == sum(call.input_tokens for call in calls) > 0
    assert done.cached_tokens == sum(call.cached_tokens for call in calls) > 0
    assert done.cost_usd == pytest.approx(sum(call.cost_usd or 0 for call in calls))
    assert done.unpriced_calls == 0


async def test_events_belong_to_the_run(shared: AgentProcess, tasks: Tasks) -> None:
    """Events carry the number of their run, its own start and end among them."""
    number = shared.send(tasks.run("default"))
    await shared.answer(number, RunDone)
    kinds = {type(happened.event).__name__ for happened in shared.events if happened.command == number}
    assert {"RunStarted", "StepFinished", "ModelCalled", "RunFinished"} <= kinds


async def test_unknown_price(shared: AgentProcess, tasks: Tasks) -> None:
    """Calls of a model whose price nobody knows are counted, so that a budget can't be kept by mistake."""
    model = msgspec.structs.replace(tasks.model, name="of-my-own")
    done = await shared.ask(tasks.run("default", model=model), RunDone)
    assert (done.outcome, done.cost_usd, done.unpriced_calls) == ("success", 0.0, 1)


async def test_start_url(shared: AgentProcess, tasks: Tasks) -> None:
    """A start address is opened before the model is asked."""
    done = await shared.ask(tasks.run("default", start_url=f"{tasks.site}/table"), RunDone)
    assert done.outcome == "success"
    session = await shared.ask(Capture(full=True), Captured)
    assert session.failed_origins == 0


@pytest.mark.parametrize(
    ("scenario", "steps", "outcome", "reason"),
    [
        ("failing", 8, "failure", "navigation"),
        ("never-done", 2, "max_steps", "max_steps"),
        ("private", 8, "failure", "policy_blocked"),
    ],
)
async def test_no_success(
    shared: AgentProcess, tasks: Tasks, scenario: str, steps: int, outcome: str, reason: str
) -> None:
    """How a run ended, and why, is what the instrumentation says; a page that was blocked is the reason if it was one."""
    done = await shared.ask(tasks.run(scenario, max_steps=steps), RunDone)
    assert (done.outcome, done.failure_reason) == (outcome, reason)
    assert done.message
    finished = shared.of(RunFinished)[-1]
    assert (finished.outcome, finished.failure_reason) == (outcome, reason)


async def test_structured(shared: AgentProcess, tasks: Tasks) -> None:
    """With an output schema the result is JSON that meets it."""
    done = await shared.ask(tasks.run("structured", output_schema=SCHEMA), RunDone)
    assert done.outcome == "success"
    assert done.structured == {"name": "Chisel", "price": 9.9}


async def test_structured_unmet(shared: AgentProcess, tasks: Tasks) -> None:
    """A result that does not meet the schema is none."""
    schema = {"type": "object", "properties": {"price": {"type": "string"}}, "required": ["price"]}
    done = await shared.ask(tasks.run("structured", output_schema=schema, max_steps=3), RunDone)
    assert done.outcome != "success"
    assert done.structured is None


@pytest.mark.parametrize(
    ("schema", "part"),
    [
        ({"type": "nonsense"}, "not a JSON Schema"),
        ({"$ref": "https://example.org/schema.json"}, "only references that begin with #/"),
        ({"$ref": "#/$defs/node", "$defs": {"node": {"items": {"$ref": "#/$defs/node"}}}}, "refers to itself"),
    ],
)
async def test_unusable_schema(shared: AgentProcess, tasks: Tasks, schema: dict[str, object], part: str) -> None:
    """A schema that can't be used is refused before anything is done."""
    failed = await shared.ask(tasks.run("structured", output_schema=schema), Failed)
    assert (failed.kind, failed.reason) == ("command", "llm_invalid_output")
    assert part in failed.message


async def test_unknown_provider(shared: AgentProcess, tasks: Tasks) -> None:
    """A provider that nobody knows is refused, with the names of the known."""
    model = Model(provider="nobody", name="x", api_key="sk-test-0123456789abcdef")
    failed = await shared.ask(tasks.run("default", model=model), Failed)
    assert (failed.kind, failed.reason) == ("command", "llm_error")
    assert "openai" in failed.message


async def test_schemes(shared: AgentProcess, tasks: Tasks) -> None:
    """The model can open neither files nor Chromium's own pages; each try is counted once."""
    before = len(shared.of(PolicyBlocked))
    done = await shared.ask(tasks.run("forbidden"), RunDone)
    assert done.steps == 4
    assert [event.rule for event in shared.of(PolicyBlocked)[before:]] == ["scheme"] * 3


async def test_cancel(shared: AgentProcess, tasks: Tasks) -> None:
    """A run that is cancelled ends soon, says what it had come to, and leaves the agent well."""
    before = len(shared.of(StepFinished))
    run = shared.send(tasks.run("slow"))
    await shared.seen(StepFinished, lambda _: len(shared.of(StepFinished)) > before)
    started = time.monotonic()
    shared.cancel(run)
    shared.cancel(run)
    done = await shared.answer(run, RunDone)
    assert time.monotonic() - started < 8
    assert (done.outcome, done.failure_reason) == ("cancelled", "none")
    assert done.input_tokens > 0
    await shared.ask(Ping(), Pong)
    await shared.ask(Fetch(url=f"{tasks.site}/table"), Fetched)


async def test_cancel_at_once(shared: AgentProcess, tasks: Tasks) -> None:
    """A run that is cancelled before it began is answered as cancelled, too."""
    run = shared.send(tasks.run("slow"))
    shared.cancel(run)
    assert (await shared.answer(run, RunDone)).outcome == "cancelled"


async def test_nothing_is_left(shared: AgentProcess, tasks: Tasks) -> None:
    """A run leaves no file of its own: notes, downloads, screenshots and profiles go with it."""

    def files() -> list[Path]:
        return sorted(path for path in shared.directory.rglob("*") if "browser-1" not in path.parts)

    before = files()
    done = await shared.ask(tasks.run("leaves-files"), RunDone)
    assert done.steps == 5
    assert files() == before
    captured = await shared.ask(Capture(full=False), Captured)
    assert b'"localStorage":{}' in captured.snapshot
