"""Giving a task to browser-use, watching over it, and leaving nothing of it behind."""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from browserwatch.agents.messages import Run, RunDone
from browserwatch.agents.process.browser import Browser
from browserwatch.agents.process.errors import BrowserLostError
from browserwatch.agents.process.guard import Guard
from browserwatch.agents.process.models import open_model
from browserwatch.agents.process.output_schema import OutputSchema
from browserwatch.agents.process.tally import Outlet, Tally
from browserwatch.instrumentation.observer import describe
from browserwatch.redaction import MESSAGE_LIMIT, redactor, secret_values

logger: Final = logging.getLogger(__name__)

# Chromium is gone: browser-use finds out by itself, and its own account of the run is then the right one.
NOTICE_SECONDS: Final = 10.0
CONNECT_SECONDS: Final = 30.0
CANCEL_SECONDS: Final = 10.0
PING_EVERY_SECONDS: Final = 5.0
HANG_SECONDS: Final = 15.0
SENTENCES: Final = {
    "cancelled": "It was cancelled.",
    "failure": "The agent says itself that it did not succeed.",
    "max_steps": "It was not done when its steps ran out.",
}


class Runner:
    """Runs tasks, one at a time.

    Args:
        browser: the one browser.
        guard: keeps the navigation policy.
        outlet: where the instrumentation's events pass.
        directory: the agent's own.
    """

    def __init__(self, browser: Browser, guard: Guard, outlet: Outlet, directory: Path) -> None:
        self._browser = browser
        self._guard = guard
        self._outlet = outlet
        self._directory = directory
        self._engine: ModuleType | None = None

    async def warm_up(self) -> None:
        """Import browser-use and make a first agent, which takes seconds.

        Raises:
            ImportError, AttributeError: browser-use is missing, or is one that the policy can't be put into.
        """
        self._engine = await asyncio.to_thread(_import_engine)
        self._guard.install()
        async with self._place() as place:
            self._engine.warm_up(place)

    async def run(self, command: Run) -> RunDone:
        """Do a task. A cancel ends it, and is answered like any other end.

        Raises:
            CommandError: it can't be begun: the model or the output schema can't be used.
            BrowserLostError: the browser died, or hangs.
        """
        key = command.model.api_key
        redactor.declare([*secret_values(command.sensitive_data), *([key] if key else [])])
        schema = OutputSchema(command.output_schema) if command.output_schema is not None else None
        tally = Tally(lambda: self._guard.blocked)
        async with open_model(command.model) as llm, self._place() as place, self._session(place) as session:
            agent = self._engine_().make_agent(command, llm, session, schema.model() if schema else None, place)
            self._outlet.tally = tally
            try:
                error = await self._supervise(agent, command.max_steps, tally)
            finally:
                self._outlet.tally = None
            return _done(command, agent, tally, schema, error)

    def _engine_(self) -> ModuleType:
        assert self._engine is not None  # noqa: S101  # `ready` is sent after the warm-up
        return self._engine

    @asynccontextmanager
    async def _place(self) -> AsyncGenerator[Path]:
        """A directory for one run. With it goes what browser-use leaves in the one for temporary files."""
        place = self._directory / "run"
        place.mkdir()
        try:
            yield place
        finally:
            left = [place, *(self._directory / "tmp").iterdir()]
            await asyncio.to_thread(_remove, left)

    @asynccontextmanager
    async def _session(self, place: Path) -> AsyncGenerator[Any]:
        self._guard.reset()
        session = self._engine_().make_session(self._browser.url, place)
        try:
            await self._connect(session)
            yield session
        finally:
            try:
                await self._engine_().stop_session(session)
            except Exception as error:  # noqa: BLE001  # the run has its result; a browser that is gone is told elsewhere
                logger.warning("browser-use did not end its session: %s", type(error).__name__)

    async def _connect(self, session: Any) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await session.start()
        except Exception as error:  # noqa: BLE001  # browser-use has errors of many kinds
            reason = "browser_crash" if self._browser.lost.done() else "browser_unresponsive"
            why = f"browser-use could not connect to Chromium ({type(error).__name__})."
            raise BrowserLostError(reason, why) from None

    # --- while it goes on --------------------------------------------------------------------------------------------
    async def _supervise(self, agent: Any, max_steps: int, tally: Tally) -> BaseException | None:
        """Run an agent to its end, or end it; gives what it raised."""
        work = asyncio.create_task(agent.run(max_steps=max_steps), name="browser-use")
        watch = asyncio.create_task(self._hangs(), name="watch")
        try:
            await asyncio.wait({work, watch, self._browser.lost}, return_when=asyncio.FIRST_COMPLETED)
            if self._browser.lost.done():
                await asyncio.wait({work}, timeout=NOTICE_SECONDS)
            if not work.done():
                tally.browser_failure = "browser_crash" if self._browser.lost.done() else "browser_unresponsive"
                await _end(agent, work)
        except asyncio.CancelledError:
            await _end(agent, work)
        finally:
            watch.cancel()
        if self._browser.lost.done():
            raise BrowserLostError("browser_crash", "Chromium ended during the run.")
        if tally.browser_failure:
            raise BrowserLostError("browser_unresponsive", f"Chromium answered nothing for {HANG_SECONDS:g} s.")
        return asyncio.CancelledError() if work.cancelled() else work.exception()

    async def _hangs(self) -> None:
        """Return when the browser does not answer any more."""
        try:
            while True:
                await asyncio.sleep(PING_EVERY_SECONDS)
                await self._browser.ping(HANG_SECONDS)
        except BrowserLostError:
            return


async def _end(agent: Any, work: asyncio.Task[Any]) -> None:
    """End an agent's run.

    Raises:
        BrowserLostError: it does not end.
    """
    agent.stop()
    work.cancel()
    _, running = await asyncio.wait({work}, timeout=CANCEL_SECONDS)
    if running:
        raise BrowserLostError("browser_unresponsive", f"browser-use did not stop within {CANCEL_SECONDS:g} s.")


def _done(command: Run, agent: Any, tally: Tally, schema: OutputSchema | None, error: BaseException | None) -> RunDone:
    finished = tally.finished
    outcome = finished.outcome if finished else "error"
    result: str | None = agent.history.final_result() if agent.history.is_done() else None
    return RunDone(
        id=command.id,
        outcome=outcome,
        failure_reason=finished.failure_reason if finished else "unknown",
        steps=finished.steps if finished else 0,
        input_tokens=tally.input_tokens,
        output_tokens=tally.output_tokens,
        cached_tokens=tally.cached_tokens,
        cost_usd=tally.cost_usd,
        unpriced_calls=tally.unpriced_calls,
        result=result,
        structured=schema.read(result) if schema else None,
        message="" if outcome == "success" else _message(agent, outcome, error),
    )


def _message(agent: Any, outcome: str, error: BaseException | None) -> str:
    if (sentence := SENTENCES.get(outcome)) is not None:
        return sentence
    if error is not None:
        return redactor.text(describe(error), MESSAGE_LIMIT)
    errors = [text for text in agent.history.errors() if text]
    first = errors[-1].split("\n", 1)[0] if errors else "It ended without a result."
    return redactor.text(first, MESSAGE_LIMIT)


def _import_engine() -> ModuleType:
    from browserwatch.agents.process import engine  # noqa: PLC0415  # slow, and not before `environment.enter`

    return engine


def _remove(paths: list[Path]) -> None:
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
