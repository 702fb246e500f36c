import gc
import weakref
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from browserwatch.devtools.page_loads import (
    METHODS,
    NAVIGATION_TYPES,
    REASONS,
    PageLoad,
    PageLoads,
    concerns,
    http_outcome,
)
from browserwatch.semantics import NAVIGATION_OUTCOMES, PAGE_CAUSES

HOME = "http://site.example/"
TAB, SESSION = "TAB-1", "session-1"
Told = tuple[str, dict[str, Any], str | None]


class Browser:
    """The events that Chromium 156 sends, fed to a `PageLoads` in the order in which it sends them."""

    def __init__(self) -> None:
        self.now = 100.0
        self.began: list[PageLoad] = []
        self.ended: list[PageLoad] = []
        self.crashes = 0
        self.loads = PageLoads(lambda: self.now, self.began.append, self.ended.append, self._crashed)

    def _crashed(self) -> None:
        self.crashes += 1

    def tell(self, method: str, params: dict[str, Any], session: str | None = SESSION) -> None:
        """One event."""
        self.loads.feed(method, params, session)

    # --- targets
    def attach(self, tab: str = TAB, session: str = SESSION, url: str = "about:blank", **info: str) -> None:
        """A DevTools session begins."""
        target = {"targetId": tab, "type": "page", "url": url, **info}
        self.tell("Target.attachedToTarget", {"sessionId": session, "targetInfo": target}, None)

    def detach(self, session: str = SESSION) -> None:
        """A DevTools session ends."""
        self.tell("Target.detachedFromTarget", {"sessionId": session}, None)

    def url(self, url: str, tab: str = TAB) -> None:
        """A tab shows another URL."""
        self.tell("Target.targetInfoChanged", {"targetInfo": {"targetId": tab, "type": "page", "url": url}}, None)

    # --- a load
    def requested(self, reason: str, disposition: str = "currentTab", frame: str = TAB) -> None:
        """The page asks for a load."""
        params = {"frameId": frame, "reason": reason, "url": HOME, "disposition": disposition}
        self.tell("Page.frameRequestedNavigation", params)

    def started(
        self, loader: str, url: str = HOME, kind: str = "differentDocument", session: str = SESSION, tab: str = TAB
    ) -> None:
        """A load begins."""
        params = {"frameId": tab, "url": url, "loaderId": loader, "navigationType": kind}
        self.tell("Page.frameStartedNavigating", params, session)

    def sent(self, loader: str, at: float = 1.0, session: str = SESSION, **more: Any) -> None:
        """The document is asked for."""
        params = {"requestId": loader, "loaderId": loader, "timestamp": at, "type": "Document", **more}
        self.tell("Network.requestWillBeSent", params, session)

    def received(self, loader: str, status: int = 200, at: float = 1.25, session: str = SESSION, **more: Any) -> None:
        """The head of the answer is there."""
        response = {"status": status, **more}
        params = {"requestId": loader, "loaderId": loader, "timestamp": at, "type": "Document", "response": response}
        self.tell("Network.responseReceived", params, session)

    def failed(self, loader: str, error: str, session: str = SESSION, **more: Any) -> None:
        """There is no answer, or nobody wants it any more."""
        params = {"requestId": loader, "timestamp": 2.0, "type": "Document", "errorText": error, **more}
        self.tell("Network.loadingFailed", params, session)

    def committed(self, loader: str, url: str = HOME, session: str = SESSION, tab: str = TAB, **more: Any) -> None:
        """The tab shows the new document."""
        frame = {"id": tab, "loaderId": loader, "url": url, **more.pop("frame", {})}
        self.tell("Page.frameNavigated", {"type": "Navigation", "frame": frame, **more}, session)

    def lifecycle(self, loader: str, name: str, at: float = 2.0, session: str = SESSION, tab: str = TAB) -> None:
        """The document came a step further."""
        params = {"frameId": tab, "loaderId": loader, "name": name, "timestamp": at}
        self.tell("Page.lifecycleEvent", params, session)

    def stopped(self, session: str = SESSION, tab: str = TAB) -> None:
        """The tab's throbber stops."""
        self.tell("Page.frameStoppedLoading", {"frameId": tab}, session)

    def arrived(self, loader: str, status: int = 200, session: str = SESSION, tab: str = TAB) -> None:
        """All of a load that goes well, after its request was sent."""
        self.received(loader, status, 1.25, session)
        self.lifecycle(loader, "init", 1.3, session, tab)
        self.committed(loader, session=session, tab=tab)
        self.url(HOME, tab)
        self.lifecycle(loader, "DOMContentLoaded", 1.5, session, tab)
        self.lifecycle(loader, "load", 2.0, session, tab)
        self.stopped(session, tab)

    def error_page(self, loader: str) -> None:
        """Chromium's own page in place of the one that did not come."""
        self.committed(loader, "chrome-error://chromewebdata/", frame={"unreachableUrl": HOME})
        self.lifecycle(loader, "DOMContentLoaded")
        self.lifecycle(loader, "load")
        self.stopped()

    @property
    def outcomes(self) -> list[str]:
        """How the loads ended, in that order."""
        return [load.outcome for load in self.ended]

    @property
    def tabs(self) -> int:
        """Tabs that are remembered."""
        inner: Any = self.loads
        return len(inner._tabs)


