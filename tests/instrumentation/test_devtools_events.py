from collections.abc import Generator
from typing import Any

import pytest
from cdp_use.cdp.registry import EventRegistry

from browserwatch.events import Event, HookFailed
from browserwatch.instrumentation.pages import devtools_event
from browserwatch.instrumentation.patching import Patches, PatchPoint
from tests.instrumentation.observers import plain_observer

STOPPED = "Page.frameStoppedLoading"
ORIGINAL = EventRegistry.handle_event


class Watcher:
    """Notes what it is fed, and raises if it is told to."""

    def __init__(self) -> None:
        self.fed: list[tuple[Any, ...]] = []
        self.raises = False

    def feed(self, method: str, params: dict[str, Any], session_id: str | None = None) -> None:
        """Take one event."""
        self.fed.append((method, params, session_id))
        if self.raises:
            raise ZeroDivisionError


class Bench:
    """cdp-use's registry with our hook on it, a watched connection, and a handler of browser-use's."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.observer = plain_observer(self.events.append)
        point = PatchPoint("devtools", EventRegistry.__module__, "EventRegistry", "handle_event", devtools_event)
        self.patches = Patches(self.observer, (point,))
        self.patches.apply()
        self.watcher = Watcher()
        self.handled: list[tuple[Any, ...]] = []
        self.registry = EventRegistry()
        self.registry.register(STOPPED, lambda params, session_id: self.handled.append((params, session_id)))
        self.registry.browserwatch_watcher = self.watcher  # pyright: ignore[reportAttributeAccessIssue]  # as `connection` does


@pytest.fixture
def bench() -> Generator[Bench]:
    """Taken off afterwards."""
    bench = Bench()
    yield bench
    bench.patches.restore()
    assert EventRegistry.handle_event is ORIGINAL


async def test_shown_first_and_then_handled(bench: Bench) -> None:
    """The watcher sees the event; browser-use's handler too, and its caller what it returned."""
    assert await bench.registry.handle_event(STOPPED, {"frameId": "1"}, "s") is True
    assert bench.watcher.fed == [(STOPPED, {"frameId": "1"}, "s")]
    assert bench.handled == [({"frameId": "1"}, "s")]


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("Network.dataReceived", {}),
        ("Network.requestWillBeSent", {"requestId": "7", "loaderId": "1"}),
        ("Page.lifecycleEvent", {"name": "networkIdle"}),
    ],
)
async def test_left_alone(bench: Bench, method: str, params: dict[str, Any]) -> None:
    """An event that means nothing to page loads is not shown, a part of a page no more than an unknown method."""
    assert await bench.registry.handle_event(method, params, "s") is False
    assert bench.watcher.fed == []


async def test_by_name(bench: Bench) -> None:
    """A cdp-use that gives its arguments by name is understood."""
    assert await bench.registry.handle_event(method=STOPPED, params={}, session_id="s") is True
    assert bench.watcher.fed == [(STOPPED, {}, "s")]


async def test_failing_watcher(bench: Bench) -> None:
    """A watcher that fails is counted, and the event is handled."""
    bench.watcher.raises = True
    assert await bench.registry.handle_event(STOPPED, {}, "s") is True
    assert bench.handled == [({}, "s")]
    assert bench.events[-1] == HookFailed(hook="devtools")


async def test_other_connections(bench: Bench) -> None:
    """A connection that nobody watches is served as ever."""
    assert await EventRegistry().handle_event(STOPPED, {}, "s") is False
    assert bench.watcher.fed == []


async def test_taken_off(bench: Bench) -> None:
    """Whoever still holds the replaced method gets the original's work, unwatched."""
    held = bench.registry.handle_event
    bench.patches.restore()
    assert await held(STOPPED, {}, "s") is True
    assert bench.watcher.fed == []
