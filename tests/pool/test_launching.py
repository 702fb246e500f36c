"""Agents that do not start, and what those that do are told."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from browserwatch.agents import fleet
from browserwatch.agents.errors import AcquireTimeoutError, PoolDrainingError
from browserwatch.agents.launching import WITHHELD, AgentLauncher, environment
from browserwatch.agents.messages import Fetch, Fetched
from browserwatch.agents.orphans import VARIABLE
from browserwatch.agents.pool import AgentPool
from browserwatch.errors import ConfigurationError
from browserwatch.settings import PREFIX, ServiceSettings, load_settings
from tests.pool.conftest import StartPool
from tests.pool.contract import ANY, SECONDS, Faults, Heard, directories_in, eventually, make_pool, make_settings


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("exits-before-ready", "is lost: its process ended with status 1: No module named 'browser_use'"),
        ("hangs-before-ready", r"was not ready within 0\.\d s"),
        ("start-fails", "did not start: no browser"),
        ("start-dies", "is lost: its process ended with status -9"),
    ],
)
async def test_launches_that_fail(
    fault: str, message: str, start_pool: StartPool, faults: Faults, monkeypatch: pytest.MonkeyPatch, data_dir: Path
) -> None:
    """They are tried again after a pause; the caller waits, and in the end is told why; nothing is left of them."""
    monkeypatch.setattr(fleet, "FIRST_RETRY_SECONDS", 0.01)
    faults.add(fault)
    pool = await start_pool(agent_start_timeout_seconds=0.2 if fault.startswith("hangs") else SECONDS)
    waiting = asyncio.create_task(_borrow(pool, SECONDS))
    await eventually(lambda: pool._fleet._failures > 1)
    with pytest.raises(AcquireTimeoutError, match=f"the last launch failed: agent .*{message}"):
        await _borrow(pool, 0.05)
    assert not waiting.done()
    assert pool.stats().last_launch is None
    await pool.stop()
    with pytest.raises(PoolDrainingError):
        await waiting
    assert directories_in(data_dir) == []


async def test_a_launch_that_works_again(
    start_pool: StartPool, faults: Faults, monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> None:
    """The caller that waited gets the agent, and the error is forgotten."""
    monkeypatch.setattr(fleet, "FIRST_RETRY_SECONDS", 0.01)
    faults.add("once-start-fails")
    pool = await start_pool()
    async with pool.acquire(ANY):
        assert faults.happened("start-fails")
    stats = pool.stats()
    assert stats.last_launch_error == ""
    assert stats.crashes == 0
    assert heard.reasons() == []


async def test_pauses_grow(start_pool: StartPool, faults: Faults, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice as long after each failure, up to half a minute."""
    pauses: list[float] = []

    def call_later(_: object, delay: float, *__: object) -> None:
        pauses.append(delay)

    faults.add("start-fails")
    pool = await start_pool()
    monkeypatch.setattr("asyncio.BaseEventLoop.call_later", call_later)
    for _ in range(9):
        pool._fleet._back_off("told so")
    monkeypatch.undo()
    assert [round(pause, 1) for pause in pauses] == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