@pytest.fixture
def browser() -> Browser:
    """A browser with one blank tab and one DevTools session."""
    browser = Browser()
    browser.attach()
    return browser


# --- loads that go well ------------------------------------------------------------------------------------------------
def test_commanded(browser: Browser) -> None:
    """A load that no page asked for was commanded; its times count from the request."""
    browser.started("L1")
    assert browser.loads.open_loads == browser.began
    browser.sent("L1", 1.0)
    browser.arrived("L1")
    (load,) = browser.ended
    assert load is browser.began[0]
    assert (load.target_id, load.session_id, load.loader_id, load.url) == (TAB, SESSION, "L1", HOME)
    assert (load.cause, load.outcome, load.status, load.redirects) == ("agent", "ok", 200, 0)
    assert (load.started_at, load.ttfb, load.dom_content_loaded, load.load) == (100.0, 0.25, 0.5, 1.0)
    assert (load.complete, load.new_tab, load.committed, load.net_error) == (True, False, True, "")
    assert browser.loads.open_loads == []


def test_first_byte_from_timing(browser: Browser) -> None:
    """The network's own time of the head is better than the time at which it was told."""
    browser.started("L1")
    browser.sent("L1", 1.0)
    browser.received("L1", at=9.0, timing={"requestTime": 1.1, "receiveHeadersEnd": 400.0})
    assert browser.began[0].ttfb == pytest.approx(0.5)


@pytest.mark.parametrize("timing", [None, {}, {"requestTime": 1.1, "receiveHeadersEnd": -1}])
def test_first_byte_without_timing(browser: Browser, timing: dict[str, float] | None) -> None:
    """A cached page has no times of the network."""
    browser.started("L1")
    browser.sent("L1", 1.0)
    browser.received("L1", at=1.75, timing=timing)
    assert browser.began[0].ttfb == 0.75


def test_no_negative_times(browser: Browser) -> None:
    """Clocks of two processes may differ a little: no duration is below zero."""
    browser.started("L1")
    browser.sent("L1", 5.0)
    browser.arrived("L1")
    assert (browser.ended[0].ttfb, browser.ended[0].load) == (0.0, 0.0)


@pytest.mark.parametrize(("reason", "cause"), [*REASONS.items(), ("initialFrameNavigation", "other")])
def test_caused_by_the_page(browser: Browser, reason: str, cause: str) -> None:
    """What the page's request says is the cause, for that load alone."""
    browser.requested(reason)
    browser.started("L1")
    browser.arrived("L1")
    browser.started("L2")
    browser.arrived("L2")
    assert [load.cause for load in browser.ended] == [cause, "agent"]


