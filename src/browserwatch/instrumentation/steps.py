"""A step of a run: `Agent.step` -> span `agent_step`; its four phases; the errors that browser-use swallows."""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import Awaitable, Callable
from typing import Any

from browserwatch import semantics as s
from browserwatch.events import StepFinished
from browserwatch.instrumentation.observer import Observer, Scope, Step, current_run, current_step, describe
from browserwatch.instrumentation.outcomes import reason_of, reason_of_text
from browserwatch.instrumentation.patching import Args, Kwargs, Replacement
from browserwatch.tracing.ids import span_ids


class StepHook:
    """Watches `Agent.step`."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def enter(self, agent: Any, args: Args, kwargs: Kwargs) -> Scope:
        """Open the step's span."""
        step = Step()
        scope = self._observer.open(
            s.AGENT_STEP,
            {s.STEP_NUMBER: agent.state.n_steps},
            data=(agent, step),
            session=self._observer.session(agent.browser_session),
        )
        scope.undo = (current_step, current_step.set(step))
        return scope

    def leave(self, scope: Scope, result: Any, error: BaseException | None) -> None:
        """Work out how the step ended; it never raises by itself."""
        observer, span = self._observer, scope.span
        agent, step = scope.data
        seconds = scope.seconds
        if error is not None:
            timeout = getattr(agent.settings, "step_timeout", None) or float("inf")
            outcome = "timeout" if seconds >= timeout else "cancelled"
            step.reason, step.message = step.reason or outcome, f"step {outcome} after {seconds:.1f} s"
        elif step.reason:
            outcome = "cancelled" if step.reason == "cancelled" else "error"
        else:
            outcome = _outcome_of_results(agent, step)
        run = current_run.get()
        if run is not None:
            run.steps += 1
            if outcome in ("error", "timeout"):
                run.last_reason = step.reason if step.reason in s.FAILURE_REASONS else "unknown"
        observer.emit(StepFinished(outcome=outcome, seconds=seconds, phases=step.phases, **span_ids(span)))
        if span.is_recording():
            span.set_attribute(s.STEP_ACTIONS, step.actions)
            if outcome != "ok":
                observer.fail(span, step.reason, step.message)


def _outcome_of_results(agent: Any, step: Step) -> str:
    for found in agent.state.last_result or ():
        if found.error:
            step.reason = reason_of_text(found.error)
            step.message = found.error.split("\n", 1)[0]
            return "error"
    return "ok"


def step_error(observer: Observer) -> Callable[[Any, Args, Kwargs], None]:
    """Watches `Agent._handle_step_error`, the only place where a step's exception can be seen."""

    def note(agent: Any, args: Args, kwargs: Kwargs) -> None:
        error = args[0] if args else kwargs["error"]
        step = current_step.get()
        if step is None:
            return
        if isinstance(error, InterruptedError | asyncio.CancelledError):
            step.reason = "cancelled"
        else:
            step.reason = reason_of(error)
            step.message = describe(error)

    return note


def phase(name: str) -> Callable[[Observer, str], Replacement]:
    """Times one phase of a step: too little to fail, so it needs no guard, and too often to have one."""

    def build(observer: Observer, _hook: str) -> Replacement:
        def replace(method: Callable[..., Awaitable[Any]]) -> Callable[..., Any]:
            @functools.wraps(method)
            async def call(agent: Any, *args: Any, **kwargs: Any) -> Any:
                step = current_step.get() if observer.active else None
                if step is None:
                    return await method(agent, *args, **kwargs)
                started = time.perf_counter()
                try:
                    return await method(agent, *args, **kwargs)
                finally:
                    step.phases[name] = step.phases.get(name, 0.0) + time.perf_counter() - started

            return call

        return replace

    return build
