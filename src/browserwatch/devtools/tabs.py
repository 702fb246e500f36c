"""Tabs of our own: made, attached to, and closed again whatever happens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Final

from browserwatch.devtools.connection import ANSWER_SECONDS, DevTools, Listener, Params
from browserwatch.devtools.errors import DevToolsCommandError, DevToolsError

BLANK: Final = "about:blank"
CLOSE_SECONDS: Final = 3.0
FIRST_PAUSE: Final = 0.005
LONGEST_PAUSE: Final = 0.1


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
            await close_tabs(devtools, [(await making)["targetId"]])
        raise
    try:
        yield await _attach(devtools, target)
    finally:
        with suppress(DevToolsError):
            await close_tabs(devtools, [target])


@asynccontextmanager
async def attached(devtools: DevTools, target_id: str) -> AsyncGenerator[Tab]:
    """A session with a tab for the length of the block; the tab stays."""
    tab = await _attach(devtools, target_id)
    try:
        yield tab
    finally:
        with suppress(DevToolsError):
            await devtools.send("Target.detachFromTarget", {"sessionId": tab.session_id}, timeout=CLOSE_SECONDS)


async def close_tabs(devtools: DevTools, targets: Iterable[str]) -> None:
    """Close tabs without asking their pages, and wait until they are gone.

    Told once is not enough: Chromium says yes and does nothing when a tab is about to show another page.
    """
    wanted, pause = set(targets), FIRST_PAUSE
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            while wanted:
                for target in wanted:
                    with suppress(DevToolsCommandError):  # gone already
                        await devtools.send("Target.closeTarget", {"targetId": target})
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
                wanted &= {page["targetId"] for page in await page_targets(devtools)}


async def page_targets(devtools: DevTools) -> list[Params]:
    """What the browser says of its tabs."""
    infos = (await devtools.send("Target.getTargets"))["targetInfos"]
    return [info for info in infos if info["type"] == "page"]


async def _attach(devtools: DevTools, target_id: str) -> Tab:
    params: Params = {"targetId": target_id, "flatten": True}
    return Tab(devtools, target_id, (await devtools.send("Target.attachToTarget", params))["sessionId"])
