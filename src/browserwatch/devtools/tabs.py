"""Tabs of our own: made, attached to, and closed again whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final

from browserwatch.devtools.connection import ANSWER_SECONDS, DevTools, Listener, Params
from browserwatch.devtools.errors import DevToolsError

BLANK: Final = "about:blank"
CLOSE_SECONDS: Final = 2.0


class Tab:
    """A session with one page target."""

    def __init__(self, devtools: DevTools, target_id: str, session_id: str) -> None:
        self._devtools = devtools
        self.target_id = target_id
        self.session_id = session_id

    async def send(self, method: str, params: Params | None = None, timeout: float = ANSWER_SECONDS) -> Params:  # noqa: ASYNC109  # as `DevTools.send`
        """Send a command to the tab; raises what `DevTools.send` does."""
        return await self._devtools.send(method, params, self.session_id, timeout)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have the tab's events shown to a function; returns how to end it."""
        return self._devtools.listen(self.session_id, listener)


@asynccontextmanager
async def new_tab(devtools: DevTools) -> AsyncGenerator[Tab]:
    """An empty tab for the length of the block."""
    # Shielded: a tab that was made while its maker was cancelled would stay for good.
    making = asyncio.ensure_future(devtools.send("Target.createTarget", {"url": BLANK}))
    try:
        target = (await asyncio.shield(making))["targetId"]
    except asyncio.CancelledError:
        with contextlib.suppress(DevToolsError):
            await close_target(devtools, (await making)["targetId"])
        raise
    try:
        async with attached(devtools, target) as tab:
            yield tab
    finally:
        with contextlib.suppress(DevToolsError):
            await close_target(devtools, target)


@asynccontextmanager
async def attached(devtools: DevTools, target_id: str) -> AsyncGenerator[Tab]:
    """A session with a tab for the length of the block; the tab stays."""
    params = {"targetId": target_id, "flatten": True}
    session = (await devtools.send("Target.attachToTarget", params))["sessionId"]
    try:
        yield Tab(devtools, target_id, session)
    finally:
        with contextlib.suppress(DevToolsError):
            await devtools.send("Target.detachFromTarget", {"sessionId": session}, timeout=CLOSE_SECONDS)


async def close_target(devtools: DevTools, target_id: str) -> None:
    """Close a tab without asking its page."""
    await devtools.send("Target.closeTarget", {"targetId": target_id}, timeout=CLOSE_SECONDS)


async def page_targets(devtools: DevTools) -> list[Params]:
    """What the browser says of its tabs."""
    infos = (await devtools.send("Target.getTargets"))["targetInfos"]
    return [info for info in infos if info["type"] == "page"]
