"""Plain browser-use without browserwatch, as a program: some agents at once in one process, by `asyncio.gather`.

Arguments: agents, their task, address of the model, path of Chromium, a directory. What it did is seen at the model.
"""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from bench.lab import STEPS

ENVIRONMENT = {
    "ANONYMIZED_TELEMETRY": "false",
    "BROWSER_USE_VERSION_CHECK": "false",
    "BROWSER_USE_DISABLE_EXTENSIONS": "1",
    "BROWSER_USE_CLOUD_HINTS": "false",
    "BROWSER_USE_SETUP_LOGGING": "false",
}


async def work(number: int, task: str, model: str, chromium: str, directory: str) -> None:
    """One agent in a browser of its own."""
    from browser_use import Agent, ChatOpenAI  # noqa: PLC0415  # its environment comes first
    from browser_use.browser import BrowserProfile, BrowserSession  # noqa: PLC0415
    from openai import DefaultAsyncHttpxClient  # noqa: PLC0415

    profile = BrowserProfile(
        executable_path=chromium,
        headless=True,
        chromium_sandbox=os.geteuid() != 0,
        enable_default_extensions=False,
        user_data_dir=f"{directory}/profile-{number}",
        downloads_path=f"{directory}/downloads-{number}",
    )
    session = BrowserSession(browser_profile=profile)
    make: Any = Agent
    async with DefaultAsyncHttpxClient(trust_env=False) as client:
        llm = ChatOpenAI(model="scripted", base_url=f"{model}/v1", api_key="any", http_client=client)
        try:
            agent = make(
                task=task,
                llm=llm,
                browser_session=session,
                use_judge=False,
                use_vision=False,
                directly_open_url=False,
                enable_signal_handler=False,
                file_system_path=directory,
            )
            await agent.run(max_steps=STEPS + 2)
        finally:
            await session.kill()


async def main() -> None:
    """Run them all."""
    await asyncio.gather(*(work(number, *sys.argv[2:]) for number in range(int(sys.argv[1]))))


if __name__ == "__main__":
    os.environ.update(ENVIRONMENT)
    asyncio.run(main())
