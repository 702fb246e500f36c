"""What is left when a service, an agent or a browser is killed: nothing, and what is left elsewhere is ended by the next."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import psutil
import pytest

from browserwatch.agents.directories import AgentDirectories, remove
from browserwatch.agents.orphans import VARIABLE, end_processes_in, find_processes_in
from browserwatch.events import OrphansReaped
from tests.pool.conftest import StartPool
from tests.pool.contract import ANY, FAKE, SECONDS, Faults, Heard, directories_in, eventually, pid_of

SERVICE = """
import asyncio, sys
from pathlib import Path
from tests.pool.contract import ANY, make_pool, make_settings

async def main():
    pool = make_pool(make_settings(Path(sys.argv[1])), print, real=sys.argv[2] == "real")
    await pool.start()
    async with pool.acquire(ANY):
        print("lent", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""
IDLE = "import time; time.sleep(600)"


@contextlib.contextmanager
def running(*arguments: str, **variables: str) -> Generator[subprocess.Popen[bytes]]:
    """A process that does nothing until it is ended."""
    with subprocess.Popen([sys.executable, "-ISc", IDLE, *arguments], env=variables) as process:
        try:
            yield process
        finally:
            process.kill()


@contextlib.asynccontextmanager
async def service(data_dir: Path, kind: str) -> AsyncGenerator[set[psutil.Process]]:
    """Kill -9 of a service that has lent an agent; the processes that were the agent's."""
    program = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SERVICE, str(data_dir), kind),
        stdout=asyncio.subprocess.PIPE,
        cwd=FAKE.parents[2],
    )
    try:
        assert program.stdout is not None
        async with asyncio.timeout(SECONDS):
            async for line in program.stdout:
                if line == b"lent\n":
                    break
        left = find_processes_in(data_dir)
        assert left
        program.kill()
        await program.wait()
        yield left
    finally:
        with contextlib.suppress(ProcessLookupError):
            program.kill()
        await program.wait()
        end_processes_in(data_dir)


async def test_kill_9_of_the_service(data_dir: Path, kind: str) -> None:
    """No agent and no Chromium is there ten seconds later."""
    async with service(data_dir, kind) as left, asyncio.timeout(10):
        await eventually(lambda: not any(_runs(process) for process in left))
        assert find_processes_in(data_dir) == set()
        assert directories_in(data_dir) != []
    directories = AgentDirectories(data_dir)
    assert directories.enter() == 0
    directories.leave()
    assert directories_in(data_dir) == []


async def test_the_next_service_ends_what_is_left(
    data_dir: Path, faults: Faults, start_pool: StartPool, heard: Heard
) -> None:
    """Where no signal comes from the kernel (macOS), or to a browser; it is counted, and lends only agents of its own."""
    faults.add("with-browser")
    async with service(data_dir, "fake"):
        await eventually(lambda: len(find_processes_in(data_dir)) == 1)
        faults.remove("with-browser")
        await start_pool()
        assert find_processes_in(data_dir) == set()
    assert [event.count for event in heard.all if isinstance(event, OrphansReaped)] == [1]


async def test_a_browser_that_outlives_its_agent(start_pool: StartPool, faults: Faults, data_dir: Path) -> None:
    """It is ended with the rest of a crashed agent."""
    faults.add("with-browser")
    pool = await start_pool()
    async with pool.acquire(ANY) as lease:
        assert len(find_processes_in(data_dir)) == 2
        os.kill(pid_of(lease), signal.SIGKILL)
        await eventually(lambda: pool.stats().crashes == 1)
    await eventually(lambda: sum(pool.stats().states.values()) == 0)
    assert find_processes_in(data_dir) == set()


async def test_one_that_does_not_end_when_told(
    start_pool: StartPool, faults: Faults, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is killed after a while."""
    monkeypatch.setattr("browserwatch.agents.agent.SHUTDOWN_SECONDS", 0.05)
    faults.add("ignores-shutdown")
    pool = await start_pool()
    async with pool.acquire(ANY):
        pass
    await pool.stop()
    assert find_processes_in(data_dir) == set()


def test_found_by_variable_option_or_descent(tmp_path: Path) -> None:
    """Agents by their variable, Chromium by its own or its profile, and whatever these started."""
    agents = tmp_path / "agents"
    with (
        running(**{VARIABLE: str(agents / "a")}) as agent,
        running(XDG_CONFIG_HOME=str(agents / "a" / "config")) as renderer,
        running(f"--user-data-dir={agents / 'a' / 'profile'}") as browser,
    ):
        found = {agent.pid, renderer.pid, browser.pid}
        assert {process.pid for process in find_processes_in(agents)} == found
        assert {process.pid for process in find_processes_in(agents / "a")} == found
        assert find_processes_in(agents / "b") == set()
        assert end_processes_in(agents) == 3


def test_who_only_looks_is_left_alone(tmp_path: Path) -> None:
    """Somebody who reads a file there, or whose directory has a name that begins alike."""
    with (
        running(str(tmp_path / "agents" / "a" / "log")),
        running(PWD=str(tmp_path / "agents")),
        running(**{VARIABLE: str(tmp_path / "agents-of-another")}),
    ):
        assert end_processes_in(tmp_path / "agents") == 0


def test_a_directory_that_is_still_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Removing it is tried again; one that can't be removed is told, and no error."""
    failures = iter([OSError("not empty"), OSError("not empty")])
    import shutil

    rmtree = shutil.rmtree

    def flaky(path: Path, *, ignore_errors: bool = False) -> None:
        if error := next(failures, None):
            raise error
        rmtree(path, ignore_errors=ignore_errors)

    monkeypatch.setattr("shutil.rmtree", flaky)
    (tmp_path / "a" / "profile").mkdir(parents=True)
    remove(tmp_path / "a")
    assert not (tmp_path / "a").exists()
    remove(tmp_path / "a")
    (tmp_path / "file").touch()
    remove(tmp_path / "file")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_can_not_be_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is told, and no error."""

    def refuse(_: Path, *, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            raise PermissionError

    monkeypatch.setattr("shutil.rmtree", refuse)
    monkeypatch.setattr("browserwatch.agents.directories.RETRY_SECONDS", 0)
    remove(tmp_path)
    assert "can't be removed; the next start of the service tries again" in caplog.text


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
