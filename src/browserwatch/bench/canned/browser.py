"""A session of browser-use whose Chromium is a table of answers."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

import browser_use.browser.session as browser_use_session
import browser_use.tools.service as browser_use_tools  # pyright: ignore[reportMissingTypeStubs]  # it says nothing of types
from browser_use.browser import BrowserProfile, BrowserSession
from browser_use.browser._cdp_timeout import TimeoutWrappedCDPClient
from browser_use.browser.events import (
    BrowserStateRequestEvent,
    ClickElementEvent,
    NavigationCompleteEvent,
    ScreenshotEvent,
    TypeTextEvent,
)
from browser_use.browser.views import BrowserStateSummary
from browser_use.browser.watchdog_base import BaseWatchdog
from browser_use.dom.views import (  # pyright: ignore[reportMissingTypeStubs]  # likewise
    DOMRect,
    EnhancedDOMTreeNode,
    NodeType,
    SerializedDOMState,
    SimplifiedNode,
)
from websockets.protocol import State

from browserwatch.bench.canned.devtools import SESSIONS, TARGET, page_load, target
from browserwatch.bench.canned.script import LINK, SITE, page_text

SCREENSHOT_BYTES: Final = 30_000
SCREENSHOT: Final = base64.b64encode(bytes(range(256)) * (SCREENSHOT_BYTES // 256)).decode()
ADDRESS: Final = "ws://127.0.0.1:1/devtools/browser/canned"


class _OpenSocket:
    """All that browser-use asks of its WebSocket."""

    state = State.OPEN

    async def close(self) -> None:
        """Nothing is open."""


class Client(TimeoutWrappedCDPClient):
    """A DevTools connection that answers at once."""

    async def start(self) -> None:
        """Connect to nothing."""
        self.ws: Any = _OpenSocket()
        self._message_handler_task: Any = asyncio.create_task(asyncio.Event().wait())

    async def send_raw(self, method: str, params: Any = None, session_id: str | None = None) -> dict[str, Any]:  # noqa: ARG002
        """Answer a command, after the events that it causes."""
        match method:
            case "Target.getTargets":
                return {"targetInfos": [target("about:blank")]}
            case "Target.attachToTarget":
                await self._attached()
                return {"sessionId": SESSIONS[0]}
            case "Page.navigate":
                return {"frameId": TARGET, "loaderId": await self.load(params["url"])}
            case "Page.captureScreenshot":
                return {"data": SCREENSHOT}
            case "Runtime.evaluate":
                return {"result": {"type": "undefined"}}
            case _:
                return {}

    async def load(self, url: str, *, clicked: bool = False) -> str:
        """Tell of a page load as Chromium does; its loader."""
        loader = ""
        for method, params, session in page_load(url, clicked=clicked):
            loader = params.get("loaderId") or loader
            await self._event_registry.handle_event(method, params, session)
        return loader

    async def _attached(self) -> None:
        for session in SESSIONS:
            told = {"sessionId": session, "targetInfo": target("about:blank"), "waitingForDebugger": False}
            await self._event_registry.handle_event("Target.attachedToTarget", told, None)


class Session(BrowserSession):
    """A session that does what the watchdogs would do, without a page to look at."""

    async def attach_all_watchdogs(self) -> None:
        """Take the events that the watchdogs take."""
        if self._watchdogs_attached:
            return
        self._watchdogs_attached = True
        taken: tuple[tuple[Any, Any], ...] = (
            (BrowserStateRequestEvent, self.on_BrowserStateRequestEvent),
            (ScreenshotEvent, self.on_ScreenshotEvent),
            (ClickElementEvent, self.on_ClickElementEvent),
            (TypeTextEvent, self.on_TypeTextEvent),
        )
        attach: Any = cast("Any", BaseWatchdog).attach_handler_to_session
        for event, handler in taken:
            attach(self, event, handler)

    async def on_BrowserStateRequestEvent(self, event: BrowserStateRequestEvent) -> BrowserStateSummary:  # noqa: N802  # browser-use's rule
        """The page that is open, as the model is to see it."""
        screenshot = None
        if event.include_screenshot:
            taken = self.event_bus.dispatch(ScreenshotEvent())
            await taken
            screenshot = await taken.event_result()
        node = _node()
        self.update_cached_selector_map({LINK: node})
        url = await self.get_current_page_url()
        state = BrowserStateSummary(
            dom_state=_Dom(_root=SimplifiedNode(original_node=node, children=[]), selector_map={LINK: node}),
            url=url,
            title="Demo shop",
            tabs=await self.get_tabs(),
            screenshot=screenshot,
        )
        self._cached_browser_state_summary = state
        return state

    async def on_ScreenshotEvent(self, event: ScreenshotEvent) -> str:  # noqa: ARG002, N802
        """A picture."""
        return (await self.cdp_client.send.Page.captureScreenshot())["data"]

    async def on_ClickElementEvent(self, event: ClickElementEvent) -> None:  # noqa: ARG002, N802
        """Follow the link."""
        client: Any = self.cdp_client
        await client.load(f"{SITE}/table", clicked=True)
        for _ in range(2):  # the watchdogs of downloads and of new documents both tell
            await self.event_bus.dispatch(NavigationCompleteEvent(target_id=TARGET, url=f"{SITE}/table"))

    async def on_TypeTextEvent(self, event: TypeTextEvent) -> None:  # noqa: N802
        """Type."""


class _Dom(SerializedDOMState):
    def llm_representation(self, include_attributes: list[str] | None = None) -> str:  # noqa: ARG002
        return page_text()


def _node() -> EnhancedDOMTreeNode:
    missing: dict[str, Any] = dict.fromkeys(
        (
            "content_document",
            "shadow_root_type",
            "shadow_roots",
            "parent_node",
            "children_nodes",
            "ax_node",
            "snapshot_node",
        )
    )
    return EnhancedDOMTreeNode(
        node_id=LINK,
        backend_node_id=LINK,
        node_type=NodeType.ELEMENT_NODE,
        node_name="A",
        node_value="",
        attributes={"id": "link-table", "href": "/table"},
        is_scrollable=False,
        is_visible=True,
        absolute_position=DOMRect(x=8, y=8, width=80, height=18),
        target_id=TARGET,
        frame_id=TARGET,
        session_id=SESSIONS[0],
        **missing,
    )


class _Impatient:
    """asyncio for browser-use's tools: they wait after a click for tabs to open, and here none does."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    @staticmethod
    async def sleep(_: float) -> None:
        """Let others run, and go on."""
        await asyncio.sleep(0)


def take_browser_out() -> None:
    """Have browser-use connect to the canned browser, in this process and for good."""
    session, tools = cast("Any", browser_use_session), cast("Any", browser_use_tools)
    session.TimeoutWrappedCDPClient = Client
    session.CloudBrowserClient = (
        SimpleNamespace  # a client that reads all certificates of the system, and is never used
    )
    tools.asyncio = _Impatient()


def make_session(directory: Path) -> Session:
    """A session that is not connected yet."""
    profile = BrowserProfile(
        cdp_url=ADDRESS,
        is_local=False,
        headless=True,
        keep_alive=True,
        enable_default_extensions=False,
        downloads_path=directory / "downloads",
        wait_between_actions=0,
    )
    make: Any = Session  # its type has parameters that nobody gives
    return make(browser_profile=profile, cdp_url=ADDRESS)
