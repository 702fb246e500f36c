"""A run of an agent: `Agent.run` -> span `invoke_agent`, totals, outcome."""

from __future__ import annotations

from functools import lru_cache
from inspect import signature
from typing import Any, Final, cast

from browserwatch import semantics as s
from browserwatch.events import RunFinished, RunStarted
from browserwatch.instrumentation.content import final_result, task_messages
from browserwatch.instrumentation.models import provider_name
from browserwatch.instrumentation.observer import Attributes, Observer, Run, Scope, current_run, describe
from browserwatch.instrumentation.outcomes import RunFacts, run_outcome
from browserwatch.instrumentation.patching import Args, Kwargs
from browserwatch.redaction import secret_values
from browserwatch.tracing.ids import span_ids

LOOP_REPETITIONS: Final = 5  # where browser-use itself starts to nudge the model
DEFAULT_MAX_STEPS: Final = 500


class RunHook:
    """Watches `Agent.run`."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def enter(self, agent: Any, args: Args, kwargs: Kwargs) -> Scope:
        """Open the run's span."""
        observer = self._observer
        observer.redactor.declare(_secrets(agent))
        session = observer.session(agent.browser_session)
        session.browser_lost = False
        run = Run(session)
        run.model_timeout = getattr(agent.settings, "llm_timeout", None) or float("inf")
        name = observer.name(type(agent).__name__, 64)
        max_steps = kwargs.get("max_steps", args[0] if args else _default_max_steps(cast("Any", type(agent))))
        attributes: Attributes = {
            s.GEN_AI_OPERATION: s.INVOKE_AGENT,
            s.GEN_AI_AGENT_NAME: name,
            s.GEN_AI_AGENT_ID: str(getattr(agent, "id", "")),
            s.GEN_AI_CONVERSATION_ID: str(getattr(agent, "session_id", "")),
            s.GEN_AI_PROVIDER: provider_name(agent.llm),
            s.GEN_AI_REQUEST_MODEL: observer.name(str(agent.llm.model), 128),
            s.SESSION_ID: session.id,
            s.RUN_MAX_STEPS: max_steps,
        }
        if observer.capture.on_spans:
            attributes[s.GEN_AI_INPUT_MESSAGES] = task_messages(observer, str(agent.task))
        scope = observer.open(f"{s.INVOKE_AGENT} {name}", attributes, data=(agent, run, max_steps), session=session)
        scope.undo = (current_run, current_run.set(run))
        observer.emit(RunStarted())
        return scope

    def leave(self, scope: Scope, result: Any, error: BaseException | None) -> None:
        """Work out how the run ended, and say so."""
        observer, span = self._observer, scope.span
        agent, run, max_steps = scope.data
        facts = observer.attempt("run", _facts, agent, run, max_steps, error) or RunFacts(error=error)
        outcome, reason = run_outcome(facts)
        # The event comes before the span's attributes here and in every hook: should those fail, the counts still hold.
        observer.emit(
            RunFinished(
                outcome=outcome,
                failure_reason=reason,
                seconds=scope.seconds,
                steps=run.steps,
                cost_usd=run.cost_usd,
                **span_ids(span),
            )
        )
        if span.is_recording():
            span.set_attributes(_totals(run, facts, outcome, reason))
            if observer.capture.on_spans and facts.is_done:
                span.set_attribute(s.GEN_AI_OUTPUT_MESSAGES, final_result(observer, agent.history.final_result()))
            if outcome != "success":
                message = describe(error) if error is not None else f"{outcome}: {reason}"
                observer.fail(span, outcome if reason == "none" else reason, message)


def _secrets(agent: Any) -> list[str]:
    """What the user told browser-use to keep secret, and the credentials it was given."""
    found = secret_values(getattr(agent, "sensitive_data", None))
    proxy = getattr(agent.browser_session.browser_profile, "proxy", None)
    for value in (getattr(agent.llm, "api_key", None), getattr(proxy, "password", None)):
        if isinstance(value, str):
            found.append(value)
    return found


@lru_cache(maxsize=32)
def _default_max_steps(agent_class: Any) -> int:
    parameter = signature(agent_class.run).parameters.get("max_steps")
    return parameter.default if parameter is not None and isinstance(parameter.default, int) else DEFAULT_MAX_STEPS


def _totals(run: Run, facts: RunFacts, outcome: str, reason: str) -> Attributes:
    attributes: Attributes = {
        s.RUN_OUTCOME: outcome,
        s.RUN_FAILURE_REASON: reason,
        s.RUN_STEPS: run.steps,
        s.RUN_COST_USD: run.cost_usd,
        s.GEN_AI_INPUT_TOKENS: run.input_tokens,
        s.GEN_AI_OUTPUT_TOKENS: run.output_tokens,
        s.GEN_AI_CACHE_READ_TOKENS: run.cached_tokens,
    }
    if facts.judge_verdict is not None:
        attributes[s.RUN_JUDGE_VERDICT] = facts.judge_verdict
    return attributes


def _facts(agent: Any, run: Run, max_steps: int, error: BaseException | None) -> RunFacts:
    state, settings, history = agent.state, agent.settings, agent.history
    allowed_failures = settings.max_failures + int(getattr(settings, "final_response_after_failure", False))
    judgement = _judgement(history)
    loops = getattr(state, "loop_detector", None)
    return RunFacts(
        error=error,
        is_done=bool(history.is_done()),
        success=history.is_successful(),
        judge_verdict=getattr(judgement, "verdict", None),
        captcha=bool(getattr(judgement, "reached_captcha", False)),
        stopped=bool(state.stopped),
        out_of_steps=state.n_steps > max_steps,
        out_of_failures=state.consecutive_failures >= allowed_failures,
        looping=getattr(loops, "max_repetition_count", 0) >= LOOP_REPETITIONS,
        browser_lost=run.session.browser_lost,
        last_reason=run.last_reason,
    )


def _judgement(history: Any) -> Any:
    items: list[Any] = history.history
    results: list[Any] = items[-1].result if items else []
    return getattr(results[-1], "judgement", None) if results else None