@pytest.mark.parametrize(
    ("kind", "cause"), [(kind, cause) for kind, cause in NAVIGATION_TYPES.items() if cause is not None]
)
def test_reload_and_history(browser: Browser, kind: str, cause: str) -> None:
    """Reloads and steps in the history are told by their type, whoever caused them."""
    browser.started("L1")
    browser.arrived("L1")
    browser.started("L2", kind=kind)
    browser.arrived("L2")
    browser.requested("scriptInitiated")
    browser.started("L3", kind=kind)
    browser.arrived("L3")
    assert [load.cause for load in browser.ended] == ["agent", cause, cause]


@pytest.mark.parametrize("kind", ["sameDocument", "historySameDocument", "somethingNew"])
def test_same_document(browser: Browser, kind: str) -> None:
    """A step inside the document loads nothing."""
    browser.started("L1", HOME + "#x", kind)
    assert browser.began == []


@pytest.mark.parametrize("disposition", ["newTab", "newWindow", "newForegroundTab", "download"])
def test_request_for_elsewhere(browser: Browser, disposition: str) -> None:
    """What a page opens elsewhere is not the cause of the next load here."""
    browser.requested("anchorClick", disposition)
    browser.started("L1")
    assert browser.began[0].cause == "agent"


def test_redirects(browser: Browser) -> None:
    """Redirects are counted; the times count from the first request, the URL is the last."""
    browser.started("L1", HOME + "old")
    browser.sent("L1", 1.0)
    browser.sent("L1", 1.1, redirectResponse={"status": 302})
    browser.sent("L1", 1.2, redirectResponse={"status": 301})
    browser.arrived("L1")
    (load,) = browser.ended
    assert (load.redirects, load.url, load.load, load.cause) == (2, HOME, 1.0, "agent")


def test_back_forward_cache(browser: Browser) -> None:
    """A page from the back-forward cache is there at once: nothing is requested and no event of its document comes."""
    browser.started("L1", kind="historyDifferentDocument")
    browser.committed("L1", type="BackForwardCacheRestore")
    (load,) = browser.ended
    assert (load.outcome, load.cause, load.complete, load.load) == ("ok", "history", False, None)


def test_other_requests_of_the_page(browser: Browser) -> None:
    """Images, scripts and frames of the page are not its document."""
    browser.started("L1")
    browser.sent("L1", 1.0)
    image = {"requestId": "77.1", "loaderId": "L1", "timestamp": 9.0, "type": "Image"}
    browser.tell("Network.requestWillBeSent", {**image, "redirectResponse": {"status": 302}})
    browser.tell("Network.responseReceived", {**image, "response": {"status": 404}})
    browser.tell("Network.loadingFailed", {"requestId": "77.1", "timestamp": 9.0, "errorText": "net::ERR_ABORTED"})
    browser.arrived("L1")
    (load,) = browser.ended
    assert (load.outcome, load.status, load.redirects, load.net_error, load.load) == ("ok", 200, 0, "", 1.0)


# --- loads that do not -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        *((good, "ok") for good in (None, 200, 304, 399)),
        *((client, "http_4xx") for client in (400, 404, 499)),
        *((server, "http_5xx") for server in (500, 503, 599)),
    ],
)
def test_http_outcome(browser: Browser, status: int | None, outcome: str) -> None:
    """The status decides about a page that came; a page whose status was not seen is good."""
    assert http_outcome(status) == outcome
    browser.started("L1")
    if status is None:
        browser.committed("L1")
        browser.lifecycle("L1", "load")
    else:
        browser.arrived("L1", status)
    assert browser.outcomes == [outcome]


