"""One run, from its session and its agent to its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import traceback
from typing import Final

from browserwatch.agents.errors import AgentError
from browserwatch.agents.lending import Lease, Lender
from browserwatch.agents.messages import RunDone
from browserwatch.errors import BrowserwatchError
from browserwatch.events import Emit
from browserwatch.runs.endings import Ending, by_answer, by_error, by_sign
from browserwatch.runs.job import Job
from browserwatch.runs.session_state import finish, open_session, restore, save, wish_for
from browserwatch.runs.stopping import StoppedError
from browserwatch.sessions.errors import SessionError
from browserwatch.sessions.vault import OpenSession, SessionVault
from browserwatch.settings import ServiceSettings

STOP_GRACE: Final = 10.0
"""Seconds within which a run that is told to stop must end, before its agent is ended."""

# The agent of a run that neither ends nor stops is ended by the pool, whatever happens here.
_HUNG_MARGIN: Final = 30.0
_STOP_AGAIN: Final = 0.1
_log = logging.getLogger(__name__)


class Runner:
    """Does runs.

    Args:
        settings: how long things may take.
        lender: where agents come from.
        vault: where sessions are.
        emit: told when a run begins and ends, and of sessions that were reused.
    """

    def __init__(self, settings: ServiceSettings, lender: Lender, vault: SessionVault, emit: Emit) -> None:
        self._settings = settings
        self._lender = lender
        self._vault = vault
        self._emit = emit

    async def run(self, job: Job) -> float | None:
        """Do one run to its end, whatever that is. Seconds that it had an agent for; None: it never had one.

        It ends the run's record also when it is cancelled itself, and raises nothing but that.
        """
        try:
            ending = await self._attempt(job)
        except StoppedError:
            ending = by_sign(job.stop.why or "cancel")
        except asyncio.CancelledError:
            # What is known of the run stays true; its session was on the way to being saved.
            ending = job.ending or by_sign("interrupt")
            problem = "not saved: the service was shut down" if job.request.session else ""
            job.end(ending._replace(problem=problem), self._emit)
            raise
        except Exception as error:  # noqa: BLE001  # whatever it was, the run ends with a record that says so
            ending = by_error(error, job.stop.why)
            if not isinstance(error, BrowserwatchError):
                # Lines of code only: the message of an error that is not ours may quote anything.
                where = "".join(traceback.format_tb(error.__traceback__))
                _log.error("run %s: %s\n%s", job.live.record.id, type(error).__name__, where)
        return job.end(ending, self._emit)

    async def _attempt(self, job: Job) -> Ending:
        async with contextlib.AsyncExitStack() as stack:
            async with job.stop.interrupts():
                lease, opened = await self._prepare(job, stack)
            try:
                job.ending = by_answer(await self._converse(job, lease, opened), job.stop.why)
            except AgentError as error:
                job.ending = by_error(error, job.stop.why)
            if opened is not None:
                # An agent that was lost says so once more, in what the record tells of the session.
                job.note_problem(await finish(lease, opened, job.live.record.session_problem))
            return job.ending

    async def _prepare(self, job: Job, stack: contextlib.AsyncExitStack) -> tuple[Lease, OpenSession | None]:
        record = job.live.record
        opened = await open_session(
            stack, self._vault, record.tenant, record.session, self._settings.acquire_timeout_seconds
        )
        snapshot = opened.snapshot if opened else None
        borrowing = self._lender.acquire(wish_for(opened), stored=snapshot is not None)
        lease = await stack.enter_async_context(borrowing)
        job.begin(lease.how, self._emit)
        if snapshot is not None:
            job.note_problem(await restore(lease, snapshot, self._emit))
        return lease, opened

    async def _converse(self, job: Job, lease: Lease, opened: OpenSession | None) -> RunDone:
        over = asyncio.Event()
        command = job.command(self._settings.step_timeout_seconds)
        stopping = asyncio.create_task(_stop_when_told(job, lease))
        saving = asyncio.create_task(self._save_now_and_then(job, lease, opened, over))
        try:
            return await lease.ask(command, RunDone, job.timeout + STOP_GRACE + _HUNG_MARGIN, job.hear)
        finally:
            over.set()
            stopping.cancel()
            # Not cancelled: the agent does one thing at a time, and the last save comes next.
            await _ended(stopping, saving)

    async def _save_now_and_then(self, job: Job, lease: Lease, opened: OpenSession | None, over: asyncio.Event) -> None:
        while opened is not None and not await _set_within(over, self._settings.session_save_seconds):
            try:
                await save(lease, opened, full=False)
            except (SessionError, AgentError) as error:
                # The last save decides what the run says of its session.
                _log.info("run %s: session not saved on the way: %s", job.live.record.id, error)


async def _stop_when_told(job: Job, lease: Lease) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(job.timeout):
            await job.stop.given()
    job.stop.give("timeout")
    while True:
        # Until the run has ended and this with it: the sign may have come before the agent had the command.
        await lease.stop(STOP_GRACE)
        await asyncio.sleep(_STOP_AGAIN)


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    return event.is_set()


async def _ended(*tasks: asyncio.Task[None]) -> None:
    """Wait for tasks; when this is cancelled they are, too."""
    try:
        await asyncio.wait(tasks)
    except asyncio.CancelledError:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        raise
    for task in tasks:
        if not task.cancelled():
            task.result()
