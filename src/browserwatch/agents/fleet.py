"""The agents of a pool: launched, made new, lent, taken back, ended. It does what it is told; the rules are elsewhere.

Each method changes the state at once, and leaves what takes time to a task. A task that is done says so by `changed`.
"""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import logging
import random
import secrets
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from browserwatch.agents.agent import Agent
from browserwatch.agents.errors import AgentLostError, Loss
from browserwatch.agents.launching import StartAgent
from browserwatch.agents.lease import PoolLease
from browserwatch.agents.messages import Ready
from browserwatch.agents.state import AgentView
from browserwatch.events import AgentRetired, BrowserCrashed, Emit
from browserwatch.processes.usage import TreeUsage
from browserwatch.settings import ServiceSettings
from browserwatch.settings.service import MEBIBYTE

PING_SECONDS: Final = 2.0
"""Time that an agent has to show that it is well before it is lent."""
FIRST_RETRY_SECONDS: Final = 0.5
LAST_RETRY_SECONDS: Final = 30.0
AGE_JITTER: Final = 0.1
_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class Member:
    """One agent and what is known of it."""

    view: AgentView
    agent: Agent | None = None
    launching: asyncio.Task[None] | None = None
    proven: bool = False
    """It was well when it was to be lent for the first time."""
    overweight: bool = False
    """It is given up because of the memory that it uses."""

    @property
    def started(self) -> Agent:
        """The agent, of which there is one in every state but that of being launched."""
        if self.agent is None:
            raise RuntimeError(f"agent {self.view.id} is not started yet")
        return self.agent


@dataclass(frozen=True, slots=True)
class FleetReport:
    """What came of launches, and how many agents were lost."""

    crashes: int = 0
    last_launch: datetime | None = None
    last_launch_seconds: float | None = None
    last_launch_error: str = ""
    browser_use_version: str = ""
    chromium_version: str = ""


