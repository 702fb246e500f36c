"""From DevTools events to page loads.

A pure state machine: `PageLoads.feed` takes the events of one browser connection in the order they came, and calls back
when a page load in the main frame of a tab ends, or a tab crashes. It sees every load, whatever caused it: a command, a
click, a redirect, a script, a new tab. It sends no command and keeps no clock but the one it is given.

Protocol: https://chromedevtools.github.io/devtools-protocol/ (domains Page, Network, Target, Inspector). Timestamps in
those events are the browser's monotonic seconds, good for differences only.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

Params: TypeAlias = dict[str, Any]

# Page.frameRequestedNavigation.reason -> cause. A load that no frame requested was commanded from outside the page.
REASONS: Final = {
    "anchorClick": "link",
    "formSubmissionGet": "form",
    "formSubmissionPost": "form",
    "scriptInitiated": "script",
    "httpHeaderRefresh": "redirect",
    "metaTagRefresh": "redirect",
    "reload": "reload",
}
NAVIGATION_TYPES: Final = {
    "differentDocument": None,
    "reload": "reload",
    "reloadBypassingCache": "reload",
    "restore": "history",
    "restoreWithPost": "history",
    "historyDifferentDocument": "history",
}
COMMANDED: Final = "agent"
NEW_TAB: Final = "new_tab"
TIMEOUTS: Final = frozenset({"net::ERR_TIMED_OUT", "net::ERR_CONNECTION_TIMED_OUT"})
NO_CONTENT: Final = frozenset({204, 205})
HTTP_CLIENT_ERROR: Final = 400
HTTP_SERVER_ERROR: Final = 500
REMEMBERED_LOADERS: Final = 16
LIFECYCLE: Final = "Page.lifecycleEvent"
MILESTONES: Final = frozenset({"commit", "DOMContentLoaded", "load"})
REQUESTS: Final = frozenset({"Network.requestWillBeSent", "Network.responseReceived"})
METHODS: Final = frozenset(
    {
        "Target.attachedToTarget",
        "Target.detachedFromTarget",
        "Target.targetInfoChanged",
        "Target.targetCrashed",
        "Inspector.targetCrashed",
        "Page.frameRequestedNavigation",
        "Page.frameStartedNavigating",
        "Page.frameNavigated",
        "Page.frameStoppedLoading",
        LIFECYCLE,
        *REQUESTS,
        "Network.loadingFailed",
    }
)


def concerns(method: str, params: Params) -> bool:
    """Whether an event can mean anything to `PageLoads`: few do, and the others are best left alone at once."""
    if method in REQUESTS:
        return _of_document(params)
    if method == LIFECYCLE:
        return params.get("name") in MILESTONES
    return method in METHODS


def _of_document(params: Params) -> bool:
    """Whether a request is that of the document, which has its loader's id; all others of a page are not ours."""
    return params.get("requestId") == params.get("loaderId")


@dataclass(slots=True)
class PageLoad:
    """One load of a document into the main frame of a tab. Durations in seconds from the start of the request."""

    target_id: str
    session_id: str
    loader_id: str
    url: str
    cause: str
    started_at: float
    new_tab: bool = False
    outcome: str = ""
    net_error: str = ""
    status: int | None = None
    redirects: int = 0
    ttfb: float | None = None
    dom_content_loaded: float | None = None
    load: float | None = None
    requested_at: float | None = None
    committed: bool = False
    blocked: bool = False
    owner: Any = field(default=None, repr=False)
    """Whatever the receiver attached when the load began."""

    @property
    def complete(self) -> bool:
        """Whether the start of the request was seen, without which status and milestones are unknown."""
        return self.requested_at is not None

    def since_request(self, timestamp: float) -> float | None:
        """Seconds from the request to a browser timestamp."""
        return None if self.requested_at is None else max(0.0, timestamp - self.requested_at)


@dataclass(slots=True)
class _Tab:
    sessions: set[str]
    url: str
    opened_by_page: bool
    reason: str | None = None
    current: PageLoad | None = None
    loaders: deque[str] = field(default_factory=lambda: deque[str](maxlen=REMEMBERED_LOADERS))
    visited: bool = False
    crashed: bool = False


