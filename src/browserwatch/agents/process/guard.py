"""The navigation policy inside browser-use: http and https only, whatever the model asks for.

Addresses are the egress proxy's matter. Schemes are not seen there: `file:` and `chrome:` never leave Chromium. The policy
of browser-use does not serve, as it looks at an address when its page is shown already (0.13.14); so every command that
would bring one is looked at on its way to Chromium.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final
from urllib.parse import urlsplit

import wrapt

from browserwatch.agents.process.errors import BrowserLostError
from browserwatch.devtools.connection import DevTools, Params
from browserwatch.devtools.errors import DevToolsError
from browserwatch.devtools.tabs import BLANK, attached
from browserwatch.egress import ThreadedEgressProxy
from browserwatch.egress.proxy import BLOCKED_HEADER
from browserwatch.errors import BrowserwatchError
from browserwatch.events import Emit, PolicyBlocked

logger: Final = logging.getLogger(__name__)

SECURITY: Final = "browser_use.browser.watchdogs.security_watchdog"
CLIENT: Final = "cdp_use.client"
REGISTRY: Final = "cdp_use.cdp.registry"
COMMANDS: Final = frozenset({"Page.navigate", "Target.createTarget"})
WEB: Final = frozenset({"http", "https"})
# Of no use to anyone: an empty tab, what a page made by itself, Chromium's words in place of a page that did not come.
HARMLESS_SCHEMES: Final = frozenset({"", "blob", "chrome-error"})
HARMLESS: Final = frozenset({BLANK, "chrome://newtab/", "chrome://new-tab-page/", "chrome://new-tab-page"})


class ForbiddenSchemeError(BrowserwatchError):
    """What browser-use gets in place of the page; by its words the instrumentation knows the reason."""

    def __init__(self) -> None:
        super().__init__("Blocked by security policy: agents visit http and https addresses only.")


class Guard:
    """Sees every navigation that browser-use commands, and every page that its tabs show.

    Args:
        devtools: the connection of ours, to leave a page that must not be shown.
        proxy: knows which addresses it blocked.
        shown: told the address of every page that is shown.
        emit: told of what is refused.
    """

    def __init__(
        self,
        devtools: Callable[[], DevTools],
        proxy: ThreadedEgressProxy,
        shown: Callable[[str], None],
        emit: Emit,
    ) -> None:
        self._devtools = devtools
        self._proxy = proxy
        self._shown = shown
        self._emit = emit
        self._pages: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.blocked = False
        """Whether a page was blocked since the last `reset`."""

    def install(self) -> None:
        """Hook in, once; browser-use must be imported. Outside the instrumentation's hooks, so what is refused counts once.

        Raises:
            AttributeError: this browser-use has no place for it. Without the policy no agent may run.
        """
        wrapt.wrap_function_wrapper(CLIENT, "CDPClient.send_raw", self._send)
        wrapt.wrap_function_wrapper(SECURITY, "SecurityWatchdog._is_url_allowed", self._decide)
        wrapt.wrap_function_wrapper(REGISTRY, "EventRegistry.handle_event", self._see)

    def reset(self) -> None:
        """A run begins."""
        self.blocked = False
        self._pages.clear()

    # --- what browser-use wants ----------------------------------------------------------------------------------------
    def _send(self, wrapped: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        method = args[0] if args else kwargs.get("method")
        if method in COMMANDS:
            params: Params = (args[1] if len(args) > 1 else kwargs.get("params")) or {}
            if not may_show(str(params.get("url", ""))):
                self._refuse()
                raise ForbiddenSchemeError
        return wrapped(*args, **kwargs)

    @staticmethod
    def _decide(wrapped: Callable[..., bool], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        # It would refuse most of them, too, and the instrumentation would count them a second time.
        return may_show(str(args[0] if args else kwargs["url"])) and wrapped(*args, **kwargs)

    def _refuse(self) -> None:
        self.blocked = True
        self._emit(PolicyBlocked(rule="scheme"))

    # --- what Chromium tells browser-use -------------------------------------------------------------------------------
    def _see(self, wrapped: Callable[..., Any], _: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        try:
            self._look(args[0], args[1])
        except (LookupError, ValueError, TypeError) as error:
            logger.warning("A DevTools event was not understood: %s", type(error).__name__)
        return wrapped(*args, **kwargs)

    def _look(self, method: str, params: Params) -> None:
        if method in ("Target.attachedToTarget", "Target.targetInfoChanged"):
            info = params["targetInfo"]
            if info["type"] == "page":
                self._page(info["targetId"], info["url"])
        elif method == "Network.responseReceived" and params.get("type") == "Document":
            headers = {name.lower() for name in params["response"]["headers"]}
            if params.get("frameId") in self._pages and BLOCKED_HEADER.lower() in headers:
                self.blocked = True
        elif method == "Page.frameNavigated" and "parentId" not in params["frame"]:
            unreachable: str = params["frame"].get("unreachableUrl", "")
            if self._proxy.blocked_rule(urlsplit(unreachable).hostname or "") is not None:
                self.blocked = True

    def _page(self, target: str, url: str) -> None:
        self._pages.add(target)
        self._shown(url)
        if not may_show(url):
            self._refuse()
            task = asyncio.create_task(self._leave(target))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _leave(self, target: str) -> None:
        with suppress(DevToolsError, BrowserLostError):
            async with attached(self._devtools(), target) as tab:
                await tab.send("Page.navigate", {"url": BLANK})


def may_show(url: str) -> bool:
    """Whether a tab may show this."""
    if url in HARMLESS:
        return True
    try:
        scheme = urlsplit(url.strip()).scheme.lower()
    except ValueError:
        return False
    return scheme in WEB or scheme in HARMLESS_SCHEMES
