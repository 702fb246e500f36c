"""One page being loaded in a tab of ours: how far it is, and how it ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from browserwatch.agents.messages import WaitUntil
from browserwatch.devtools.connection import Params
from browserwatch.devtools.errors import DevToolsError
from browserwatch.devtools.page_loads import PageLoad, PageLoads, http_outcome
from browserwatch.devtools.tabs import Tab

LOADED: Final = frozenset({"ok", "http_4xx", "http_5xx"})
# Time in which the events that say why come after Chromium said that it does not show the page.
REASON_SECONDS: Final = 2.0
LIFECYCLE: Final = {"DOMContentLoaded": "domcontentloaded", "load": "load", "networkIdle": "networkidle"}


class Visit:
    """Follows the load of one page, also where the page sends it on. Use `open`, then `until`.

    Args:
        tab: an empty tab.
        crashed: called when its renderer died; the visit is over then.
        shown: told the address of every page that the tab shows.
    """

    def __init__(self, tab: Tab, crashed: Callable[[], None], shown: Callable[[str], None]) -> None:
        self._tab = tab
        self._crashed = crashed
        self._shown = shown
        self._loads = PageLoads(time.time, self._began, lambda _: None, self._crash)
        self._changed = asyncio.Event()
        self._reached: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._end = tab.listen(self._take)
        self.load: PageLoad | None = None
        """The latest load: a page may have replaced itself."""
        self.document = ""
        """Where its document was asked for last, redirects included."""
        self._unreachable = False
        self.has_crashed = False

    @property
    def outcome(self) -> str:
        """How it ended, or would if nothing more came."""
        if self.has_crashed:
            return "crashed"
        if self.load is None:
            return "other"
        return self.load.outcome or (http_outcome(self.load.status) if self.load.committed else "aborted")

    @property
    def has_page(self) -> bool:
        """Whether there is, or may still be, a page: a status without one shows nothing, or Chromium's own words."""
        load = self.load
        return not self._unreachable and (load is None or load.committed or not load.outcome)

    async def open(self, url: str, seconds: float) -> None:
        """Navigate; returns when the page is there, or is known not to come.

        Raises:
            DevToolsError: the browser refuses, or is gone.
        """
        info: Params = {"type": "page", "targetId": self._tab.target_id, "url": "about:blank"}
        attached: Params = {"sessionId": self._tab.session_id, "targetInfo": info}
        self._loads.feed("Target.attachedToTarget", attached, None)
        await asyncio.gather(
            self._tab.send("Page.enable"),
            self._tab.send("Page.setLifecycleEventsEnabled", {"enabled": True}),
            self._tab.send("Network.enable", {"maxTotalBufferSize": 0, "maxResourceBufferSize": 0}),
            self._tab.send("Inspector.enable"),
        )
        answer = await self._tab.send("Page.navigate", {"url": url}, seconds)
        if "errorText" in answer:
            await self._reason(answer["errorText"])

    async def _reason(self, error: str) -> None:
        try:
            async with asyncio.timeout(REASON_SECONDS):
                await self._wait(lambda load: bool(load.outcome))
        except TimeoutError:
            if self.load is not None and not self.load.outcome:
                self.load.outcome, self.load.net_error = "net_error", error

    async def until(self, wait_until: WaitUntil) -> None:
        """Wait for a milestone of the page, or its end."""
        await self._wait(lambda load: self._is_over(load, wait_until))

    def _is_over(self, load: PageLoad, wait_until: WaitUntil) -> bool:
        if load.outcome and load.outcome not in LOADED:
            return True
        if not self.has_page or (wait_until == "commit" and load.committed):
            return True
        return wait_until in self._reached or (wait_until == "domcontentloaded" and bool(load.outcome))

    async def _wait(self, is_over: Callable[[PageLoad], bool]) -> None:
        while not self.has_crashed and (self.load is None or not is_over(self.load)):
            self._changed.clear()
            await self._changed.wait()

    async def close(self) -> None:
        """Stop following."""
        self._end()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- events ------------------------------------------------------------------------------------------------------
    def _began(self, load: PageLoad) -> None:
        self.load, self._unreachable = load, False
        self._reached.clear()

    def _crash(self) -> None:
        self.has_crashed = True
        self._crashed()

    def _take(self, method: str, params: Params, session: str | None) -> None:
        if method == "Page.javascriptDialogOpening":
            self._dismiss(leave=params["type"] == "beforeunload")
        self._loads.feed(method, params, session)
        load = self.load
        if load is None:
            return
        if method == "Network.requestWillBeSent" and params["requestId"] == load.loader_id:
            self.document = params["request"]["url"]
        elif method == "Page.frameNavigated" and params["frame"]["id"] == load.target_id:
            self._unreachable = "unreachableUrl" in params["frame"]
            self._shown(params["frame"]["url"])
        elif method == "Page.lifecycleEvent" and params["loaderId"] == load.loader_id:
            self._reached.add(LIFECYCLE.get(params["name"], ""))
        self._changed.set()

    def _dismiss(self, *, leave: bool) -> None:
        task = asyncio.create_task(self._answer_dialog(leave))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer_dialog(self, leave: bool) -> None:  # noqa: FBT001  # what the protocol calls `accept`
        try:
            await self._tab.send("Page.handleJavaScriptDialog", {"accept": leave})
        except DevToolsError:
            return  # it is closed already, or the tab is
