# pyright: basic
# (as users write it)

"""Somebody's browser-use program: it knows nothing of browserwatch.

Usage: agent.py SITE MODEL SCENARIO PROFILE_DIRECTORY
"""

import asyncio
import os
import sys
from shutil import which

from browser_use import Agent, BrowserProfile, ChatOpenAI


async def main(site: str, model: str, scenario: str, directory: str) -> None:
    """Run one agent and say how it went."""
    profile = BrowserProfile(
        executable_path=os.environ.get("BROWSERWATCH_CHROMIUM") or which("chromium") or which("google-chrome"),
        headless=True,
        chromium_sandbox=os.geteuid() != 0,
        enable_default_extensions=False,
        user_data_dir=directory,
    )
    agent = Agent(
        task=f"[scenario: {scenario}] site: {site}",
        llm=ChatOpenAI(model="gpt-4.1-mini", base_url=f"{model}/v1", api_key="sk-test-0123456789abcdef"),
        browser_profile=profile,
        sensitive_data={"user": "alice-the-user", "password": "hunter2 & co?"},
        use_vision=False,
        file_system_path=directory,
    )
    history = await agent.run(max_steps=6)
    sys.stderr.write(f"successful: {history.is_successful()}\n")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
