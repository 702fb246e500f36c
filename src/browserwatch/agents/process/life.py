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
from browserwatch.agents.process.browser import Browser, Launch
from browserwatch.agents.process.channel import Channel
from browserwatch.agents.process.errors import BrowserLostError
from browserwatch.agents.process.server import Server
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
    telemetry = Telemetry(channel.happened)
    telemetry.start()
    try:
        with ThreadedEgressProxy(EgressPolicy.parse(configure.egress_allow), channel.happened) as proxy:
            flags = chromium_flags(proxy.port)
            browser = Browser(Launch(configure.chromium, directory, configure.sandbox, flags), channel.happened)
            work = Work(browser, proxy, directory, channel.happened)
            try:
                return await _serve(channel, configure, work, browser, telemetry)
            finally:
                browser.kill()
    except (BrowserwatchError, OSError) as error:
        # Answers no command (0): it is why there is no `ready`.
        reason = redactor.text(str(error), MESSAGE_LIMIT)
        await channel.reply(Failed(id=0, kind="browser", reason="infrastructure", message=reason))
        return 1


async def _serve(channel: Channel, configure: Configure, work: Work, browser: Browser, telemetry: Telemetry) -> int:
    started = time.perf_counter()
    starting = asyncio.create_task(browser.start())
    try:
        await work.warm_up(configure.models)
        await starting
    finally:
        starting.cancel()
    ready = Ready(
        pid=os.getpid(),
        chromium_pid=browser.pid,
        browser_use_version=version("browser-use"),
        chromium_version=browser.version,
        seconds=time.perf_counter() - started,
    )
    await channel.reply(ready)
    server = Server(channel, work, telemetry)
    if not await server.serve():
        return 0  # the service is gone: at once
    await server.stop()
    browser.kill()
    await telemetry.shutdown()
    return 0