class Fleet:
    """Agents.

    Args:
        settings: times and limits of one agent.
        start_agent: how a new one is come by.
        emit: told what becomes of them. Does not raise.
        changed: called after each change that came about by itself.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        start_agent: StartAgent,
        emit: Emit,
        changed: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._start_agent = start_agent
        self._emit = emit
        self._changed = changed
        self._clock = clock
        # Names differ from those of an earlier service, too: its traces are still looked at.
        self._run, self._numbers = secrets.token_hex(3), itertools.count(1)
        self._members: dict[str, Member] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._failures = 0
        self.launch_after = 0.0
        self.report = FleetReport()

    @property
    def views(self) -> tuple[AgentView, ...]:
        """As the rules see them."""
        return tuple(member.view for member in self._members.values())

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of those that were started."""
        return {name: member.agent.pid for name, member in self._members.items() if member.agent is not None}

    # --- what the rules ask for -------------------------------------------------------------------------------------
    def launch(self) -> None:
        """Start one more."""
        member = Member(AgentView(id=f"{self._run}-{next(self._numbers)}"))
        self._members[member.view.id] = member
        member.launching = self.do(self._launch(member), f"launch of agent {member.view.id}")
        # Not at the end of the task's work: cancelled early, it never begins.
        member.launching.add_done_callback(lambda _: self._launch_over(member))

    def reset(self, agent_id: str) -> None:
        """Make its browser new; until then it is starting."""
        member = self._members[agent_id]
        member.view = replace(member.view, state="starting", resetting=True)
        self.do(self._reset(member), f"reset of agent {agent_id}")

    def lend(self, agent_id: str) -> Member:
        """Nobody else gets it."""
        member = self._members[agent_id]
        member.view = replace(member.view, state="leased")
        return member

    def retire(self, agent_id: str, reason: str) -> None:
        """End it."""
        self._end(self._members[agent_id], reason)

    # --- what becomes of one that was chosen ------------------------------------------------------------------------
    async def is_well(self, member: Member) -> bool:
        """Whether one that is to be lent answers; if not, it is given up."""
        try:
            await member.started.ping(PING_SECONDS)
        except AgentLostError:
            return False
        member.proven = True
        return True

    def put_back(self, member: Member, lease: PoolLease | None = None) -> None:
        """It was lent, or was to be lent, and is not any more."""
        view = member.view
        if view.state not in ("leased", "draining"):
            return  # lost meanwhile
        if lease is not None and (lease.used or lease.kept):
            view = replace(
                view, uses=view.uses + 1, holding=lease.holding if lease.kept else None, clean=lease.returns_clean
            )
        member.view = replace(view, state="idle", idle_since=self._clock())
        if member.started.busy:
            # What it still does would be done to the next borrower.
            self._end(member, "other")
        self._changed()

    def drain(self) -> None:
        """Those that are lent will not be lent again."""
        for member in self._members.values():
            if member.view.state == "leased":
                member.view = replace(member.view, state="draining")

    async def end_all(self) -> None:
        """End them, those that are lent included, and wait until all is done."""
        for member in tuple(self._members.values()):
            if member.view.state != "stopping":
                self._end(member, "drain")
        while self._tasks:
            await asyncio.wait(self._tasks)

    def measured(self, usages: Mapping[str, TreeUsage]) -> None:
        """Take note of what they use. One that uses far too much is ended even while it is lent."""
        limit = 2 * self._settings.agent_memory_limit_mb
        for name, usage in usages.items():
            member = self._members.get(name)
            if member is None:
                continue
            used = usage.total.memory_bytes
            member.view = replace(member.view, memory_bytes=used)
            if used > limit * MEBIBYTE and member.view.state != "stopping":
                member.overweight = True
                member.started.lose("crash", f"it uses {used // MEBIBYTE} MiB of memory; {limit} MiB are the most")

    # --- what takes time --------------------------------------------------------------------------------------------
    async def _launch(self, member: Member) -> None:
        since = self._clock()
        try:
            member.agent, ready = await self._start_agent(member.view.id, partial(self._lost, member))
        except Exception as error:  # noqa: BLE001  # whatever it is, it is told, and tried again
            self._back_off(str(error) or type(error).__name__)
        else:
            self._launched(member, ready, self._clock() - since)

    def _launch_over(self, member: Member) -> None:
        if member.agent is None:
            del self._members[member.view.id]
        self._changed()

    def _launched(self, member: Member, ready: Ready, seconds: float) -> None:
        now = self._clock()
        age = self._settings.agent_max_age_seconds * (1 - AGE_JITTER * random.random())  # noqa: S311  # no secret
        member.view = replace(member.view, state="idle", idle_since=now, retire_at=now + age)
        self._failures = 0
        self.report = replace(
            self.report,
            last_launch=datetime.now(UTC),
            last_launch_seconds=seconds,
            last_launch_error="",
            browser_use_version=ready.browser_use_version,
            chromium_version=ready.chromium_version,
        )

    def _back_off(self, error: str) -> None:
        _log.warning("an agent could not be started: %s", error)
        self.report = replace(self.report, last_launch_error=error)
        delay = min(FIRST_RETRY_SECONDS * 2**self._failures, LAST_RETRY_SECONDS)
        self._failures += 1
        self.launch_after = self._clock() + delay
        # A little later: a timer may be early by its resolution.
        asyncio.get_running_loop().call_later(delay + 0.01, self._changed)

    async def _reset(self, member: Member) -> None:
        try:
            await member.started.reset(self._settings.agent_start_timeout_seconds)
        except AgentLostError:
            return
        if member.view.state == "starting":
            member.view = replace(
                member.view, state="idle", resetting=False, clean=True, holding=None, idle_since=self._clock()
            )
            self._changed()

    def _lost(self, member: Member, kind: Loss) -> None:
        if member.view.state == "stopping":
            return
        if not member.overweight:
            self.report = replace(self.report, crashes=self.report.crashes + 1)
            if (died := member.started.died) is not None:
                self._emit(BrowserCrashed(kind=died))
        if not member.proven:
            # Those that die young would be started again and again.
            self._back_off(str(member.started.lost))
        self._end(member, "memory" if member.overweight else kind)
        self._changed()

    def _end(self, member: Member, reason: str) -> None:
        member.view = replace(member.view, state="stopping")
        self._emit(AgentRetired(reason=reason))
        if member.agent is not None:
            self.do(self._ended(member, member.agent), f"end of agent {member.view.id}")
        elif member.launching is not None:
            # Ends what was started of it, and forgets it.
            member.launching.cancel()

    async def _ended(self, member: Member, agent: Agent) -> None:
        try:
            await agent.end()
        finally:
            del self._members[member.view.id]
            self._changed()

    def do(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        """Have something done beside; `end_all` waits for it."""
        # In no trace: that a browser is made new is no part of the run that left it, or that waits for it.
        task = asyncio.create_task(work, name=name, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("the %s failed", task.get_name(), exc_info=error)
