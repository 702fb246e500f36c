"""Runs in this process: taken, queued, worked on, told of. The implementation of `port.Runs`."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import time
from collections.abc import AsyncIterator, Coroutine
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from opentelemetry import context

from browserwatch.agents.messages import Model
from browserwatch.egress import EgressPolicy
from browserwatch.events import Emit, PolicyBlocked, RunRejected
from browserwatch.pricing import Prices
from browserwatch.runs.book import RunBook
from browserwatch.runs.endings import by_sign
from browserwatch.runs.errors import InvalidRequestError, RejectedError
from browserwatch.runs.fingerprint import Fingerprints
from browserwatch.runs.ids import Ids
from browserwatch.runs.instances import Instances, RunRef, instance_id
from browserwatch.runs.job import Job
from browserwatch.runs.journal import Journal
from browserwatch.runs.liveness import Liveness
from browserwatch.runs.models import RunEvent, RunRecord, RunRequest
from browserwatch.runs.models_allowed import ModelChoice
from browserwatch.runs.queue import Limits, RunQueue, Ticket
from browserwatch.runs.record_store import Claim, Owner, RecordStore
from browserwatch.runs.runner import STOP_GRACE, Runner
from browserwatch.runs.stopping import Why
from browserwatch.runs.validation import check_idempotency_key, check_run
from browserwatch.sessions.errors import StoreUnavailableError
from browserwatch.sessions.keys import KeyRing
from browserwatch.sessions.redis_client import RedisClient
from browserwatch.settings import ServiceSettings
from browserwatch.tracing.ids import trace_id

INTERRUPT_SECONDS: Final = STOP_GRACE + 5.0
"""After the grace of a shutdown: time in which runs stop and save their sessions."""

LAST_WRITES_SECONDS: Final = 5.0


class RunStats(NamedTuple):
    """The runs of this instance at one moment."""

    queued: int
    running: int
    oldest_seconds: float
    """How long the first of those that wait has waited; 0: none waits."""


class RunDispatcher:
    """Runs of all tenants, done by this process.

    Args:
        settings: limits, models, and where this instance keeps its id.
        client: the connection to Redis; whoever made it closes it.
        keys: those of the sessions; fingerprints of requests are made with them.
        runner: does one run.
        emit: told of runs that begin, end, or are not taken.

    Raises:
        ConfigurationError: the data directory or the file of prices can't be used.
    """

    def __init__(
        self, settings: ServiceSettings, client: RedisClient, keys: KeyRing, runner: Runner, emit: Emit
    ) -> None:
        self._settings = settings
        self._runner = runner
        self._emit = emit
        self._policy = EgressPolicy.parse(settings.egress_allow)
        self._models = ModelChoice(settings, Prices.load(settings.prices_file))
        self._queue = RunQueue(_limits(settings))
        store = RecordStore(client, settings.run_ttl_seconds)
        self._instances = Instances(client, instance_id(settings.data_dir))
        self._journal = Journal(store, self._instances)
        self._book = RunBook(store, self._journal, Fingerprints(keys))
        self._liveness = Liveness(self._instances, store, self._journal, self._cancel)
        self._ids = Ids()
        self._jobs: dict[str, Job] = {}
        self._working: set[asyncio.Task[float | None]] = set()
        self._taking: set[asyncio.Task[RunRecord]] = set()
        self._background: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to write, to beat, and to mark what an earlier life of this instance left behind."""
        self._journal.start()
        self._spawn(self._liveness.beat_for_ever(), "heartbeat of this instance")

    async def submit(self, tenant: str, request: RunRequest, idempotency_key: str | None = None) -> RunRecord:
        """Take a run; as `Runs.submit`."""
        check_run(request, self._settings)
        self._check_start(request)
        check_idempotency_key(idempotency_key)
        if earlier := await self._book.earlier(idempotency_key, tenant, request):
            return earlier
        model = await self._choose_model(request)
        taking = asyncio.create_task(self._take(self._record(tenant, request, model), request, model, idempotency_key))
        self._taking.add(taking)
        taking.add_done_callback(self._taking.discard)
        # A caller who goes away in the middle leaves a run that is taken as a whole, or not at all.
        return await asyncio.shield(taking)

    async def get(self, tenant: str, run_id: str) -> RunRecord:
        """One run; as `Runs.get`."""
        return await self._book.get(tenant, run_id)

    async def list(self, tenant: str, limit: int = 50, before: str | None = None) -> tuple[RunRecord, ...]:
        """The tenant's runs; as `Runs.list`."""
        return await self._book.list(tenant, limit, before)

    async def cancel(self, tenant: str, run_id: str) -> RunRecord:
        """Stop a run; as `Runs.cancel`."""
        record = await self._book.get(tenant, run_id)
        if self._book.find(tenant, run_id) is not None:
            self._cancel(run_id)
            return await self._book.get(tenant, run_id)
        if not record.final:
            await self._instances.cancel(record.owner, RunRef(tenant, run_id))
        return record

    def follow(self, tenant: str, run_id: str, after: int = 0) -> AsyncIterator[RunEvent]:
        """Events of a run; as `Runs.follow`."""
        return self._book.follow(tenant, run_id, after)

    def stats(self) -> RunStats:
        """The runs of this instance now. Quick, and safe from any thread."""
        return RunStats(self._queue.queued, self._queue.running, self._queue.oldest(time.monotonic()))

    async def drain(self, grace: float) -> None:
        """Take no more runs, interrupt those that wait, and let those that run go on for `grace` seconds at most."""
        self._queue.close()
        if self._taking:
            await asyncio.wait(self._taking)
        for run_id in self._queue.waiting():
            self._end_waiting(run_id, "interrupt")
        await self._wait_for_runs(grace)
        for job in self._jobs.values():
            job.stop.give("interrupt")
        await self._wait_for_runs(INTERRUPT_SECONDS)
        for task in self._working:
            task.cancel()
        await self._wait_for_runs(None)

    async def close(self) -> None:
        """After `drain`: write what is left, and end."""
        for task in self._background:
            task.cancel()
        if self._background:
            await asyncio.wait(self._background)
        await self._journal.close(LAST_WRITES_SECONDS)

    def _check_start(self, request: RunRequest) -> None:
        """Refuse at once what the agent's proxy would refuse later."""
        rule = self._policy.check_url(request.start_url) if request.start_url else None
        if rule is not None:
            self._emit(PolicyBlocked(rule=rule))
            raise InvalidRequestError("start_url", f"blocked by the policy of the service ({rule})")

    async def _choose_model(self, request: RunRequest) -> Model:
        try:
            return await self._models.choose(request.model, request.budget_usd)
        except InvalidRequestError as error:
            if error.field == "budget_usd":
                self._emit(RunRejected(reason="budget"))
            raise

    def _record(self, tenant: str, request: RunRequest, model: Model) -> RunRecord:
        return RunRecord(
            id=self._ids.new(),
            tenant=tenant,
            state="queued",
            created=datetime.now(UTC),
            trace_id=trace_id(),
            session=request.session,
            model=f"{model.provider}/{model.name}",
            max_steps=request.max_steps or self._settings.run_max_steps,
            owner=self._instances.own,
        )

    async def _take(self, record: RunRecord, request: RunRequest, model: Model, key: str | None) -> RunRecord:
        begins = self._admit(record)
        timeout = request.timeout_seconds or self._settings.run_timeout_seconds
        job = Job(request, model, timeout, self._journal.add(record), self._journal)
        try:
            owner = await self._enter(job, self._book.claim(key, record.id, record.tenant, request))
        except BaseException:
            self._give_up_place(job)
            raise
        if owner is not None:
            self._give_up_place(job)
            return await self._book.owned(owner, record.tenant, request)
        self._jobs[record.id] = job
        if begins:
            self._begin(job)
        else:
            self._queue.ready(record.id)
            self._begin_next()
        return job.live.record

    def _admit(self, record: RunRecord) -> bool:
        """Give a run its place; whether it may begin at once."""
        try:
            return self._queue.add(Ticket(record.id, record.tenant, record.session, time.monotonic()))
        except RejectedError as error:
            self._emit(RunRejected(reason=error.reason))
            raise

    async def _enter(self, job: Job, claim: Claim | None) -> Owner | None:
        """Write a run down before it is taken; later, when Redis is gone and it needs nothing from there.

        Returns:
            Who has the idempotency key, if it is not this run.
        """
        needed = claim is not None or job.request.session is not None
        if needed or self._journal.available:
            try:
                return await self._journal.create(job.live, claim)
            except StoreUnavailableError:
                if needed:
                    self._spawn(self._journal.withdraw(job.live, claim), "withdrawal of a run")
                    raise
        self._journal.write_later(job.live)
        return None

    def _give_up_place(self, job: Job) -> None:
        run_id = job.live.record.id
        self._journal.forget(job.live)
        if not self._queue.remove(run_id):
            self._queue.done(run_id)
            self._begin_next()

    def _begin_next(self) -> None:
        while (run_id := self._queue.next()) is not None:
            self._begin(self._jobs[run_id])

    def _begin(self, job: Job) -> None:
        # Not in the context of whoever happens to make room: only the trace of the one who asked goes on.
        own = contextvars.Context()
        own.run(context.attach, job.trace)
        task = asyncio.create_task(self._runner.run(job), name=f"run {job.live.record.id}", context=own)
        self._working.add(task)
        task.add_done_callback(functools.partial(self._ended, job.live.record.id))

    def _ended(self, run_id: str, task: asyncio.Task[float | None]) -> None:
        self._working.discard(task)
        del self._jobs[run_id]
        self._queue.done(run_id, None if task.cancelled() or task.exception() else task.result())
        self._begin_next()

    def _cancel(self, run_id: str) -> None:
        if run_id in self._jobs and not self._end_waiting(run_id, "cancel"):
            self._jobs[run_id].stop.give("cancel")

    def _end_waiting(self, run_id: str, why: Why) -> bool:
        """End a run that waits for its turn. Whether it did."""
        if not self._queue.remove(run_id):
            return False
        job = self._jobs.pop(run_id)
        job.within_trace(lambda: job.end(by_sign(why), self._emit))
        return True

    async def _wait_for_runs(self, seconds: float | None) -> None:
        if self._working:
            await asyncio.wait(self._working, timeout=seconds)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def __repr__(self) -> str:
        stats = self.stats()
        return f"<RunDispatcher {self._instances.own}: {stats.running} running, {stats.queued} queued>"


def _limits(settings: ServiceSettings) -> Limits:
    agents, places = settings.pool_max_size, settings.run_queue_size
    return Limits(agents, places, settings.tenant_max_running or agents, settings.tenant_max_queued or places)
