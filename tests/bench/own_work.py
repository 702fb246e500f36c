"""Somebody's own work, as `browserwatch bench overhead --work tests.bench.own_work:run` takes it; and some that is none."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from browserwatch.demo import Scenario, Step, demo_site, scripted_model, serve_in_thread

LOOK = Scenario(
    name="look",
    steps=(
        Step(actions=({"navigate": {"url": "{site}/form"}},)),
        Step(actions=({"done": {"text": "Looked.", "success": True}},)),
    ),
)


async def run(browser: str) -> Any:
    """Look at a page."""
    from browser_use import Agent, BrowserProfile, BrowserSession, ChatOpenAI  # its environment comes first

    make: Any = Agent
    session = BrowserSession(browser_profile=BrowserProfile(cdp_url=browser, is_local=False, keep_alive=True))
    with serve_in_thread(scripted_model([LOOK])) as model, serve_in_thread(demo_site()) as site:
        try:
            return await make(
                task=f"[scenario: look] site: {site}",
                llm=ChatOpenAI(model="scripted", base_url=f"{model}/v1", api_key="any"),
                browser_session=session,
                use_judge=False,
                use_vision=False,
                directly_open_url=False,
                enable_signal_handler=False,
            ).run(max_steps=4)
        finally:
            await session.stop()


async def nothing(_: str) -> None:
    """Return no history."""


class _Failed:
    """A history of one step, which failed."""

    history = (SimpleNamespace(metadata=SimpleNamespace(duration_seconds=1.0)),)

    @staticmethod
    def errors() -> list[str]:
        """As browser-use's."""
        return ["401 Unauthorized"]


async def failing(_: str) -> _Failed:
    """Return a history without a step that went well."""
    return _Failed()
