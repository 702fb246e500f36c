"""Runs in a real Chromium, for `browserwatch bench overhead`: of the demo's scenario, or of any work that it is given."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from browserwatch.bench.agent import PLAIN, step_seconds
from browserwatch.bench.arms import named
from browserwatch.bench.scenario import MIXED


class DemoRuns:
    """Runs of the scenario on the demo site, each in a session of its own.

    Args:
        model: address of the scripted model.
        site: address of the demo site.
        browser: address of Chromium's DevTools.
        directory: where browser-use writes.
    """

    def __init__(self, model: str, site: str, browser: str, directory: Path) -> None:
        self._model = model
        self._site = site
        self._browser = browser
        self._directory = directory

    async def turn(self) -> list[float]:
        """A run of the scenario; the seconds of its steps."""
        from browser_use import ChatOpenAI  # noqa: PLC0415  # its environment comes first
        from browser_use.agent.service import Agent  # noqa: PLC0415
        from openai import DefaultAsyncHttpxClient  # noqa: PLC0415

        make: Any = Agent
        async with self._session() as session, DefaultAsyncHttpxClient(trust_env=False) as client:
            agent = make(
                task=f"[scenario: {MIXED.name}] site: {self._site}",
                llm=ChatOpenAI(model="gpt-4.1-mini", base_url=f"{self._model}/v1", api_key="any", http_client=client),
                browser_session=session,
                file_system_path=str(self._directory),
                **PLAIN,
            )
            history = await agent.run(max_steps=len(MIXED.steps) + 2)
        if not history.is_successful() or len(history.history) != len(MIXED.steps):
            errors = [error for error in history.errors() if error]
            raise RuntimeError(f"A run went another way: {len(history.history)} steps, {errors}.")
        return step_seconds(history)

    @asynccontextmanager
    async def _session(self) -> AsyncGenerator[Any]:
        from browser_use.browser import BrowserProfile, BrowserSession  # noqa: PLC0415

        profile = BrowserProfile(
            cdp_url=self._browser,
            is_local=False,
            headless=True,
            keep_alive=True,
            enable_default_extensions=False,
            downloads_path=self._directory / "downloads",
        )
        session = BrowserSession(browser_profile=profile, cdp_url=self._browser)
        try:
            yield session
        finally:
            await session.stop()


class OwnRuns:
    """Runs of somebody's own work.

    Args:
        name: an async function, as ``module:function``. It is given the address of Chromium's DevTools, has an agent run
            there, and returns what `Agent.run` returned.
        browser: that address.

    Raises:
        ConfigurationError: there is no such function.
    """

    def __init__(self, name: str, browser: str) -> None:
        self._name = name
        self._work: Callable[[str], Awaitable[Any]] = named(name, "work")
        self._browser = browser

    async def turn(self) -> list[float]:
        """One run; the seconds of its steps.

        Raises:
            RuntimeError: it returned something else than a history with steps, or each of them failed.
        """
        history = await self._work(self._browser)
        found = step_seconds(history)
        if not found:
            raise RuntimeError(f"{self._name!r} made no step; it has to return what Agent.run() returned.")
        if all(errors := history.errors()):  # browser-use raises nothing, say when the model's key is wrong
            raise RuntimeError(f"{self._name!r} made no step that went well: {errors[0].splitlines()[0]}")
        return found
