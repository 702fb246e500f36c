"""Ten thousand steps with hostile names leave memory and the number of series bounded."""

from __future__ import annotations

import asyncio
import random
import string
from types import SimpleNamespace
from typing import Any

from prometheus_client import CollectorRegistry

from browserwatch import redaction
from browserwatch.instrumentation import bus
from browserwatch.instrumentation.actions import ActionHook
from browserwatch.instrumentation.models import ModelHook
from browserwatch.instrumentation.observer import Observer
from browserwatch.instrumentation.pages import PageWatcher
from browserwatch.instrumentation.steps import StepHook
from browserwatch.metrics import Instruments, Recorder
from browserwatch.pricing import Prices
from browserwatch.redaction import Redactor
from browserwatch.settings import Capture, Settings

STEPS = 10_000


class Thing(SimpleNamespace):
    """An object of browser-use's, as far as the hooks look at it; can be referenced weakly."""


def no_parameters(**_: object) -> dict[str, object]:
    return {}


def make_observer(instruments: Instruments) -> Observer:
    return Observer(
        emit=Recorder(instruments).record,
        redactor=Redactor(),
        settings=Settings(),
        capture=Capture.NO_CONTENT,
        prices=Prices.load(),
    )


async def test_hostile_names() -> None:
    """Random providers, models, tools, URLs, sessions and secrets: series under the limit, maps bounded."""
    instruments = Instruments(max_series=3000)
    observer = make_observer(instruments)
    rng = random.Random(7)  # noqa: S311  # names, not secrets

    def noise() -> str:
        return "".join(rng.choices(string.printable, k=rng.randint(1, 200)))

    step_hook, action_hook, model_hook = StepHook(observer), ActionHook(observer), ModelHook(observer)
    watcher = PageWatcher(observer, observer.session(Thing(id="s")), None)
    attach(watcher)
    for number in range(STEPS):
        agent = Thing(
            browser_session=Thing(id=noise()),
            settings=Thing(),
            state=Thing(n_steps=number, last_result=[Thing(error=noise())]),
        )
        step = step_hook.enter(agent, (), {})
        call = model_hook.enter(Thing(provider=noise(), model=noise()), ((),), {})
        usage = Thing(prompt_tokens=1, completion_tokens=1)
        model_hook.leave(call, Thing(usage=usage, stop_reason=noise()), None)
        call.close()
        tool = noise()
        action: Any = Thing(model_fields_set={tool}, model_dump=no_parameters)
        scope = action_hook.enter(
            None, (action, agent.browser_session), {"sensitive_data": {"x": noise() if number % 10 == 0 else ""}}
        )
        assert scope is not None
        action_hook.leave(scope, Thing(error=noise()), None)
        scope.close()
        load(watcher, number, f"http://{noise()}/{noise()}")
        step_hook.leave(step, None, None)
        step.close()

    registry = CollectorRegistry(auto_describe=False)
    registry.register(instruments)
    samples = sum(len(metric.samples) for metric in registry.collect())
    assert samples <= 3000
    assert registry.get_sample_value("browser_steps_total", {"outcome": "error"}) == STEPS
    overflowed = [s for m in registry.collect() for s in m.samples if s.name == "browser_series_overflow_total"]
    assert sum(sample.value for sample in overflowed) == 0 or samples > 2500
    assert len(observer._sessions) <= 2
    assert len(observer.prices._found) <= 1000
    assert len(observer.redactor._values) <= redaction.MAX_SECRETS
    assert len(watcher._timers) <= 1
    assert len(watcher._loads.open_loads) <= 1
    watcher.attempt_close(lost=False)


def attach(watcher: PageWatcher) -> None:
    watcher.feed(
        "Target.attachedToTarget", {"sessionId": "s", "targetInfo": {"type": "page", "targetId": "t", "url": ""}}
    )


def load(watcher: PageWatcher, number: int, url: str) -> None:
    """A page load that only sometimes ends by itself."""
    loader = f"l{number}"
    started = {"frameId": "t", "loaderId": loader, "url": url, "navigationType": "differentDocument"}
    watcher.feed("Page.frameStartedNavigating", started, "s")
    request: dict[str, Any] = {
        "requestId": loader,
        "loaderId": loader,
        "timestamp": float(number),
        "request": {"headers": {}},
    }
    watcher.feed("Network.requestWillBeSent", request, "s")
    if number % 3:
        event = {"frameId": "t", "loaderId": loader, "name": "load", "timestamp": number + 0.5}
        watcher.feed("Page.lifecycleEvent", event, "s")


def dispatched(_: Any, event: Any) -> Any:
    """A dispatch that only takes."""
    return event


async def test_events_that_are_never_processed() -> None:
    """A bus that is stopped drops events: what was remembered for them is forgotten in time."""
    hooks = bus.EventBusHooks()
    dispatch = hooks.dispatch(make_observer(Instruments()), "bus_dispatch")(dispatched)
    for number in range(STEPS):
        dispatch(None, Thing(event_id=str(number)))
    await asyncio.sleep(0)
    assert len(hooks.waiting) == bus.MAX_WAITING
