"""What Chromium says over DevTools when a page loads, as recorded on the demo site: order and number of events are real."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, Final, NamedTuple, TypeAlias

Params: TypeAlias = dict[str, Any]

TARGET: Final = "981E6419038E7E2E4F5B071CE8B43A1B"
# browser-use attaches to each tab twice, and is told most events once by each attachment.
SESSIONS: Final = ("2F6A2BE70C0B3E4FA11D3E3F0A9D6C2C", "B51F6B0EB5D24B1B8B7C8B1B52DA174E")
FRAME: Final = {"frameId": TARGET}
HEADERS: Final = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/156.0.0.0 Safari/537.36"}
PAINTED: Final = (
    "firstMeaningfulPaintCandidate",
    "firstContentfulPaint",
    "firstPaint",
    "networkAlmostIdle",
    "firstMeaningfulPaint",
    "networkIdle",
)
_loaders: Final = itertools.count(1)


class Event(NamedTuple):
    """An event as cdp-use hands it to its handlers."""

    method: str
    params: Params
    session: str | None


def page_load(url: str, *, clicked: bool) -> Iterator[Event]:
    """The events of one load; a click announces it first."""
    loader = f"{next(_loaders):032X}"
    if clicked:
        announced = {**FRAME, "reason": "anchorClick", "url": url}
        yield Event("DOM.childNodeInserted", {"parentNodeId": 8}, SESSIONS[0])  # browser-use marks what it clicks
        yield from _each("Page.frameScheduledNavigation", {**announced, "delay": 0})
        yield from _each("Page.frameRequestedNavigation", {**announced, "disposition": "currentTab"})
    yield from _each("Page.frameStartedNavigating", _navigating(loader, url))
    yield from _each("Page.frameStartedLoading", FRAME)
    yield from _each("Network.requestWillBeSent", _request(loader, loader, url))
    if clicked:
        yield from _each("Page.frameClearedScheduledNavigation", FRAME)
    yield from _each("Network.responseReceived", _response(loader, loader, 200))
    yield from _each("Network.requestWillBeSentExtraInfo", {"requestId": loader, "headers": HEADERS})
    yield from _each("Network.responseReceivedExtraInfo", {"requestId": loader, "statusCode": 200})
    yield from _each("Page.lifecycleEvent", _stage(loader, "init"))
    yield from _each("Page.frameNavigated", {"frame": {"id": TARGET, "loaderId": loader, "url": url}})
    yield from _each("Network.policyUpdated", {})
    yield Event("Target.targetInfoChanged", {"targetInfo": target(url)}, None)
    yield from (Event("DOM.documentUpdated", {}, session) for session in SESSIONS)
    yield from _each("Network.dataReceived", {"requestId": loader, "timestamp": 0.06, "dataLength": 667})
    yield from _each("Network.loadingFinished", {"requestId": loader, "timestamp": 0.06})
    yield from _each("Page.domContentEventFired", {"timestamp": 0.07})
    yield from _each("Page.lifecycleEvent", _stage(loader, "DOMContentLoaded", 0.07))
    yield from _each("Page.loadEventFired", {"timestamp": 0.08})
    yield from _each("Page.lifecycleEvent", _stage(loader, "load", 0.08))
    yield from _each("Page.frameStoppedLoading", FRAME)
    yield from _icon(loader, url)
    for name in PAINTED:
        yield from _each("Page.lifecycleEvent", _stage(loader, name, 0.09))


def target(url: str) -> Params:
    """The tab as DevTools describes it."""
    return {"targetId": TARGET, "type": "page", "title": "Demo shop", "url": url, "attached": True}


def _icon(loader: str, url: str) -> Iterator[Event]:
    request = f"{loader}.2"
    yield from _each("Network.requestWillBeSent", _request(request, loader, url))
    yield from _each("Network.requestWillBeSentExtraInfo", {"requestId": request, "headers": HEADERS})
    yield from _each("Network.responseReceivedExtraInfo", {"requestId": request, "statusCode": 204})
    yield from _each("Network.responseReceived", _response(request, loader, 204))
    yield from _each("Network.loadingFinished", {"requestId": request, "timestamp": 0.09})


def _each(method: str, params: Params) -> Iterator[Event]:
    return (Event(method, params, session) for session in SESSIONS)


def _navigating(loader: str, url: str) -> Params:
    return {**FRAME, "loaderId": loader, "url": url, "navigationType": "differentDocument"}


def _request(request: str, loader: str, url: str) -> Params:
    sent = {"url": url, "method": "GET", "headers": HEADERS}
    return {"requestId": request, "loaderId": loader, "timestamp": 0.01, "request": sent}


def _response(request: str, loader: str, status: int) -> Params:
    timing = {"requestTime": 0.01, "receiveHeadersEnd": 40.0}
    return {
        "requestId": request,
        "loaderId": loader,
        "timestamp": 0.05,
        "response": {"status": status, "timing": timing},
    }


def _stage(loader: str, name: str, timestamp: float = 0.05) -> Params:
    return {**FRAME, "loaderId": loader, "name": name, "timestamp": timestamp}
