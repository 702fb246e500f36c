"""What the tests of the pool share: settings, an ear for events, faults of the fake agent, and waiting for conditions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from browserwatch import events, semantics
from browserwatch.agents.directories import AgentDirectories
from browserwatch.agents.launching import AgentLauncher
from browserwatch.agents.lending import Holding, Lease, Wish
from browserwatch.agents.messages import Capture, Captured
from browserwatch.agents.pool import AgentPool
from browserwatch.sessions.names import SessionId
from browserwatch.settings import ServiceSettings

FAKE: Final = Path(__file__).with_name("fake_agent.py")
SECONDS = 60.0
"""Time for what must happen; long, for a machine that is busy."""
ANY = Wish()


def holding(name: str, minute: int = 0) -> Holding:
    """A session as it was saved at some minute."""
    return Holding(SessionId("acme", name), datetime(2026, 1, 1, 0, minute, tzinfo=UTC))


SHOP = Wish(holding("shop"))
BANK = Wish(holding("bank"))


class Heard:
    """Keeps what was emitted; each event must be one that the metrics can take."""

    def __init__(self) -> None:
        self.all: list[events.Event] = []

    def __call__(self, event: events.Event) -> None:
        """Take one event."""
        self.all.append(event)

    def results(self) -> list[str]:
        """How wishes were met."""
        found = [event.result for event in self.all if isinstance(event, events.AgentAcquired)]
        assert set(found) <= set(semantics.ACQUIRE_RESULTS)
        return found

    def reasons(self) -> list[str]:
        """Why agents left."""
        found = [event.reason for event in self.all if isinstance(event, events.AgentRetired)]
        assert set(found) <= set(semantics.RETIRE_REASONS)
        return found

    @property
    def measured(self) -> list[events.ProcessesMeasured]:
        """Memory and processor time."""
        return [event for event in self.all if isinstance(event, events.ProcessesMeasured)]

    def crashes(self) -> list[str]:
        """What died unasked."""
        return [event.kind for event in self.all if isinstance(event, events.BrowserCrashed)]


class Faults:
    """What fake agents do wrong."""

    def __init__(self, data_dir: Path) -> None:
        self._directory = data_dir / "faults"
        self._directory.mkdir(parents=True)

    def add(self, name: str) -> None:
        """From now on."""
        (self._directory / name).touch()

    def remove(self, name: str) -> None:
        """Not any more."""
        (self._directory / name).unlink()

    def happened(self, name: str) -> bool:
        """Whether one that happens once has."""
        return not (self._directory / f"once-{name}").exists()


def make_settings(data_dir: Path, **chosen: Any) -> ServiceSettings:
    """Settings of a small pool that starts nothing by itself."""
    values: dict[str, Any] = {"data_dir": data_dir, "pool_min_idle": 0, "pool_max_size": 1, **chosen}
    return ServiceSettings(**values)


def make_pool(settings: ServiceSettings, heard: events.Emit, *, real: bool = False) -> AgentPool:
    """A pool of real agents, or of such as only speak."""
    if real:
        return AgentPool(settings, heard)
    launcher = AgentLauncher(
        settings,
        AgentDirectories(settings.data_dir),
        heard,
        program=("-ISX", "utf8", str(FAKE)),
        chromium=lambda: Path("/nowhere/chromium"),
    )
    return AgentPool(settings, heard, start_agent=launcher)


async def use(lease: Lease, kept: Holding | None = None) -> None:
    """Have the agent do something, and say what its browser has then, if it has."""
    await lease.ask(Capture(full=True), Captured, SECONDS)
    if kept is not None:
        lease.keep(kept)


async def eventually(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(SECONDS):
        while not condition():  # noqa: ASYNC110  # what is waited for is often another process
            await asyncio.sleep(0.005)


def pid_of(lease: Lease) -> int:
    """Process id of the agent that was lent."""
    return vars(lease)["_agent"].pid


def directories_in(data_dir: Path) -> list[str]:
    """What agents left there."""
    return sorted(path.name for path in (data_dir / "agents").iterdir())