@pytest.mark.parametrize(
    ("error", "more", "outcome"),
    [
        ("net::ERR_NAME_NOT_RESOLVED", {}, "net_error"),
        ("net::ERR_CONNECTION_REFUSED", {}, "net_error"),
        ("net::ERR_UNSAFE_PORT", {}, "net_error"),
        ("net::ERR_TIMED_OUT", {}, "timeout"),
        ("net::ERR_CONNECTION_TIMED_OUT", {}, "timeout"),
        ("net::ERR_BLOCKED_BY_CLIENT", {}, "blocked"),
        (
            "net::ERR_BLOCKED_BY_RESPONSE",
            {"blockedReason": "coop-sandboxed-iframe-cannot-navigate-to-coop-page"},
            "blocked",
        ),
        ("net::ERR_FAILED", {"blockedReason": "inspector"}, "blocked"),
    ],
)
def test_net_error(browser: Browser, error: str, more: dict[str, str], outcome: str) -> None:
    """The network's error decides about a page that did not come; the error page itself is not a load."""
    browser.started("L1")
    browser.sent("L1")
    browser.failed("L1", error, canceled=False, **more)
    browser.stopped()
    assert browser.ended == []
    browser.error_page("L1")
    (load,) = browser.ended
    assert (load.outcome, load.net_error, load.url) == (outcome, error, HOME)


@pytest.mark.parametrize(("status", "outcome"), [(404, "http_4xx"), (500, "http_5xx")])
def test_status_without_a_body(browser: Browser, status: int, outcome: str) -> None:
    """For an error status without a body Chromium shows a page of its own: it is the status that went wrong."""
    browser.started("L1")
    browser.sent("L1")
    browser.received("L1", status)
    browser.failed("L1", "net::ERR_HTTP_RESPONSE_CODE_FAILURE", canceled=False)
    browser.error_page("L1")
    assert browser.outcomes == [outcome]


def test_error_page_without_a_failure(browser: Browser) -> None:
    """An error page is an error, also when its reason was not seen."""
    browser.started("L1")
    browser.error_page("L1")
    assert browser.outcomes == ["net_error"]


@pytest.mark.parametrize(("status", "outcome"), [(200, "download"), (204, "ok"), (205, "ok"), (404, "download")])
def test_answers_that_are_no_page(browser: Browser, status: int, outcome: str) -> None:
    """An answer that was stopped became a download, or had nothing to show."""
    browser.started("L1")
    browser.sent("L1")
    browser.received("L1", status)
    browser.failed("L1", "net::ERR_ABORTED", canceled=True)
    assert browser.ended == []
    browser.stopped()
    (load,) = browser.ended
    assert (load.outcome, load.committed) == (outcome, False)


@pytest.mark.parametrize(("more", "outcome"), [({}, "aborted"), ({"blockedReason": "inspector"}, "blocked")])
def test_stopped_before_an_answer(browser: Browser, more: dict[str, str], outcome: str) -> None:
    """A load that was stopped before anything came was aborted, or blocked without an error page."""
    browser.started("L1")
    browser.sent("L1")
    browser.failed("L1", "net::ERR_ABORTED", canceled=True, **more)
    browser.stopped()
    assert browser.outcomes == [outcome]


def test_stopped_after_the_document_came(browser: Browser) -> None:
    """A page whose body was cut off after it came is a page, and no download."""
    browser.started("L1")
    browser.sent("L1")
    browser.received("L1")
    browser.committed("L1")
    browser.failed("L1", "net::ERR_ABORTED", canceled=True)
    browser.stopped()
    assert browser.ended == []
    browser.lifecycle("L1", "load")
    assert browser.outcomes == ["ok"]


def test_stopped_means_nothing_by_itself(browser: Browser) -> None:
    """The throbber of the page before may stop after the next load has begun."""
    browser.started("L1")
    browser.stopped()
    browser.arrived("L1")
    browser.stopped()
    assert browser.outcomes == ["ok"]


# --- loads that overtake each other ------------------------------------------------------------------------------------
def test_superseded_before_its_document(browser: Browser) -> None:
    """A load that was overtaken before its document came was aborted; late events of it mean nothing."""
    browser.started("L1")
    browser.sent("L1")
    browser.started("L2")
    browser.failed("L1", "net::ERR_ABORTED", canceled=True)
    browser.committed("L1")
    browser.lifecycle("L1", "load")
    browser.sent("L2", 5.0)
    browser.arrived("L2")
    assert [(load.loader_id, load.outcome) for load in browser.ended] == [("L1", "aborted"), ("L2", "ok")]