class PageLoads:
    """Follows all tabs of one browser connection.

    Args:
        clock: seconds, for the start of loads; the receiver's own.
        began: called when a load starts (its `owner` may be set there).
        ended: called once for each load that began, with its outcome set.
        crashed: called when a tab's renderer died.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        began: Callable[[PageLoad], None],
        ended: Callable[[PageLoad], None],
        crashed: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._began = began
        self._ended = ended
        self._crashed = crashed
        self._tabs: dict[str, _Tab] = {}
        self._targets: dict[str, str] = {}  # DevTools session -> target
        self._handlers: dict[str, Callable[[Params, str], None]] = {
            "Target.attachedToTarget": self._attached,
            "Target.detachedFromTarget": self._detached,
            "Target.targetInfoChanged": self._info_changed,
            "Target.targetCrashed": lambda params, _: self._tab_crashed(params["targetId"]),
            "Inspector.targetCrashed": lambda _, session: self._tab_crashed(self._targets.get(session, "")),
            "Page.frameRequestedNavigation": self._requested,
            "Page.frameStartedNavigating": self._started,
            "Page.frameNavigated": self._navigated,
            "Page.frameStoppedLoading": self._stopped,
            LIFECYCLE: self._lifecycle,
            "Network.requestWillBeSent": self._request_sent,
            "Network.responseReceived": self._response_received,
            "Network.loadingFailed": self._loading_failed,
        }

    def feed(self, method: str, params: Params, session_id: str | None) -> None:
        """Take one event. Most methods mean nothing here and cost one look-up."""
        handler = self._handlers.get(method)
        if handler is not None:
            handler(params, session_id or "")

    @property
    def open_loads(self) -> list[PageLoad]:
        """Loads that have begun and not ended."""
        return [tab.current for tab in self._tabs.values() if tab.current is not None]

    def expire(self, load: PageLoad) -> None:
        """End a load that takes too long; one that ended meanwhile is left alone."""
        tab = self._tabs.get(load.target_id)
        if tab is not None and tab.current is load:
            self._finish(tab, "timeout")

    def close(self) -> None:
        """The connection is gone: end what is open."""
        for tab in list(self._tabs.values()):
            self._finish(tab, "aborted")
        self._tabs.clear()
        self._targets.clear()

    # --- targets ---------------------------------------------------------------------------------------------------
    def _attached(self, params: Params, _: str) -> None:
        info = params["targetInfo"]
        if info["type"] != "page":
            return
        session, target = params["sessionId"], info["targetId"]
        self._targets[session] = target
        tab = self._tabs.get(target)
        if tab is None:
            tab = self._tabs[target] = _Tab(set(), info.get("url", ""), opened_by_page="openerId" in info)
        tab.sessions.add(session)

    def _detached(self, params: Params, _: str) -> None:
        session = params["sessionId"]
        tab = self._tabs.get(target := self._targets.pop(session, ""))
        if tab is not None:
            tab.sessions.discard(session)
            if not tab.sessions:
                self._finish(tab, "aborted")
                del self._tabs[target]
            elif tab.current is not None and tab.current.session_id == session:
                tab.current.session_id = next(iter(tab.sessions))  # the others go on telling

    def _info_changed(self, params: Params, _: str) -> None:
        tab = self._tabs.get(params["targetInfo"]["targetId"])
        if tab is not None:
            tab.url = params["targetInfo"].get("url", "")

    def _tab_crashed(self, target: str) -> None:
        tab = self._tabs.get(target)
        if tab is not None and not tab.crashed:
            tab.crashed = True  # told twice, by Inspector and by Target
            self._finish(tab, "crashed")
            self._crashed()

    # --- a load begins -----------------------------------------------------------------------------------------------
    def _main_frame(self, session: str, frame: str) -> _Tab | None:
        """The tab, if this is its main frame: that one has the target's id."""
        return self._tabs.get(frame) if self._targets.get(session) == frame else None

    def _requested(self, params: Params, session: str) -> None:
        tab = self._main_frame(session, params["frameId"])
        if tab is not None and params.get("disposition", "currentTab") == "currentTab":
            tab.reason = params.get("reason")

    def _started(self, params: Params, session: str) -> None:
        tab = self._main_frame(session, params["frameId"])
        kind = params.get("navigationType", "differentDocument")
        if tab is None or kind not in NAVIGATION_TYPES:
            return
        self._begin(tab, session, params["loaderId"], params["url"], NAVIGATION_TYPES[kind])

    def _begin(self, tab: _Tab, session: str, loader: str, url: str, cause: str | None) -> None:
        if loader in tab.loaders:
            return  # told once by each DevTools session of the tab, and again to those that attach later
        if tab.current is not None:
            # Superseded, say by the page's own script. If its document had come, only the load event is missing.
            self._finish(tab, http_outcome(tab.current.status) if tab.current.committed else "aborted")
        new_tab = tab.opened_by_page and not tab.visited
        if new_tab:
            cause = NEW_TAB
        elif cause is None:
            cause = REASONS.get(tab.reason, "other") if tab.reason else COMMANDED
        tab.loaders.append(loader)
        tab.reason, tab.crashed = None, False
        if url.startswith(("http://", "https://")):
            target = self._targets[session]
            tab.visited = True
            tab.current = PageLoad(target, session, loader, url, cause, self._clock(), new_tab=new_tab)
            self._began(tab.current)

    # --- a load goes on ----------------------------------------------------------------------------------------------
    def _current(self, session: str, loader: str | None) -> tuple[_Tab, PageLoad] | None:
        tab = self._tabs.get(self._targets.get(session, ""))
        if tab is None or (load := tab.current) is None or load.session_id != session or load.loader_id != loader:
            return None
        return tab, load

    def _request_sent(self, params: Params, session: str) -> None:
        if _of_document(params) and (found := self._current(session, params["loaderId"])):
            load = found[1]
            if load.requested_at is None:
                load.requested_at = params["timestamp"]
            if "redirectResponse" in params:
                load.redirects += 1

    def _response_received(self, params: Params, session: str) -> None:
        if _of_document(params) and (found := self._current(session, params["loaderId"])):
            load, response = found[1], params["response"]
            load.status = response["status"]
            timing = response.get("timing")
            first_byte = params["timestamp"]
            if timing and timing.get("receiveHeadersEnd", -1) >= 0:
                first_byte = timing["requestTime"] + timing["receiveHeadersEnd"] / 1000
            load.ttfb = load.since_request(first_byte)

    def _loading_failed(self, params: Params, session: str) -> None:
        if found := self._current(session, params["requestId"]):
            load = found[1]
            load.net_error = params.get("errorText", "")
            load.blocked = "blockedReason" in params or load.net_error.startswith("net::ERR_BLOCKED_BY")

    def _navigated(self, params: Params, session: str) -> None:
        frame = params["frame"]
        found = self._current(session, frame["loaderId"])
        if found is None or frame["id"] != found[1].target_id:
            return
        tab, load = found
        load.committed = True
        if "unreachableUrl" in frame:
            self._finish(tab, self._failure(load))
            return
        load.url = frame["url"]
        if params.get("type") == "BackForwardCacheRestore":
            self._finish(tab, http_outcome(load.status))

    def _lifecycle(self, params: Params, session: str) -> None:
        name = params["name"]
        tab = self._main_frame(session, params["frameId"])
        if tab is None or name not in MILESTONES:
            return
        if name == "commit" and (tab.opened_by_page or tab.loaders):
            # A tab whose load began before anyone listened: the browser replays these events to newcomers.
            self._begin(tab, session, params["loaderId"], tab.url, None)
        if found := self._current(session, params["loaderId"]):
            load = found[1]
            if name == "DOMContentLoaded":
                load.dom_content_loaded = load.since_request(params["timestamp"])
            elif name == "load":
                load.load = load.since_request(params["timestamp"])
                self._finish(tab, http_outcome(load.status))

    def _stopped(self, params: Params, session: str) -> None:
        tab = self._main_frame(session, params["frameId"])
        load = tab.current if tab is not None else None
        if tab is None or load is None or load.session_id != session or load.committed or not load.net_error:
            return
        if load.net_error != "net::ERR_ABORTED":
            return  # an error page follows
        if load.status is None:
            self._finish(tab, self._failure(load) if load.blocked else "aborted")
        else:
            # Stopped after a response: it had no body to show, or became a download.
            self._finish(tab, http_outcome(load.status) if load.status in NO_CONTENT else "download")

    # --- a load ends -------------------------------------------------------------------------------------------------
    def _finish(self, tab: _Tab, outcome: str) -> None:
        load, tab.current = tab.current, None
        if load is not None:
            load.outcome = outcome
            self._ended(load)

    @staticmethod
    def _failure(load: PageLoad) -> str:
        if load.blocked:
            return "blocked"
        if load.status is not None and load.status >= HTTP_CLIENT_ERROR:
            return http_outcome(load.status)  # an answer without a body gets the browser's own page
        return "timeout" if load.net_error in TIMEOUTS else "net_error"


def http_outcome(status: int | None) -> str:
    """The outcome that an HTTP status means; an unknown status of a page that loaded counts as good."""
    if status is None or status < HTTP_CLIENT_ERROR:
        return "ok"
    return "http_4xx" if status < HTTP_SERVER_ERROR else "http_5xx"