async def test_agents_that_die_young(
    start_pool: StartPool, faults: Faults, monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> None:
    """Those that are lost before anybody used them are not started again and again without a pause."""
    monkeypatch.setattr(fleet, "FIRST_RETRY_SECONDS", 2 * SECONDS)
    monkeypatch.setattr(fleet, "LAST_RETRY_SECONDS", 2 * SECONDS)
    faults.add("ping-dies")
    pool = await start_pool()
    waiting = asyncio.create_task(_borrow(pool, SECONDS))
    await eventually(lambda: heard.reasons() == ["crash"] and sum(pool.stats().states.values()) == 0)
    assert pool.stats().waiters == 1
    assert pool.stats().last_launch_error.endswith("is lost: its process ended with status -9")
    waiting.cancel()
    await asyncio.wait([waiting])


async def test_an_agent_that_dies_as_soon_as_it_is_ready(
    start_pool: StartPool, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever is seen first, its word or its end: the caller gets another one."""
    monkeypatch.setattr(fleet, "FIRST_RETRY_SECONDS", 0.01)
    faults.add("once-dies-when-ready")
    pool = await start_pool()
    async with pool.acquire(ANY) as lease:
        assert faults.happened("dies-when-ready")
        assert lease.agent_id.endswith("-2")


async def test_no_chromium(data_dir: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    """The caller is told how to get one."""
    monkeypatch.setenv("BROWSERWATCH_CHROMIUM", "/nowhere")
    load_settings.cache_clear()
    pool = AgentPool(make_settings(data_dir), heard)
    await pool.start()
    assert "BROWSERWATCH_CHROMIUM='/nowhere' does not run" in await _launch_error(pool)
    await pool.stop()
    load_settings.cache_clear()


async def test_a_python_that_can_not_be_started(
    data_dir: Path, heard: Heard, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the system says of it; no descriptor stays open."""

    def nowhere(*_: object) -> list[str]:
        return ["/nowhere/python"]

    monkeypatch.setattr("browserwatch.agents.launching.ending_with_parent", nowhere)
    pool = make_pool(make_settings(data_dir), heard)
    await pool.start()
    assert "can't be started: No such file or directory" in await _launch_error(pool)
    await pool.stop()
    assert directories_in(data_dir) == []


async def test_a_second_service_on_the_same_data(start_pool: StartPool, data_dir: Path, heard: Heard) -> None:
    """It is refused, and the first is not disturbed; after its end the directory is free."""
    pool = await start_pool()
    async with pool.acquire(ANY):
        with pytest.raises(
            ConfigurationError, match=r"BROWSERWATCH_DATA_DIR=.* is in use by another browserwatch service"
        ):
            await make_pool(make_settings(data_dir), heard).start()
        assert heard.reasons() == []
    await pool.stop()
    await start_pool()


async def test_a_data_directory_that_can_not_be_used(tmp_path: Path, heard: Heard) -> None:
    """The error names it and says what the system said."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match=r"BROWSERWATCH_DATA_DIR='.*file' can't be used.*File exists"):
        await make_pool(make_settings(tmp_path / "file"), heard).start()


async def test_a_full_disk(start_pool: StartPool, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory that can't be made is a launch that failed."""
    pool = await start_pool()
    agents = data_dir / "agents"
    agents.rmdir()
    agents.touch()
    assert "can't be used for agents: Not a directory" in await _launch_error(pool)
    agents.unlink()
    agents.mkdir()


def test_all_secrets_are_withheld() -> None:
    """Every setting that holds one, and every file that one is read from."""
    fields = ServiceSettings.model_fields
    secret = {name for name, field in fields.items() if "Secret" in str(field.annotation) or name.endswith("key_file")}
    assert {"redis_url", "api_keys", "session_keys", "llm_api_key", "llm_api_key_file"} <= secret
    assert {f"{PREFIX}{name}".upper() for name in secret} <= WITHHELD
    assert f"{PREFIX}PRICES_FILE" not in WITHHELD


async def test_what_an_agent_inherits(start_pool: StartPool, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Providers' and OpenTelemetry's variables and the library's settings, but nothing that is the service's alone."""
    monkeypatch.setenv("OPENAI_API_KEY", "theirs")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "shop")
    monkeypatch.setenv("BROWSERWATCH_CONTENT_LIMIT", "500")
    monkeypatch.setenv("BROWSERWATCH_LLM_API_KEY", "ours")
    monkeypatch.setenv("browserwatch_redis_url", "redis://:secret@host")
    pool = await start_pool(redis_url=SecretStr("redis://:secret@host"))
    async with pool.acquire(ANY) as lease:
        answer = await lease.ask(Fetch(url="environment:"), Fetched, SECONDS)
        directory = data_dir / "agents" / lease.agent_id
    inherited = json.loads(answer.text or "")
    assert (inherited["OPENAI_API_KEY"], inherited["OTEL_SERVICE_NAME"]) == ("theirs", "shop")
    assert inherited["BROWSERWATCH_CONTENT_LIMIT"] == "500"
    assert inherited[VARIABLE] == str(directory)
    assert "ours" not in inherited.values()
    assert "redis://:secret@host" not in inherited.values()
    assert environment(directory)[VARIABLE] == str(directory)


def test_the_sandbox_setting(data_dir: Path, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    """On, off, or what can be here."""
    pool = make_pool(make_settings(data_dir), heard)
    sandboxed: list[bool] = []
    for reason in ("as root", ""):
        monkeypatch.setattr("browserwatch.agents.launching.unsandboxed_because", lambda found=reason: found)
        for wanted in ("auto", "on", "off"):
            launcher = AgentLauncher(make_settings(data_dir, chromium_sandbox=wanted), pool._directories, heard)
            sandboxed.append(launcher._configure(data_dir, Path("/chromium")).sandbox)
    assert sandboxed == [False, True, False, True, True, False]


async def _borrow(pool: AgentPool, seconds: float) -> None:
    async with pool.acquire(ANY, seconds):
        pass


async def _launch_error(pool: AgentPool) -> str:
    """What a caller is told who waits too short for the next attempt."""
    with pytest.raises(AcquireTimeoutError):
        await _borrow(pool, 0.01)
    await eventually(lambda: pool.stats().last_launch_error != "")
    with pytest.raises(AcquireTimeoutError) as caught:
        await _borrow(pool, 0.01)
    return str(caught.value)