@pytest.mark.parametrize(("status", "outcome"), [(200, "ok"), (404, "http_4xx"), (500, "http_5xx")])
def test_superseded_after_its_document(browser: Browser, status: int, outcome: str) -> None:
    """A load whose document came before it was overtaken only lacks its load event."""
    browser.started("L1")
    browser.sent("L1")
    browser.received("L1", status)
    browser.committed("L1")
    browser.requested("scriptInitiated")
    browser.started("L2")
    browser.arrived("L2")
    assert [(load.loader_id, load.outcome, load.cause) for load in browser.ended] == [
        ("L1", outcome, "agent"),
        ("L2", "ok", "script"),
    ]
    assert browser.ended[0].load is None


# --- tabs and sessions -------------------------------------------------------------------------------------------------
def replay(browser: Browser, loader: str, session: str, tab: str = TAB) -> None:
    """What a new session is told of the document that is there already."""
    for name, at in (("commit", 3.0), ("DOMContentLoaded", 3.5), ("load", 4.0), ("networkIdle", 4.5)):
        browser.lifecycle(loader, name, at, session, tab)


def test_new_tab_seen_too_late(browser: Browser) -> None:
    """The load of a tab that a page opened is known by the events that are told again to a new session."""
    browser.attach("TAB-2", "session-2", "", openerId=TAB)
    browser.url(HOME + "three", "TAB-2")
    browser.stopped("session-2", "TAB-2")
    replay(browser, "L9", "session-2", "TAB-2")
    (load,) = browser.ended
    assert (load.target_id, load.url, load.cause, load.outcome) == ("TAB-2", HOME + "three", "new_tab", "ok")
    assert (load.new_tab, load.complete, load.load) == (True, False, None)


def test_new_tab_seen_in_time(browser: Browser) -> None:
    """The first load of a tab that a page opened is of the new tab, those after it are not."""
    browser.attach("TAB-2", "session-2", "", openerId=TAB)
    browser.started("L0", "about:blank", session="session-2", tab="TAB-2")
    for loader in ("L1", "L2"):
        browser.started(loader, session="session-2", tab="TAB-2")
        browser.sent(loader, session="session-2")
        browser.arrived(loader, session="session-2", tab="TAB-2")
    assert [(load.cause, load.new_tab, load.load) for load in browser.ended] == [
        ("new_tab", True, 1.0),
        ("agent", False, 1.0),
    ]


def test_attached_to_an_old_tab(browser: Browser) -> None:
    """A tab that was there before anyone watched did not load now, whatever is told again."""
    browser.attach("TAB-2", "session-2", HOME)
    replay(browser, "L0", "session-2", "TAB-2")
    assert browser.began == []


def test_two_sessions_of_a_tab(browser: Browser) -> None:
    """browser-use opens two sessions for a tab; each tells all of a load, and it is one load."""
    browser.attach(session="session-2")
    both = (SESSION, "session-2")
    steps: list[Callable[[str], None]] = [
        lambda session: browser.started("L1", session=session),
        lambda session: browser.sent("L1", 1.0, session),
        lambda session: browser.sent("L1", 1.1, session, redirectResponse={"status": 302}),
        lambda session: browser.received("L1", session=session),
        lambda session: browser.committed("L1", session=session),
        lambda session: browser.lifecycle("L1", "DOMContentLoaded", 1.5, session),
        lambda session: browser.lifecycle("L1", "load", 2.0, session),
        browser.stopped,
    ]
    for step_of in steps:
        for session in both:
            step_of(session)
    (load,) = browser.ended
    assert (load.outcome, load.redirects, load.load, len(browser.began)) == ("ok", 1, 1.0, 1)
    browser.detach()
    assert browser.tabs == 1
    browser.started("L2", session="session-2")
    browser.arrived("L2", session="session-2")
    assert browser.outcomes == ["ok", "ok"]


def test_session_that_attaches_later(browser: Browser) -> None:
    """A second session is told again of the page that is there: it was counted."""
    browser.started("L1")
    browser.arrived("L1")
    browser.attach(session="session-2", url=HOME)
    replay(browser, "L1", "session-2")
    assert browser.outcomes == ["ok"]


