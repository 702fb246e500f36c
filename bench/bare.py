"""Plain browser-use without browserwatch, as a program: AGENTS at once in one process by `asyncio.gather`, RUNS each.

Arguments: agents, runs of each, address of the site, of the model, path of Chromium, a directory. Prints steps and seconds
as JSON, from when everything is imported.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from typing import Any

ENVIRONMENT = {
    "ANONYMIZED_TELEMETRY": "false",
    "BROWSER_USE_VERSION_CHECK": "false",
    "BROWSER_USE_DISABLE_EXTENSIONS": "1",
    "BROWSER_USE_CLOUD_HINTS": "false",
    "BROWSER_USE_SETUP_LOGGING": "false",
}


async def work(number: int, runs: int, options: list[str]) -> int:
    """One agent after the other in one browser that stays up; the steps done."""
    from browser_use import Agent, ChatOpenAI  # noqa: PLC0415  # its environment comes first
    from browser_use.browser import BrowserProfile, BrowserSession  # noqa: PLC0415
    from openai import DefaultAsyncHttpxClient  # noqa: PLC0415

    site, model, chromium, directory = options
    profile = BrowserProfile(
        executable_path=chromium,
        headless=True,
        chromium_sandbox=os.geteuid() != 0,
        enable_default_extensions=False,
        keep_alive=True,
        user_data_dir=f"{directory}/profile-{number}",
        downloads_path=f"{directory}/downloads-{number}",
    )
    session = BrowserSession(browser_profile=profile)
    steps = 0
    make: Any = Agent
    async with DefaultAsyncHttpxClient(trust_env=False) as client:
        try:
            for _ in range(runs):
                llm = ChatOpenAI(model="scripted", base_url=f"{model}/v1", api_key="any", http_client=client)
                agent = make(
                    task=f"[scenario: bench] site: {site}",
                    llm=llm,
                    browser_session=session,
                    use_judge=False,
                    use_vision=False,
                    directly_open_url=False,
                    enable_signal_handler=False,
                    file_system_path=directory,
                )
                steps += len((await agent.run(max_steps=30)).history)
        finally:
            await session.kill()
    return steps


async def main() -> None:
    """Run and print."""
    agents, runs, options = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    started = time.perf_counter()
    steps = await asyncio.gather(*(work(number, runs, options) for number in range(agents)))
    sys.stdout.write(json.dumps({"steps": sum(steps), "seconds": time.perf_counter() - started}) + "\n")


if __name__ == "__main__":
    os.environ.update(ENVIRONMENT)
    asyncio.run(main())
