"""The agents of the demo: plain browser-use. Nothing here knows that they are watched."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from browserwatch.processes.chromium import start_empty

logger: Final = logging.getLogger(__name__)

AT_ONCE: Final = 2
RUN_SECONDS: Final = 180.0
MAX_STEPS: Final = 15
MODEL: Final = "gpt-4.1-mini"
ONLY_LOOPBACK: Final = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"
# Of the demo site; browserwatch masks such values wherever they might leave.
SIGN_IN: Final = {"user": "ada@example.org", "password": "analytical-engine"}


class Plan(NamedTuple):
    """A run, and how it ends when all is well."""

    scenario: str
    outcome: str


# The longest first, so that the others run beside it.
PLANS: Final = (
    Plan("click-tour", "success"),
    Plan("read-table", "success"),
    Plan("shop-login", "success"),
    Plan("failing", "failure"),
)


@dataclass(frozen=True, slots=True)
class Lab:
    """What the agents need: the addresses of site and model, a Chromium, a directory, and somebody to tell their ids."""

    site: str
    model: str
    chromium: Path
    files: Path
    headless: bool
    sandbox: bool
    made: Callable[[str, str], None]


async def run_all(lab: Lab) -> None:
    """Run all plans, some at once. What goes wrong in one is logged; the others go on."""
    places = asyncio.Semaphore(AT_ONCE)

    async def run(plan: Plan) -> None:
        async with places:
            try:
                await _run(plan.scenario, lab)
            except Exception:
                logger.exception("The run %s broke", plan.scenario)

    async with asyncio.TaskGroup() as group:
        for plan in PLANS:
            group.create_task(run(plan))


async def _run(scenario: str, lab: Lab) -> None:
    from openai import DefaultAsyncHttpxClient  # noqa: PLC0415  # slow

    # One client for the whole run: browser-use makes one per call, and an unclosed one can stall a later connection
    # (https://github.com/python/cpython/issues/130141).
    async with DefaultAsyncHttpxClient(trust_env=False) as client:
        session = _session(scenario, lab)
        try:
            agent = _agent(scenario, lab, session, client)
            lab.made(agent.id, scenario)
            async with asyncio.timeout(RUN_SECONDS):
                await agent.run(max_steps=MAX_STEPS)
        finally:
            await session.kill()


def _session(scenario: str, lab: Lab) -> Any:
    from browser_use.browser import BrowserProfile, BrowserSession  # noqa: PLC0415  # slow

    directory = lab.files / f"profile-{scenario}"
    start_empty(directory)
    profile = BrowserProfile(
        executable_path=lab.chromium,
        headless=lab.headless,
        chromium_sandbox=lab.sandbox,
        enable_default_extensions=False,
        user_data_dir=directory,
        downloads_path=lab.files / f"downloads-{scenario}",
        args=[ONLY_LOOPBACK],
    )
    return BrowserSession(browser_profile=profile)


def _agent(scenario: str, lab: Lab, session: Any, client: Any) -> Any:
    from browser_use import Agent, ChatOpenAI  # noqa: PLC0415  # slow

    llm = ChatOpenAI(
        model=MODEL, base_url=f"{lab.model}/v1", api_key="the-scripted-model-takes-any", http_client=client
    )
    make: Any = Agent  # its type has parameters that nobody gives
    return make(
        task=f"[scenario: {scenario}] site: {lab.site}",
        llm=llm,
        browser_session=session,
        sensitive_data=dict(SIGN_IN),
        use_judge=False,
        use_vision=False,
        directly_open_url=False,
        enable_signal_handler=False,
        file_system_path=str(lab.files / f"agent-{scenario}"),
    )


def end_leftovers() -> None:
    """End the processes below this one that still run, by their ids: browsers that a cancelled run has left."""
    import psutil  # noqa: PLC0415  # comes with browser-use

    left = psutil.Process().children(recursive=True)
    for process in left:
        with suppress(psutil.Error):
            process.terminate()
    for process in psutil.wait_procs(left, timeout=3)[1]:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, timeout=3)