def test_session_that_attaches_after_a_download(browser: Browser) -> None:
    """A download leaves the page where it was; a session that attaches after it is told of that page, which is no load."""
    browser.started("L1")
    browser.arrived("L1")
    browser.started("L2")
    browser.received("L2")
    browser.failed("L2", "net::ERR_ABORTED", canceled=True)
    browser.stopped()
    browser.attach(session="session-2", url=HOME)
    replay(browser, "L1", "session-2")
    assert browser.outcomes == ["ok", "download"]


def test_first_session_leaves(browser: Browser) -> None:
    """When the session that told the load's start detaches, the other one tells how it ends."""
    browser.attach(session="session-2")
    for session in (SESSION, "session-2"):
        browser.started("L1", session=session)
    browser.detach(SESSION)
    browser.arrived("L1", session="session-2")
    assert browser.outcomes == ["ok"]


def test_two_tabs(browser: Browser) -> None:
    """Loads of two tabs do not touch each other."""
    browser.attach("TAB-2", "session-2")
    browser.started("L1")
    browser.started("L2", session="session-2", tab="TAB-2")
    browser.arrived("L2", 404, "session-2", "TAB-2")
    browser.arrived("L1")
    assert [(load.target_id, load.outcome) for load in browser.ended] == [("TAB-2", "http_4xx"), (TAB, "ok")]


def test_iframes(browser: Browser) -> None:
    """Loads inside a page's frames are no page loads, nor the cause of one, in this process or another."""
    browser.attach("FRAME-2", "session-3", type="iframe")
    browser.started("L1")
    for frame, session in (("FRAME-1", SESSION), ("FRAME-2", "session-3")):
        browser.requested("scriptInitiated", frame=frame)
        browser.started("F1", session=session, tab=frame)
        browser.sent("F1", session=session)
        browser.arrived("F1", 500, session, frame)
        replay(browser, "F1", session, frame)
    assert browser.ended == []
    browser.arrived("L1")
    browser.started("L2")
    assert [load.cause for load in browser.began] == ["agent", "agent"]
    assert browser.outcomes == ["ok"]


@pytest.mark.parametrize(
    "url",
    ["about:blank", "chrome://newtab/", "data:text/html,x", "blob:http://x/1", "mailto:a@b.example", "file:///x", ""],
)
def test_not_from_the_web(browser: Browser, url: str) -> None:
    """Pages that come from no server are no page loads; they end the load before them."""
    browser.started("L0", url)
    browser.sent("L0")
    browser.arrived("L0")
    assert browser.began == []
    browser.started("L1")
    browser.started("L2", url)
    assert browser.outcomes == ["aborted"]


def test_nobody_attached() -> None:
    """Events of sessions and tabs that nobody told about mean nothing."""
    browser = Browser()
    browser.started("L1")
    browser.sent("L1")
    browser.arrived("L1")
    replay(browser, "L1", SESSION)
    browser.url(HOME)
    browser.detach()
    browser.tell("Target.targetCrashed", {"targetId": "?"}, None)
    browser.tell("Inspector.targetCrashed", {})
    browser.tell("Network.dataReceived", {})
    assert (browser.began, browser.crashes, browser.tabs) == ([], 0, 0)


# --- ends --------------------------------------------------------------------------------------------------------------
def crash(browser: Browser) -> None:
    browser.tell("Inspector.targetCrashed", {})
    browser.tell("Inspector.targetCrashed", {}, "session-2")
    browser.tell("Target.targetCrashed", {"targetId": TAB, "status": "crashed", "errorCode": 5}, None)


def test_crash(browser: Browser) -> None:
    """A crash is told by each session and by the browser, and is one; the tab can load and crash again."""
    browser.attach(session="session-2")
    browser.started("L1")
    crash(browser)
    assert (browser.crashes, browser.outcomes) == (1, ["crashed"])
    browser.started("L2")
    browser.arrived("L2")
    crash(browser)
    assert (browser.crashes, browser.outcomes) == (2, ["crashed", "ok"])


