"""What an agent tells of its run, as those see it who follow the run: names, counts and durations."""

from __future__ import annotations

from typing import Any, NamedTuple

from browserwatch.events import ActionFinished, Event, ModelCalled, PageLoaded, PolicyBlocked, StepFinished
from browserwatch.runs.models import Usage
from browserwatch.semantics import ACTIONS

_CUSTOM = "custom"


class Told(NamedTuple):
    """Type and data of a `RunEvent`."""

    type: str
    data: dict[str, Any]


def told(event: Event, steps: int) -> Told | None:
    """An event for the run's stream, `steps` being those that ended before it; None: not for it."""
    match event:
        case StepFinished():
            return Told(
                "step",
                {"number": steps + 1, "outcome": event.outcome, "seconds": event.seconds, "phases": event.phases},
            )
        case ActionFinished():
            name = event.action if event.action in ACTIONS else _CUSTOM
            return Told("action", {"action": name, "outcome": event.outcome, "seconds": event.seconds})
        case ModelCalled():
            return Told("model_call", _call(event))
        case PageLoaded():
            return Told("page", {"outcome": event.outcome, "cause": event.cause, "seconds": event.load})
        case PolicyBlocked():
            return Told("page", {"outcome": "blocked", "rule": event.rule})
        case _:
            return None


def with_call(usage: Usage, call: ModelCalled) -> Usage:
    """The usage after one more call."""
    return Usage(
        input_tokens=usage.input_tokens + call.input_tokens,
        output_tokens=usage.output_tokens + call.output_tokens,
        cached_tokens=usage.cached_tokens + call.cached_tokens,
        cost_usd=usage.cost_usd + (call.cost_usd or 0.0),
        # As the metrics count them: a call that failed costs nothing that is known.
        unpriced_calls=usage.unpriced_calls + (call.cost_usd is None and not call.error),
    )


def _call(event: ModelCalled) -> dict[str, Any]:
    return {
        "provider": event.provider,
        "model": event.model,
        "purpose": event.purpose,
        "seconds": event.seconds,
        "error": event.error,
        "input_tokens": event.input_tokens,
        "output_tokens": event.output_tokens,
        "cost_usd": event.cost_usd,
    }
