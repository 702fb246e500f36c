"""A pool that does as told: it speaks the messages of a real agent, without one."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeAlias, cast

from browserwatch import semantics
from browserwatch.agents.errors import AgentLostError, CommandFailedError
from browserwatch.agents.lending import Holding, How, PoolStats, R, Wish
from browserwatch.agents.messages import (
    Capture,
    Captured,
    Command,
    Fetch,
    Fetched,
    Reply,
    Restore,
    Restored,
    Run,
    RunDone,
)
from browserwatch.events import ActionFinished, Event, ModelCalled, PageLoaded, RunFinished, RunStarted, StepFinished
from browserwatch.sessions.snapshot import Snapshot

Hear: TypeAlias = Callable[[Event], None]
PATIENCE = 10.0
DONE = RunDone(id=0, outcome="success", failure_reason="none", steps=1, result="42")


def step() -> StepFinished:
    return StepFinished(outcome="ok", seconds=1.0, phases={"model": 0.5})


def call(cost: float | None = 0.01) -> ModelCalled:
    return ModelCalled(
        provider="openai", model="gpt-4.1-mini", seconds=0.5, input_tokens=100, output_tokens=10, cost_usd=cost
    )


async def one_step(lease: "FakeLease", command: Run, hear: Hear) -> RunDone:
    """A run of one step, as an agent tells it."""
    happened: list[Event] = [
        RunStarted(),
        PageLoaded(outcome="ok", cause="agent", load=0.3),
        call(),
        ActionFinished(action="done", outcome="ok", seconds=0.1),
        step(),
        RunFinished(outcome="success", failure_reason="none", seconds=1.0, steps=1),
    ]
    for event in happened:
        hear(event)
    return DONE


class Held:
    """A run that goes on until it is let go, or told to stop."""

    def __init__(self, *, deaf: bool = False) -> None:
        self.begun = asyncio.Event()
        self.let_go = asyncio.Event()
        self.deaf = deaf
        self.hear: Hear = lambda _: None

    async def __call__(self, lease: "FakeLease", command: Run, hear: Hear) -> RunDone:
        """Do the run."""
        self.hear = hear
        self.begun.set()
        waiting = [asyncio.ensure_future(self.let_go.wait())]
        if not self.deaf:
            waiting.append(asyncio.ensure_future(lease.stopping.wait()))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waiting:
                one.cancel()
        if lease.stopping.is_set():
            return RunDone(id=0, outcome="cancelled", failure_reason="none", steps=0)
        return DONE


Work: TypeAlias = Callable[["FakeLease", Run, Hear], Awaitable[RunDone]]
Load: TypeAlias = Callable[["FakeLease", Fetch], Awaitable[Fetched]]


async def a_page(lease: "FakeLease", command: Fetch) -> Fetched:
    """A page that is found."""
    return Fetched(id=0, url=command.url, outcome="ok", status=200, title="t", media_type="text/html", text="<p>ü")


class FakeLease:
    """A `Lease` on nothing.

    Attributes:
        browser: what its browser has; None: nothing yet.
        lost: raised by everything, once it is set.
    """

    def __init__(self, lender: "FakeLender", how: How) -> None:
        self.agent_id = "fake"
        self.how: How = how
        self.stopping = asyncio.Event()
        self.stops = 0
        self.browser = lender.browser
        self.lost: AgentLostError | None = None
        self.commands: list[Command] = []
        self._lender = lender
        self._busy = 0

    async def ask(self, command: Command, reply: type[R], seconds: float, heard: Hear | None = None) -> R:
        """Do a command."""
        assert seconds > 0
        assert not self._busy or command == Capture(full=False), "one command at a time"
        self._busy += 1
        self.commands.append(command)
        try:
            answer = await self._answer(command, heard or (lambda _: None))
            if self.lost is not None:
                raise self.lost
        finally:
            self._busy -= 1
        assert isinstance(answer, reply)
        return answer

    async def _answer(self, command: Command, heard: Hear) -> Reply:
        if self.lost is not None:
            raise self.lost
        if isinstance(command, tuple(self._lender.failing)):
            raise CommandFailedError("can't", "unknown")
        match command:
            case Run():
                return await self._lender.work(self, command, heard)
            case Fetch():
                return await self._lender.load(self, command)
            case Restore():
                self.browser = Snapshot.decode(command.snapshot)
                await self._lender.restoring()
                return Restored(id=0, cookies=1, origins=1, failed_cookies=self._lender.failed_cookies)
            case Capture():
                await self._lender.capturing()
                return Captured(id=0, snapshot=(self.browser or Snapshot()).encode())
            case _:
                raise AssertionError(command)

    async def stop(self, grace: float) -> None:
        """Stop what is being done; an agent that does not listen is ended at once."""
        self.stops += 1
        self.stopping.set()
        work = self._lender.work
        if isinstance(work, Held) and work.deaf:
            self.lost = AgentLostError("ended: it did not stop", "unresponsive")
            work.let_go.set()

    def keep(self, holding: Holding | None) -> None:
        """Remember."""
        self._lender.kept.append(holding)


async def _at_once() -> None:
    return


class FakeLender:
    """A `Lender` of agents that do as told."""

    def __init__(self, agents: int = 4) -> None:
        self.work: Work = one_step
        self.load: Load = a_page
        self.restoring: Callable[[], Awaitable[None]] = _at_once
        self.capturing: Callable[[], Awaitable[None]] = _at_once
        self.failing: set[type[Command]] = set()
        self.failed_cookies = 0
        self.refuse: Exception | None = None
        self.browser: Snapshot | None = None
        self.kept: list[Holding | None] = []
        self.leases: list[FakeLease] = []
        self.wanted = asyncio.Event()
        self.lent = 0
        self._free = asyncio.Semaphore(agents)

    def occupy(self) -> None:
        """Let there be no free agent."""
        self._free = asyncio.Semaphore(0)

    @contextlib.asynccontextmanager
    async def acquire(
        self, wish: Wish, seconds: float | None = None, *, stored: bool = False
    ) -> AsyncGenerator[FakeLease]:
        """Lend an agent."""
        if self.refuse is not None:
            raise self.refuse
        self.wanted.set()
        async with self._free:
            warm = wish.holding is not None and wish.holding in self.kept
            lease = FakeLease(self, "warm" if warm else "restored" if stored else "fresh")
            self.leases.append(lease)
            self.lent += 1
            try:
                yield lease
            finally:
                self.lent -= 1

    def stats(self) -> PoolStats:
        """Nothing that anybody asks for here."""
        raise NotImplementedError


class Heard:
    """Keeps what was emitted."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        """Take one event."""
        if isinstance(event, RunFinished):
            assert event.outcome in semantics.RUN_OUTCOMES
            assert event.failure_reason in semantics.FAILURE_REASONS
        self.events.append(event)

    def of(self, *kinds: type[Event]) -> list[Event]:
        """Those of some kinds."""
        return [event for event in self.events if isinstance(event, kinds)]

    def finished(self) -> list[tuple[str, str]]:
        """Outcome and reason of each run that ended, after a check that all that began ended, and the other way round."""
        ended = cast("list[RunFinished]", self.of(RunFinished))
        assert len(ended) == len(self.of(RunStarted))
        return [(event.outcome, event.failure_reason) for event in ended]


async def eventually(condition: Callable[[], Awaitable[bool]] | Callable[[], bool]) -> None:
    """Wait until a condition holds, which nothing announces."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = condition()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(0.01)