def test_expire(browser: Browser) -> None:
    """A load that takes too long has timed out, once; what ended by itself meanwhile is left alone."""
    browser.started("L1")
    browser.loads.expire(browser.began[0])
    browser.loads.expire(browser.began[0])
    browser.arrived("L1")
    assert browser.outcomes == ["timeout"]
    browser.started("L2")
    browser.loads.expire(browser.began[0])
    assert browser.loads.open_loads == [browser.began[1]]
    browser.arrived("L2")
    browser.loads.expire(browser.began[1])
    assert browser.outcomes == ["timeout", "ok"]


def test_detach(browser: Browser) -> None:
    """The end of a tab's last session ends its load, and the tab is forgotten."""
    browser.attach(session="session-2")
    browser.started("L1")
    browser.detach("session-2")
    browser.detach("session-2")
    assert (browser.ended, browser.tabs) == ([], 1)
    browser.detach()
    assert (browser.outcomes, browser.tabs) == (["aborted"], 0)
    browser.loads.expire(browser.began[0])
    assert len(browser.ended) == 1


def test_close(browser: Browser) -> None:
    """The end of the connection ends all loads, once, and forgets all tabs."""
    browser.attach("TAB-2", "session-2")
    browser.started("L1")
    browser.started("L2", session="session-2", tab="TAB-2")
    browser.loads.close()
    browser.loads.close()
    assert (browser.outcomes, browser.tabs, browser.loads.open_loads) == (["aborted", "aborted"], 0, [])
    browser.arrived("L1")
    assert len(browser.ended) == 2


def test_loads_are_forgotten(browser: Browser) -> None:
    """A load that ended, with whatever its receiver attached to it, is not kept."""

    class Owner:
        pass

    browser.started("L1")
    browser.began[0].owner = Owner()
    gone = weakref.ref(browser.began[0].owner)
    browser.arrived("L1")
    browser.began.clear()
    browser.ended.clear()
    gc.collect()
    assert gone() is None


# --- any events in any order -------------------------------------------------------------------------------------------
Strategy = st.SearchStrategy[Any]
TABS = ("TAB-1", "TAB-2", "FRAME-1")
SESSIONS = {"s1": "TAB-1", "s2": "TAB-2", "s3": "TAB-1", "s4": "FRAME-1"}
LOADERS = ("L1", "L2", "L3", "L4", "L5")
tabs, sessions, loaders = st.sampled_from(TABS), st.sampled_from(list(SESSIONS)), st.sampled_from(LOADERS)
urls = st.sampled_from((HOME, "https://other.example/x?y", "about:blank", "chrome://crash", ""))
times = st.floats(0, 100)
errors = st.sampled_from(("net::ERR_ABORTED", "net::ERR_FAILED", "net::ERR_TIMED_OUT", "net::ERR_BLOCKED_BY_CLIENT"))


def one_of(*values: str) -> Strategy:
    return st.sampled_from(values)


def keys(required: dict[str, Strategy], optional: dict[str, Strategy] | None = None) -> Strategy:
    return st.fixed_dictionaries(required, optional=optional or {})


def event(method: str, params: Strategy, session: Strategy = sessions) -> st.SearchStrategy[Told]:
    return st.tuples(st.just(method), params, session)


def of_browser(method: str, params: Strategy) -> st.SearchStrategy[Told]:
    return event(method, params, st.none())


def target(tab: Strategy) -> Strategy:
    kinds = one_of("page", "page", "page", "iframe", "worker")
    return keys({"targetId": tab, "type": kinds, "url": urls}, {"openerId": tabs})


def attached(session: str, tab: str) -> st.SearchStrategy[Told]:
    """The browser never uses the id of a session again."""
    return of_browser(
        "Target.attachedToTarget", keys({"sessionId": st.just(session), "targetInfo": target(st.just(tab))})
    )


