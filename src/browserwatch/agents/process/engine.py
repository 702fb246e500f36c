"""browser-use itself. To be imported after `environment.enter`, in which browser-use is told what it must not do."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Final

from browser_use.agent.service import Agent
from browser_use.browser import BrowserProfile, BrowserSession

from browserwatch.agents.messages import Run

STOP_SECONDS: Final = 10.0


class _Nobody:
    """A model that is never asked, for the agent of the warm-up."""

    model = model_name = name = "none"
    provider = "none"

    async def ainvoke(self, *_: object, **__: object) -> None:
        """Never called."""


def warm_up(directory: Path) -> None:
    """Make an agent that does nothing: the first one takes a second."""
    _agent(
        task="",
        llm=_Nobody(),
        browser_session=BrowserSession(browser_profile=_profile("ws://127.0.0.1:0/", directory)),
        file_system_path=str(directory),
    )


def make_session(url: str, directory: Path) -> Any:
    """A session of browser-use on a Chromium that runs already, and stays when the session ends."""
    return BrowserSession(browser_profile=_profile(url, directory), cdp_url=url)


def make_agent(command: Run, llm: Any, session: Any, output: type[Any] | None, directory: Path) -> Any:
    """An agent for a run."""
    start: dict[str, Any] = {"navigate": {"url": command.start_url, "new_tab": False}}
    return _agent(
        task=command.task,
        llm=llm,
        browser_session=session,
        sensitive_data=command.sensitive_data,
        initial_actions=[start] if command.start_url else None,
        output_model_schema=output,
        step_timeout=max(1, round(command.step_timeout_seconds)),
        file_system_path=str(directory),
    )


async def stop_session(session: Any) -> None:
    """End a session; the browser stays."""
    async with asyncio.timeout(STOP_SECONDS):
        await session.stop()


def _profile(url: str, directory: Path) -> BrowserProfile:
    return BrowserProfile(
        cdp_url=url,
        is_local=False,
        headless=True,
        keep_alive=True,
        enable_default_extensions=False,
        downloads_path=directory / "downloads",
    )


def _agent(**options: Any) -> Any:
    make: Any = Agent  # its type has parameters that nobody gives
    return make(use_judge=False, directly_open_url=False, enable_signal_handler=False, **options)
