"""Tabs of our own: made, attached to, and closed again whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
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

    async def send(
        self,
        method: str,
        params: Params | None = None,
        timeout: float = ANSWER_SECONDS,  # noqa: ASYNC109  # as `DevTools.send`
    ) -> Params:
        """Send a command to the tab; raises what `DevTools.send` does."""
        return await self._devtools.send(method, params, self.session_id, timeout)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have the tab's events shown to a function; returns how to end it."""
        return self._devtools.listen(self.session_id, listener)


@asynccontextmanager
async def new_tab(devtools: DevTools, *, hidden: bool = False) -> AsyncGenerator[Tab]:
    """An empty tab for the length of the block; afterwards it is gone from the browser's list, too.

    Args:
        devtools: the browser.
        hidden: not in a window, which is quicker; a browser that does not know of that makes a tab like any other.
    """
    params: Params = {"url": BLANK, "hidden": True} if hidden else {"url": BLANK}
    # Shielded: a tab that was made while its maker was cancelled would stay for good.
    making = asyncio.ensure_future(devtools.send("Target.createTarget", params))
    try:
        target = (await asyncio.shield(making))["targetId"]
    except asyncio.CancelledError:
        with suppress(DevToolsError):
            await close_target(devtools, (await making)["targetId"])
        raise
    try:
        tab = await _attach(devtools, target)
    except BaseException:
        with suppress(DevToolsError):
            await close_target(devtools, target)
        raise
    try:
        yield tab
    finally:
        with suppress(DevToolsError):
            await _close(devtools, tab)


@asynccontextmanager
async def attached(devtools: DevTools, target_id: str) -> AsyncGenerator[Tab]:
    """A session with a tab for the length of the block; the tab stays."""
    tab = await _attach(devtools, target_id)
    try:
        yield tab
    finally:
        with suppress(DevToolsError):
            await devtools.send("Target.detachFromTarget", {"sessionId": tab.session_id}, timeout=CLOSE_SECONDS)


async def close_target(devtools: DevTools, target_id: str) -> None:
    """Close a tab without asking its page."""
    await devtools.send("Target.closeTarget", {"targetId": target_id}, timeout=CLOSE_SECONDS)


async def page_targets(devtools: DevTools) -> list[Params]:
    """What the browser says of its tabs."""
    infos = (await devtools.send("Target.getTargets"))["targetInfos"]
    return [info for info in infos if info["type"] == "page"]


async def _attach(devtools: DevTools, target_id: str) -> Tab:
    params: Params = {"targetId": target_id, "flatten": True}
    return Tab(devtools, target_id, (await devtools.send("Target.attachToTarget", params))["sessionId"])


async def _close(devtools: DevTools, tab: Tab) -> None:
    """Close a tab and wait until it is gone: its closing is only begun when the command is answered."""
    gone = asyncio.Event()

    def watch(method: str, params: Params, _: str | None) -> None:
        if method == "Target.detachedFromTarget" and params.get("sessionId") == tab.session_id:
            gone.set()

    end = devtools.listen(None, watch)
    try:
        await close_target(devtools, tab.target_id)
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await gone.wait()
    finally:
        end()
