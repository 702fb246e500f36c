"""The life of an agent process: configured once, warmed up, at work until the service ends it or is gone."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from importlib.metadata import version
from pathlib import Path
from typing import Final

from browserwatch.agents.messages import Configure, Failed, Ready
from browserwatch.agents.process import environment
from browserwatch.agents.process.browser import Browser
from browserwatch.agents.process.channel import Channel
from browserwatch.agents.process.fetch import Fetcher
from browserwatch.agents.process.guard import Guard
from browserwatch.agents.process.launching import Launch
from browserwatch.agents.process.runs import Runner
from browserwatch.agents.process.server import Server
from browserwatch.agents.process.session import Session
from browserwatch.agents.process.tally import Outlet
from browserwatch.agents.process.telemetry import Telemetry
from browserwatch.agents.process.work import Work
from browserwatch.egress import EgressPolicy, ThreadedEgressProxy, chromium_flags
from browserwatch.errors import BrowserwatchError
from browserwatch.redaction import MESSAGE_LIMIT, redactor

logger: Final = logging.getLogger(__name__)


async def live(descriptor: int) -> int:
    """Serve the socket with this number; the exit code of the process."""
    channel = await Channel.open(descriptor)
    configure = await channel.receive()
    if not isinstance(configure, Configure):
        logger.error("The first line must be `configure`.")
        return 1
    directory = Path(configure.directory)
    environment.log_to_stderr(channel.happened)
    environment.quiet_loop(asyncio.get_running_loop())
    environment.enter(directory)
    outlet = Outlet(channel.happened)
    telemetry = Telemetry(outlet)
    telemetry.start()
    try:
        policy = EgressPolicy.parse(configure.egress_allow)
        with ThreadedEgressProxy(policy, channel.happened) as proxy:
            launch = Launch(configure.chromium, directory, configure.sandbox, chromium_flags(proxy.port))
            browser, session = Browser(launch, channel.happened), Session()
            fetcher = Fetcher(policy, proxy, session.visited, channel.happened)
            guard = Guard(lambda: browser.devtools, proxy, session.visited, channel.happened)
            runner = Runner(browser, guard, outlet, directory)
            try:
                await _start(channel, browser, runner)
                return await _serve(channel, Work(browser, session, fetcher, runner), browser, telemetry)
            finally:
                browser.kill()
    except (BrowserwatchError, OSError, ImportError, AttributeError) as error:
        # Answers no command (0): it is why there is no `ready`.
        reason = redactor.text(str(error), MESSAGE_LIMIT)
        await channel.reply(Failed(id=0, kind="browser", reason="infrastructure", message=reason))
        return 1


async def _start(channel: Channel, browser: Browser, runner: Runner) -> None:
    """Launch Chromium while browser-use is imported, then say that commands are taken."""
    started = time.perf_counter()
    await asyncio.gather(browser.start(), runner.warm_up())
    ready = Ready(
        pid=os.getpid(),
        chromium_pid=browser.pid,
        browser_use_version=version("browser-use"),
        chromium_version=browser.version,
        seconds=time.perf_counter() - started,
    )
    await channel.reply(ready)


async def _serve(channel: Channel, work: Work, browser: Browser, telemetry: Telemetry) -> int:
    server = Server(channel, work, telemetry)
    if not await server.serve():
        return 0  # the service is gone: at once
    await server.stop()
    browser.kill()
    await telemetry.shutdown()
    return 0
