"""The pool at work: at each change it asks the rules what to do (`decisions`), and has it done (`fleet`).

Whatever changes the state does so between two awaits of one event loop, so a change is whole or not at all. A caller waits
for one future only; what is done for it is done by tasks of the pool, which go on when the caller is cancelled.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Final, assert_never

from opentelemetry import trace

from browserwatch import semantics
from browserwatch.agents.decisions import decide, may_launch
from browserwatch.agents.directories import AgentDirectories
from browserwatch.agents.errors import AcquireTimeoutError, PoolDrainingError, PoolError, PoolFullError
from browserwatch.agents.fleet import Fleet, Member
from browserwatch.agents.launching import AgentLauncher, StartAgent
from browserwatch.agents.lease import PoolLease
from browserwatch.agents.lending import How, PoolStats, Wish
from browserwatch.agents.state import Action, Assign, Launch, Limits, PoolState, Reset, Retire, Waiter
from browserwatch.errors import ConfigurationError
from browserwatch.events import AgentAcquired, AgentReturned, Emit, Event, OrphansReaped, ProcessesMeasured
from browserwatch.processes.usage import TreeUsage, Usage, UsageMeter, memory_limit
from browserwatch.settings import ServiceSettings
from browserwatch.settings.service import MEBIBYTE
from browserwatch.tracing.ids import span_ids
from browserwatch.version import __version__

MEASURE_SECONDS: Final = 5.0
LEASE_WEIGHT: Final = 0.125
"""Of the newest lease in the usual length of leases."""
_log = logging.getLogger(__name__)
_tracer: Final = trace.get_tracer("browserwatch", __version__)


@dataclass(slots=True, eq=False)
class _Caller:
    """One who waits. `chosen`: an agent was found for it, and is asked whether it is well."""

    waiter: Waiter
    granted: asyncio.Future[tuple[Member, How]]
    chosen: bool = False


class AgentPool:
    """A `Lender` of agent processes. Start it in the main thread: to Linux, the parent that they end with is a thread.

    Args:
        settings: sizes, limits and times.
        emit: told what happens in the pool and in its agents.
        start_agent: how it comes by agents; None: processes of their own, each with a Chromium.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        emit: Emit,
        *,
        start_agent: StartAgent | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._emit = emit
        self._clock = clock
        self._directories = AgentDirectories(settings.data_dir)
        launcher = start_agent or AgentLauncher(settings, self._directories, emit)
        self._fleet = Fleet(settings, launcher, self._tell, self._changed, clock)
        self._limits = Limits.of(settings, memory_limit())
        self._numbers = itertools.count(1)
        self._callers: dict[int, _Caller] = {}
        self._draining = False
        self._all_back = asyncio.Event()
        self._usual_lease = 1.0
        self._cpu_cores = 0.0
        self._meter = UsageMeter()
        self._measuring: asyncio.Task[None] | None = None
        self._state = self._look()

    # --- for who runs the service -----------------------------------------------------------------------------------
    async def start(self) -> None:
        """Take the data directory, end what an earlier service left there, and begin to start agents.

        Raises:
            ConfigurationError: another service uses the data directory, or it can't be written to.
        """
        entering = asyncio.create_task(asyncio.to_thread(self._directories.enter))
        try:
            ended = await asyncio.shield(entering)
        except asyncio.CancelledError:
            with contextlib.suppress(ConfigurationError):
                await entering
            self._directories.leave()
            raise
        if ended:
            _log.warning("ended %d processes that an earlier service left behind", ended)
            self._tell(OrphansReaped(count=ended))
        self._measuring = asyncio.create_task(self._keep_measuring(), name="usage of agents")
        self._changed()

    async def drain(self, grace: float) -> None:
        """Lend no more agents, and wait until those that are lent came back, at most `grace` seconds."""
        self._draining = True
        for caller in self._callers.values():
            if not caller.granted.done():
                caller.granted.set_exception(_draining_error())
        self._fleet.drain()
        self._changed()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(grace):
                await self._all_back.wait()

    async def stop(self) -> None:
        """End every agent, those that are lent included. Afterwards no process and no directory is left."""
        await self.drain(0)
        if self._measuring is not None:
            self._measuring.cancel()
            await asyncio.wait([self._measuring])
        await self._fleet.end_all()
        self._directories.leave()

    # --- for borrowers ----------------------------------------------------------------------------------------------
    @contextlib.asynccontextmanager
    async def acquire(
        self, wish: Wish, seconds: float | None = None, *, stored: bool = False
    ) -> AsyncGenerator[PoolLease]:
        """As `Lender.acquire`."""
        limit = self._settings.acquire_timeout_seconds if seconds is None else seconds
        member, how = await self._acquire(wish, limit, stored=stored)
        lease = PoolLease(member.started, how)
        since = self._clock()
        try:
            yield lease
        finally:
            lease.close()
            self._back(self._clock() - since)
            self._fleet.put_back(member, lease)

    def stats(self) -> PoolStats:
        """As `Lender.stats`."""
        # Both are replaced as a whole and never changed, so any thread may look.
        state, report = self._state, self._fleet.report
        counts = state.counts()
        waits = [self._clock() - waiter.since for waiter in state.waiters]
        return PoolStats(
            states=counts,
            active=counts["leased"] + counts["draining"],
            size=state.limits.max_size,
            waiters=len(waits),
            oldest_waiter_seconds=max(waits, default=0.0),
            crashes=report.crashes,
            last_launch=report.last_launch,
            last_launch_seconds=report.last_launch_seconds,
            last_launch_error=report.last_launch_error,
            memory_bytes=state.memory_bytes,
            cpu_cores=state.cpu_cores,
            browser_use_version=report.browser_use_version,
            chromium_version=report.chromium_version,
            draining=state.draining,
        )

    @_tracer.start_as_current_span(semantics.AGENT_ACQUIRE)
    async def _acquire(self, wish: Wish, seconds: float, *, stored: bool) -> tuple[Member, How]:
        waiter = Waiter(next(self._numbers), wish, self._clock(), stored)
        caller = _Caller(waiter, asyncio.get_running_loop().create_future())
        result = "cancelled"
        try:
            self._join(caller)
            await asyncio.wait([caller.granted], timeout=seconds)
            if not caller.granted.done():
                raise AcquireTimeoutError(f"No agent within {seconds:g} s: {self._picture(waiter)}")
            member, result = caller.granted.result()
            trace.get_current_span().set_attribute(semantics.AGENT_ID, member.view.id)
        except PoolError as error:
            result = "timeout" if isinstance(error, AcquireTimeoutError) else "rejected"
            raise
        else:
            return member, result
        finally:
            self._acquired(caller.waiter, result)
            self._leave(caller, served=result in _SERVED)

    # --- callers ----------------------------------------------------------------------------------------------------
    def _join(self, caller: _Caller) -> None:
        """Queue up, unless too many wait already."""
        if self._draining:
            raise _draining_error()
        waiting, limit = len(self._state.waiters), self._limits.max_waiting
        if waiting >= limit and not self._state.counts()["idle"]:
            turn = self._usual_lease * (waiting + 1) / self._limits.max_size
            raise PoolFullError(
                f"No agent is idle, and as many callers wait as may ({limit}): {self._state}", max(1.0, turn)
            )
        self._callers[caller.waiter.number] = caller
        self._changed()

    def _leave(self, caller: _Caller, *, served: bool) -> None:
        """It waits no longer. What it was given too late goes back."""
        self._callers.pop(caller.waiter.number, None)
        granted = caller.granted
        if not served and granted.done() and granted.exception() is None:
            self._fleet.put_back(granted.result()[0])
        self._changed()

    async def _hand_over(self, caller: _Caller, member: Member, how: How) -> None:
        well = await self._fleet.is_well(member)
        if self._callers.get(caller.waiter.number) is not caller or caller.granted.done():
            self._fleet.put_back(member)
        elif well:
            caller.granted.set_result((member, how))
        else:
            caller.chosen = False
            self._changed()

    # --- the loop of changes and decisions --------------------------------------------------------------------------
    def _changed(self) -> None:
        for action in decide(self._look(), self._clock()):
            self._act(action)
        self._state = self._look()
        counts = self._state.counts()
        if counts["leased"] or counts["draining"]:
            self._all_back.clear()
        else:
            self._all_back.set()

    def _act(self, action: Action) -> None:
        match action:
            case Assign():
                caller = self._callers[action.waiter]
                caller.chosen = True
                member = self._fleet.lend(action.agent_id)
                self._fleet.do(self._hand_over(caller, member, action.how), f"handing over of {action.agent_id}")
            case Reset():
                self._fleet.reset(action.agent_id)
            case Launch():
                self._fleet.launch()
            case Retire():
                self._fleet.retire(action.agent_id, action.reason)
            case _:
                assert_never(action)

    def _look(self) -> PoolState:
        waiters = (caller.waiter for caller in self._callers.values() if not caller.chosen)
        return PoolState(
            limits=self._limits,
            agents=self._fleet.views,
            waiters=tuple(sorted(waiters, key=lambda waiter: waiter.number)),
            draining=self._draining,
            launch_after=self._fleet.launch_after,
            cpu_cores=self._cpu_cores,
        )

    # --- what is told of it -----------------------------------------------------------------------------------------
    def _picture(self, waiter: Waiter) -> str:
        state, now = self._look(), self._clock()
        picture = f"{state}; waited {now - waiter.since:.1f} s"
        if error := self._fleet.report.last_launch_error:
            return f"{picture}; the last launch failed: {error}"
        if len(state.agents) < self._limits.max_size and not may_launch(state, now, 0):
            used = f"{state.memory_bytes // MEBIBYTE} MiB and {state.cpu_cores:.1f} processors are in use"
            return f"{picture}; no further agent is admitted: {used}"
        return picture

    def _acquired(self, waiter: Waiter, result: str) -> None:
        span, seconds = trace.get_current_span(), self._clock() - waiter.since
        self._tell(AgentAcquired(result=result, seconds=seconds, **span_ids(span)))
        counts = self._state.counts()
        if result in _FAILED:
            span.set_attribute(semantics.ERROR_TYPE, result)
        span.set_attributes(
            {
                semantics.ACQUIRE_RESULT: result,
                semantics.ACQUIRE_WAITED: seconds,
                semantics.POOL_SIZE: self._limits.max_size,
                semantics.POOL_AGENTS: len(self._state.agents),
                semantics.POOL_IDLE: counts["idle"],
                semantics.POOL_WAITERS: len({waiter.number, *self._callers}),
            }
        )

    def _back(self, seconds: float) -> None:
        self._usual_lease += (seconds - self._usual_lease) * LEASE_WEIGHT
        self._tell(AgentReturned(seconds=seconds, **span_ids()))

    def _tell(self, event: Event) -> None:
        try:
            self._emit(event)
        except Exception:  # noqa: BLE001  # telemetry never hurts
            _log.exception("the event %s was lost", type(event).__name__)

    # --- memory and processors --------------------------------------------------------------------------------------
    async def _keep_measuring(self) -> None:
        measured = self._clock()
        while True:
            await asyncio.sleep(MEASURE_SECONDS)
            try:
                usages = await asyncio.to_thread(self._meter.measure, self._fleet.pids)
            except Exception:  # noqa: BLE001  # likewise; the pool goes on with what it knew
                _log.exception("the agents' memory and processor time could not be measured")
            else:
                before, measured = measured, self._clock()
                self._measured(usages, measured - before)
            # Also because time has passed: agents grow old.
            self._changed()

    def _measured(self, usages: dict[str, TreeUsage], seconds: float) -> None:
        agents = sum((usage.program for usage in usages.values()), Usage())
        browsers = sum((usage.descendants for usage in usages.values()), Usage())
        for role, usage in (("agent", agents), ("chromium", browsers)):
            self._tell(ProcessesMeasured(role=role, memory_bytes=usage.memory_bytes, cpu_seconds=usage.cpu_seconds))
        self._cpu_cores = (agents + browsers).cpu_seconds / seconds
        self._fleet.measured(usages)


_SERVED: Final = ("warm", "restored", "fresh")
_FAILED: Final = ("timeout", "rejected")


def _draining_error() -> PoolDrainingError:
    return PoolDrainingError("The service is shutting down; ask again when it is back.")