timing = keys({"requestTime": times, "receiveHeadersEnd": st.floats(-1, 1000)})
response = keys({"status": st.sampled_from((200, 204, 302, 404, 500))}, {"timing": timing})
frame = keys({"id": tabs, "loaderId": loaders, "url": urls}, {"unreachableUrl": urls, "parentId": tabs})
request = {"requestId": loaders, "loaderId": loaders, "timestamp": times}
requested = {"reason": one_of(*REASONS, "new"), "url": urls, "disposition": one_of("currentTab", "newTab", "download")}
started = {"url": urls, "loaderId": loaders, "navigationType": one_of(*NAVIGATION_TYPES, "sameDocument")}
step = {"loaderId": loaders, "name": one_of("init", "commit", "DOMContentLoaded", "load"), "timestamp": times}
SOUP = st.lists(
    st.one_of(
        *(attached(session, tab) for session, tab in SESSIONS.items()),
        of_browser("Target.detachedFromTarget", keys({"sessionId": sessions}, {"targetId": tabs})),
        of_browser("Target.targetInfoChanged", keys({"targetInfo": target(tabs)})),
        of_browser("Target.targetCrashed", keys({"targetId": tabs})),
        event("Inspector.targetCrashed", keys({})),
        event("Page.frameRequestedNavigation", keys({"frameId": tabs, **requested})),
        event("Page.frameStartedNavigating", keys({"frameId": tabs, **started})),
        event("Page.frameNavigated", keys({"frame": frame, "type": one_of("Navigation", "BackForwardCacheRestore")})),
        event("Page.frameStoppedLoading", keys({"frameId": tabs})),
        event("Page.lifecycleEvent", keys({"frameId": tabs, **step})),
        event("Network.requestWillBeSent", keys(request, {"redirectResponse": response})),
        event("Network.responseReceived", keys({**request, "response": response})),
        event(
            "Network.loadingFailed",
            keys({"requestId": loaders, "timestamp": times, "errorText": errors}, {"blockedReason": one_of("other")}),
        ),
        event("Network.dataReceived", keys({"requestId": loaders})),
    ),
    max_size=60,
)


def check(browser: Browser) -> None:
    """What must hold after any event."""
    told = Counter(id(load) for load in browser.ended)
    assert all(count == 1 for count in told.values())
    began = {id(load) for load in browser.began}
    assert len(began) == len(browser.began)
    open_loads = {id(load) for load in browser.loads.open_loads}
    assert open_loads | set(told) == began
    assert not open_loads & set(told)
    assert browser.tabs <= len(TABS)
    for load in browser.ended:
        assert load.outcome in NAVIGATION_OUTCOMES
        assert load.cause in PAGE_CAUSES
        assert all(value is None or value >= 0 for value in (load.ttfb, load.dom_content_loaded, load.load))


def feed(browser: Browser, soup: Iterable[Told]) -> None:
    for method, params, session in soup:
        browser.tell(method, params, session)
        check(browser)


@settings(max_examples=150)
@given(SOUP)
def test_any_events(soup: list[Told]) -> None:
    """No order of events raises, tells a load twice, or leaves one open after the connection is gone."""
    browser = Browser()
    for session, tab in SESSIONS.items():
        browser.attach(tab, session)
    feed(browser, soup)
    browser.loads.close()
    check(browser)
    assert browser.loads.open_loads == []
    assert browser.tabs == 0


@given(SOUP)
def test_memory_is_bounded(soup: list[Told]) -> None:
    """When all sessions have detached nothing is remembered."""
    browser = Browser()
    feed(browser, soup)
    for session in SESSIONS:
        browser.detach(session)
    inner: Any = browser.loads
    assert (inner._tabs, inner._targets) == ({}, {})
    assert len(browser.ended) == len(browser.began)


def test_what_concerns_page_loads_is_what_they_handle() -> None:
    """The quick look at a method and the table of handlers know the same methods."""
    loads = PageLoads(lambda: 0.0, lambda _: None, lambda _: None, lambda: None)
    assert set(loads._handlers) == METHODS
    for loader, concerning in (("one", True), ("two", False)):
        assert concerns("Network.requestWillBeSent", {"requestId": "one", "loaderId": loader}) is concerning
    assert not concerns("Network.dataReceived", {})
    assert [concerns("Page.lifecycleEvent", {"name": name}) for name in ("load", "firstPaint")] == [True, False]
