import asyncio
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

import pytest
from bubus import BaseEvent, EventBus  # pyright: ignore[reportMissingTypeStubs]  # bubus says nothing of types
from opentelemetry import context as otel_context

from browserwatch.events import BusWaited, Event, HookFailed
from browserwatch.instrumentation.bus import MAX_WAITING, EventBusHooks
from browserwatch.instrumentation.patching import Patches, PatchPoint
from tests.instrumentation.observers import plain_observer

WHO = "browserwatch-test-who"


class Asked(BaseEvent[str]):
    """An event of these tests."""

    number: int = 0


def who() -> object:
    """Whose context is current."""
    return otel_context.get_value(WHO)


class Bench:
    """bubus with our two hooks on it."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.observer = plain_observer(self.events.append)
        self.hooks = EventBusHooks()
        where = ("bubus.service", "EventBus")
        self.patches = Patches(
            self.observer,
            (
                PatchPoint("bus_dispatch", *where, "dispatch", self.hooks.dispatch),
                PatchPoint("bus_process", *where, "process_event", self.hooks.process),
            ),
        )
        self.buses: list[EventBus] = []

    def bus(self, name: str) -> EventBus:
        """A bus that is stopped afterwards."""
        bus = EventBus(name=name)
        self.buses.append(bus)
        return bus

    def waits(self) -> list[float]:
        """Seconds that events were told to have waited."""
        return [event.seconds for event in self.events if isinstance(event, BusWaited)]


@pytest.fixture
async def bench() -> AsyncGenerator[Bench]:
    """Our hooks on bubus, for one test."""
    bench = Bench()
    bench.patches.apply()
    yield bench
    bench.patches.restore()
    for bus in bench.buses:
        await bus.stop(clear=True)


def dispatch_as(name: str, bus: EventBus, event: Asked) -> Asked:
    """Dispatch an event with a context of its own current."""
    token = otel_context.attach(otel_context.set_value(WHO, name))
    try:
        return bus.dispatch(event)
    finally:
        otel_context.detach(token)


async def test_two_buses_interleaved(bench: Bench) -> None:
    """Each handler runs in the context of who dispatched its event, on both buses, also across its own waits."""
    seen: list[tuple[str, int, object]] = []

    def handler(bus: str) -> Any:
        async def handle(event: Asked) -> None:
            before = who()
            for _ in range(event.number % 3):
                await asyncio.sleep(0)
            assert who() == before
            seen.append((bus, event.number, before))

        return handle

    buses = {name: bench.bus(name) for name in ("First", "Second")}
    for name, bus in buses.items():
        bus.on(Asked, handler(name))
    dispatched = [
        dispatch_as(f"{name} {number}", bus, Asked(number=number))
        for number in range(20)
        for name, bus in buses.items()
    ]
    assert who() is None
    await asyncio.gather(*dispatched)
    assert sorted(seen) == sorted((name, number, f"{name} {number}") for name in buses for number in range(20))
    assert len(bench.waits()) == 40
    assert all(0 <= seconds < 60 for seconds in bench.waits())
    assert len(bench.hooks.waiting) == 0


async def test_without_the_hooks(bench: Bench) -> None:
    """Off again, a handler sees whatever was current when the bus first ran: what the hooks are there for."""
    seen: list[object] = []
    bus = bench.bus("Bare")
    bench.patches.restore()

    async def handle(event: Asked) -> None:
        seen.append(who())

    bus.on(Asked, handle)
    for name in ("a", "b"):
        await dispatch_as(name, bus, Asked())
    assert seen != ["a", "b"]
    assert (bench.waits(), len(bench.hooks.waiting)) == ([], 0)


async def test_events_of_handlers(bench: Bench) -> None:
    """An event that a handler dispatches belongs to the one that it handles, and leaves no trace in its context."""
    seen: list[tuple[int, object]] = []
    bus = bench.bus("Nested")

    async def handle(event: Asked) -> None:
        seen.append((event.number, who()))
        if event.number:
            await dispatch_as(f"{who()}, child", bus, Asked(number=event.number - 1))
        seen.append((event.number, who()))

    bus.on(Asked, handle)
    await dispatch_as("root", bus, Asked(number=2))
    expected = [(2, "root"), (1, "root, child"), (0, "root, child, child")]
    assert seen == [*expected, *reversed(expected)]


async def test_forwarded_events(bench: Bench) -> None:
    """An event that one bus forwards to another keeps the context of who dispatched it first."""
    seen: list[object] = []
    first, second = bench.bus("Forwarding"), bench.bus("Receiving")

    async def handle(event: Asked) -> None:
        seen.append(who())

    first.on("*", second.dispatch)
    second.on(Asked, handle)
    await dispatch_as("sender", first, Asked())
    await second.wait_until_idle()
    assert seen == ["sender"]
    assert len(bench.hooks.waiting) == 0


async def test_handlers_that_raise(bench: Bench) -> None:
    """A handler that fails changes nothing for the next event."""
    seen: list[object] = []
    bus = bench.bus("Failing")

    async def handle(event: Asked) -> None:
        seen.append(who())
        raise ValueError("no")

    bus.on(Asked, handle)
    for name in ("a", "b"):
        with pytest.raises(ValueError, match="no"):
            await (await dispatch_as(name, bus, Asked())).event_result()
    assert seen == ["a", "b"]
    assert who() is None


def test_dispatch_that_raises() -> None:
    """An event that was never queued is forgotten: here there is no loop to run it."""
    bench = Bench()
    bench.patches.apply()
    try:
        bus = EventBus(name="NoLoop")
        with pytest.raises(RuntimeError, match="no event loop"):
            bus.dispatch(Asked())
        assert len(bench.hooks.waiting) == 0
    finally:
        bench.patches.restore()


# --- the hooks by themselves -------------------------------------------------------------------------------------------
def queued(_: Any, event: Any) -> Any:
    """A dispatch that only takes."""
    return event


def test_waiting_is_bounded() -> None:
    """Events that are dispatched and never processed do not pile up; the newest stay."""
    bench = Bench()
    call = bench.hooks.dispatch(bench.observer, "bus_dispatch")(queued)
    for number in range(MAX_WAITING + 500):
        call(None, SimpleNamespace(event_id=str(number)))
    assert list(bench.hooks.waiting) == [str(number) for number in range(500, MAX_WAITING + 500)]


async def test_an_event_that_was_forgotten() -> None:
    """An event whose dispatch was not seen is processed as it is."""
    bench = Bench()

    async def process(_: Any, event: Any, timeout: float | None = None) -> object:  # noqa: ASYNC109  # bubus's signature
        return event.event_id, timeout, who()

    call = bench.hooks.process(bench.observer, "bus_process")(process)
    event = SimpleNamespace(event_id="unseen")
    assert await call(None, event, timeout=3.0) == ("unseen", 3.0, None)
    assert await call(None, event=event) == ("unseen", None, None)
    assert bench.events == []


@pytest.mark.parametrize("event", [object(), None])
async def test_things_that_are_no_events(event: object) -> None:
    """Whatever is dispatched or processed, the call goes on; what we can't read is counted as our failure."""
    bench = Bench()

    async def process(*args: object) -> str:
        return "processed"

    assert bench.hooks.dispatch(bench.observer, "bus_dispatch")(queued)(None, event) is event
    assert await bench.hooks.process(bench.observer, "bus_process")(process)(None, event) == "processed"
    failed = [found.hook for found in bench.events if isinstance(found, HookFailed)]
    assert failed == ([] if event is None else ["bus_dispatch", "bus_process"])


async def test_inactive() -> None:
    """Taken off, the hooks remember nothing."""
    bench = Bench()
    bench.observer.active = False
    event = SimpleNamespace(event_id="1")
    bench.hooks.dispatch(bench.observer, "bus_dispatch")(queued)(None, event)
    assert len(bench.hooks.waiting) == 0
