"""Parts are started, watched, and ended in the opposite order; with small programs in the place of large ones."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from browserwatch.pipeline import Part, PipelineError, State, Supervisor
from browserwatch.pipeline.ports import Ports, choose_ports

# Serves its port with the status that is in a file; notes its end in another; SIGTERM ends it unless it is stubborn.
PROGRAM = """
import http.server, pathlib, signal, sys
name, port, directory, stubborn = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3]), sys.argv[4] == "stubborn"
def end(*_):
    with (directory / "ended").open("a") as file: file.write(name + "\\n")
    if not stubborn: sys.exit(0)
signal.signal(signal.SIGTERM, end)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(int((directory / name).read_text()))
        self.end_headers()
        self.wfile.write(b'{"said": "hello"}')
    def log_message(self, *_): pass
print("starting", name, flush=True)
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""
SECONDS = 60.0


class Place:
    """Where such programs run, and what is said of them."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self.told: list[str] = []
        self.changed = asyncio.Event()
        self.parts: list[Part] = []
        monkeypatch.setattr("browserwatch.pipeline.supervisor.PROBE_SECONDS", 0.02)
        monkeypatch.setattr("browserwatch.pipeline.supervisor.START_PROBE_SECONDS", 0.02)

    def part(self, name: str, *, status: int = 200, stubborn: bool = False, grace: float = SECONDS) -> Part:
        """A program that answers with a status."""
        self.answer(name, status)
        port = choose_ports(Ports(service=0)).service
        made = Part(
            name=name,
            address=f"http://127.0.0.1:{port}",
            health=f"http://127.0.0.1:{port}/health",
            program=Path(sys.executable),
            arguments=("-ISc", PROGRAM, name, str(port), str(self.directory), "stubborn" if stubborn else "polite"),
            grace=grace,
            detail=lambda answer: answer["said"],
        )
        self.parts.append(made)
        return made

    def answer(self, name: str, status: int) -> None:
        """From now on."""
        (self.directory / name).write_text(str(status))

    def supervisor(self) -> Supervisor:
        """Of the parts so far."""

        def tell(line: str) -> None:
            self.told.append(line)
            self.changed.set()

        return Supervisor(self.parts, self.directory / "logs", tell)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that is told."""
        async with asyncio.timeout(SECONDS):
            while not condition():
                self.changed.clear()
                await self.changed.wait()

    def ended(self) -> list[str]:
        """Programs in the order in which they were told to end."""
        file = self.directory / "ended"
        return file.read_text().split() if file.exists() else []


@pytest.fixture
async def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path, monkeypatch)


async def test_parts_are_up_within_the_block_and_gone_after_it(place: Place) -> None:
    """The last one to start is the first one to end."""
    place.part("first")
    place.part("second")
    async with place.supervisor() as supervisor:
        assert [running.state for running in supervisor.running] == [State.UP, State.UP]
        assert [running.detail for running in supervisor.running] == ["hello", "hello"]
        processes = [psutil.Process(running.process.pid) for running in supervisor.running]
    assert not any(process.is_running() for process in processes)
    assert place.ended() == ["second", "first"]
    assert sorted(line.split(" after ")[0] for line in place.told) == ["first is up", "second is up"]


async def test_one_that_ends_at_once(place: Place) -> None:
    """The error has its last words, and the others are ended."""
    place.part("first")
    place.parts.append(
        Part(
            "broken", "", "http://127.0.0.1:9/", Path(sys.executable), ("-c", "import sys; sys.exit('no such option')")
        )
    )
    with pytest.raises(PipelineError, match=r"^broken ended at once: status 1, .*/broken\.log: no such option$"):
        async with place.supervisor():
            pass
    assert place.ended() in ([], ["first"])  # it may not have come to its signal handler


async def test_one_that_is_never_well(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not waited for without end."""
    monkeypatch.setattr("browserwatch.pipeline.supervisor.START_SECONDS", 0.0)
    place.part("ill", status=503)
    with pytest.raises(PipelineError, match="ill is not well after 0 s"):
        async with place.supervisor():
            pass


async def test_changes_are_told(place: Place) -> None:
    """Unhealthy, up again, ended."""
    place.part("part")
    async with place.supervisor() as supervisor:
        following = asyncio.create_task(supervisor.follow())
        place.answer("part", 503)
        await place.until(lambda: "does not say that it is well" in place.told[-1])
        assert supervisor.running[0].state is State.UNHEALTHY
        place.answer("part", 200)
        await place.until(lambda: place.told[-1] == "part is up again")
        os.kill(supervisor.running[0].process.pid, signal.SIGKILL)
        await place.until(lambda: place.told[-1].startswith("part has ended: status -9"))
        assert supervisor.running[0].state is State.ENDED
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def test_one_that_does_not_end_is_killed(place: Place) -> None:
    """After its grace period."""
    place.part("stubborn", stubborn=True, grace=0.2)
    async with place.supervisor() as supervisor:
        process = psutil.Process(supervisor.running[0].process.pid)
    assert not process.is_running()
    assert place.ended() == ["stubborn"]


async def test_a_second_stop_does_not_wait(place: Place) -> None:
    """Neither for the one that is ending, nor for those after it."""
    place.part("first", stubborn=True)
    place.part("second", stubborn=True)
    entered = asyncio.Event()

    async def watch() -> None:
        async with place.supervisor() as supervisor:
            processes.extend(psutil.Process(running.process.pid) for running in supervisor.running)
            entered.set()
            await supervisor.follow()

    processes: list[psutil.Process] = []
    watching = asyncio.create_task(watch())
    await entered.wait()
    watching.cancel()
    async with asyncio.timeout(SECONDS):
        while not place.ended():  # noqa: ASYNC110  # another process says so
            await asyncio.sleep(0.01)
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
    assert not any(process.is_running() for process in processes)
