"""Runs of an agent in the canned browser with the canned model."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import httpx
from browser_use import ChatOpenAI
from browser_use.agent.service import Agent

from browserwatch.bench.agent import PLAIN, step_seconds
from browserwatch.bench.canned.browser import make_session, take_browser_out
from browserwatch.bench.canned.schemas import build_schemas_once
from browserwatch.bench.canned.script import MODEL, SECRETS, STEPS, answer


class CannedRuns:
    """Makes runs, one after the other.

    Args:
        directory: where browser-use writes; the caller removes it.
    """

    def __init__(self, directory: Path) -> None:
        take_browser_out()
        build_schemas_once()
        self._directory = directory

    steps = len(STEPS)
    """Steps of a run."""

    async def run(self) -> list[float]:
        """One run, in a session of its own; the seconds of its steps.

        Raises:
            RuntimeError: it did not end as scripted.
        """
        session = make_session(self._directory)
        try:
            async with httpx.AsyncClient(transport=_answering(), verify=False) as client:  # noqa: S501  # it connects to nobody
                history = await self._agent(session, client).run(max_steps=len(STEPS) + 2)
        finally:
            await session.stop()
        if not history.is_successful() or len(history.history) != len(STEPS) or any(history.errors()):
            raise RuntimeError(f"The canned run went another way: {[error for error in history.errors() if error]}.")
        return step_seconds(history)

    def _agent(self, session: Any, client: httpx.AsyncClient) -> Any:
        make: Any = Agent
        return make(
            task="Look at the shop.",
            llm=ChatOpenAI(model=MODEL, api_key="any", base_url="http://127.0.0.1:1/v1", http_client=client),
            browser_session=session,
            sensitive_data=SECRETS,
            file_system_path=str(self._directory),
            **PLAIN,
        )


def _answering() -> httpx.MockTransport:
    steps = itertools.count()

    def respond(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=answer(next(steps)), headers={"content-type": "application/json"})

    return httpx.MockTransport(respond)
