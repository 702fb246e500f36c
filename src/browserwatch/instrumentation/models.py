"""A model call: the `ainvoke` of every model that browser-use registers -> span `chat {model}`, tokens, cost.

browser-use wraps `ainvoke` once per agent to count tokens. Ours goes below those wrappers and only once per model object,
so that a model shared by several agents is counted once per call, for the agent whose run makes the call.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable
from importlib import import_module
from types import MethodType
from typing import Any, Final
from urllib.parse import urlsplit

from opentelemetry._logs import LogRecord, get_logger
from opentelemetry.trace import Span, SpanKind

from browserwatch import semantics as s
from browserwatch.events import ModelCalled
from browserwatch.instrumentation.content import answer, chat_messages
from browserwatch.instrumentation.identity import IdentityMap
from browserwatch.instrumentation.observer import (
    Attributes,
    Observer,
    Scope,
    current_run,
    current_step,
    describe,
)
from browserwatch.instrumentation.outcomes import model_error, reason_of
from browserwatch.instrumentation.patching import Args, Kwargs, Replacement, around
from browserwatch.pricing import Usage
from browserwatch.tracing.ids import span_ids

# browser-use's names -> https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/ (well-known values)
PROVIDER_NAMES: Final = {
    "anthropic_bedrock": "aws.bedrock",
    "aws_bedrock": "aws.bedrock",
    "azure": "azure.ai.openai",
    "google": "gcp.gemini",
    "mistral": "mistral_ai",
    "oci-raw": "oci",
}
PURPOSES: Final = {"AgentOutput": "agent", "FlashAgentOutput": "agent", "JudgementResult": "judge"}
EXTRACT_ACTIONS: Final = frozenset({"extract", "extract_structured_data"})


def provider_name(model: Any) -> str:
    """OpenTelemetry's name of a model's provider, else browser-use's own."""
    name = str(getattr(model, "provider", "")) or s.OTHER
    return PROVIDER_NAMES.get(name, name)[:64]


@functools.lru_cache(maxsize=1)
def _util_genai() -> tuple[str, Callable[[], object]] | None:
    """The context key of opentelemetry-util-genai for "a call is being watched", and what to put there."""
    try:
        invocation = import_module("opentelemetry.util.genai.invocation")  # there only if the user installed it
    except ImportError:
        return None
    key, data = getattr(invocation, "CLIENT_INFERENCE_CONTEXT_KEY", None), getattr(invocation, "InferenceData", None)
    return (key, data) if key and data else None  # older releases can't be told


def suppression() -> dict[str, object]:
    """Context values that tell model-SDK instrumentations that this call has its span already.

    The first is what the OpenLLMetry instrumentations look for, the second what OpenTelemetry's own look for, which build
    on opentelemetry-util-genai 1.3 or newer. HTTP client spans stay: the general suppression key would hide them too.
    """
    keys: dict[str, object] = {"suppress_language_model_instrumentation": True}
    if (found := _util_genai()) is not None:
        keys[found[0]] = found[1]()
    return keys


def model(observer: Observer, name: str) -> Replacement:
    """Around `TokenCost.register_llm`: puts our `ainvoke` below browser-use's own."""
    watched: IdentityMap[Replacement] = IdentityMap()
    watch = around(ModelHook)(observer, "model_call")

    def put(llm: Any) -> None:
        if watched.get(llm) is None:
            ainvoke = llm.ainvoke  # bound already, or a function that somebody has put on the model

            @functools.wraps(ainvoke)
            def of(_: Any, *args: Any, **kwargs: Any) -> Any:
                return ainvoke(*args, **kwargs)

            object.__setattr__(llm, "ainvoke", MethodType(watch(of), llm))
            watched.set(llm, watch)

    def replace(register_llm: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(register_llm)
        def call(costs: Any, *args: Any, **kwargs: Any) -> Any:
            if observer.active:
                llm = args[0] if args else kwargs.get("llm")
                if llm is not None:
                    observer.attempt(name, put, llm)
            return register_llm(costs, *args, **kwargs)

        return call

    return replace


class ModelHook:
    """Watches one call of a model."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def enter(self, model: Any, args: Args, kwargs: Kwargs) -> Scope:
        """Open the call's span."""
        observer = self._observer
        output_format = args[1] if len(args) > 1 else kwargs.get("output_format")
        provider, name = provider_name(model), observer.name(str(model.model), 128)
        step = current_step.get()
        extracting = step is not None and step.action in EXTRACT_ACTIONS
        purpose = "extract" if extracting else PURPOSES.get(getattr(output_format, "__name__", ""), s.OTHER)
        attributes: Attributes = {
            s.GEN_AI_OPERATION: s.CHAT,
            s.GEN_AI_PROVIDER: provider,
            s.GEN_AI_REQUEST_MODEL: name,
            s.GEN_AI_OUTPUT_TYPE: "text" if output_format is None else "json",
            s.MODEL_PURPOSE: purpose,
        }
        if base_url := getattr(model, "base_url", None):
            attributes.update(_server(str(base_url)))
        scope = observer.open(
            f"{s.CHAT} {name}",
            attributes,
            kind=SpanKind.CLIENT,
            extra=suppression(),
        )
        sent: Attributes = {}
        if observer.capture.wanted and scope.span.is_recording():
            # Now, since the list may be another by the end of the call; and only when the sampler has agreed, since cleaning
            # some ten thousand characters takes milliseconds.
            messages = args[0] if args else kwargs.get("messages", ())
            sent = observer.attempt("model_call", self._sent, messages) or {}
            if observer.capture.on_spans:
                scope.span.set_attributes(sent)
        scope.data = (provider, name, purpose, sent)
        return scope

    def leave(self, scope: Scope, result: Any, error: BaseException | None) -> None:
        """Note usage, cost and errors, for the call and for its run."""
        observer, span, seconds = self._observer, scope.span, scope.seconds
        provider, name, purpose, sent = scope.data
        run = current_run.get()
        failure = ""
        if error is not None:
            failure = model_error(error)
            if failure == "cancelled" and run is not None and seconds >= run.model_timeout:
                failure = "timeout"  # browser-use's own limit cancels the call
            if run is not None and not isinstance(error, asyncio.CancelledError):
                run.last_reason = reason_of(error)
        usage = Usage.of(getattr(result, "usage", None))
        cost = observer.prices.cost(provider, name, usage) if usage is not None else None
        if run is not None and usage is not None:
            run.input_tokens += usage.input_tokens
            run.output_tokens += usage.output_tokens
            run.cached_tokens += usage.cached_tokens
            run.cost_usd += cost or 0.0
        observer.emit(
            ModelCalled(
                provider=provider,
                model=name,
                seconds=seconds,
                purpose=purpose,
                error=failure,
                input_tokens=usage.input_tokens if usage else 0,
                output_tokens=usage.output_tokens if usage else 0,
                cached_tokens=usage.cached_tokens if usage else 0,
                has_usage=usage is not None,
                cost_usd=cost,
                **span_ids(span),
            )
        )
        if error is not None:
            observer.fail(span, failure, describe(error))
        elif span.is_recording():
            span.set_attributes(_usage_attributes(usage, cost, getattr(result, "stop_reason", None)))
            self._capture(span, result, sent)

    def _sent(self, messages: Any) -> Attributes:
        """What was sent, as attributes."""
        system, rest = chat_messages(self._observer, messages)
        return {s.GEN_AI_SYSTEM_INSTRUCTIONS: system, s.GEN_AI_INPUT_MESSAGES: rest}

    def _capture(self, span: Span, result: Any, sent: Attributes) -> None:
        observer = self._observer
        if not observer.capture.wanted:
            return
        output = answer(observer, result.completion, getattr(result, "stop_reason", None))
        if observer.capture.on_spans:
            span.set_attribute(s.GEN_AI_OUTPUT_MESSAGES, output)
        if observer.capture.on_events:
            get_logger("browserwatch").emit(
                LogRecord(
                    event_name=s.GEN_AI_DETAILS_EVENT,
                    attributes={
                        s.GEN_AI_OPERATION: s.CHAT,
                        **sent,
                        s.GEN_AI_OUTPUT_MESSAGES: output,
                    },
                )
            )


@functools.lru_cache(maxsize=64)
def _server(base_url: str) -> Attributes:
    """Where a model is asked: the same few addresses again and again."""
    parts = urlsplit(base_url)
    found: Attributes = {}
    if parts.hostname:
        found[s.SERVER_ADDRESS] = parts.hostname
    if parts.port:
        found[s.SERVER_PORT] = parts.port
    return found


def _usage_attributes(usage: Usage | None, cost: float | None, finish_reason: str | None) -> Attributes:
    attributes: Attributes = {}
    if usage is not None:
        attributes[s.GEN_AI_INPUT_TOKENS] = usage.input_tokens
        attributes[s.GEN_AI_OUTPUT_TOKENS] = usage.output_tokens
        if usage.cached_tokens:
            attributes[s.GEN_AI_CACHE_READ_TOKENS] = usage.cached_tokens
        if usage.cache_written_tokens:
            attributes[s.GEN_AI_CACHE_CREATION_TOKENS] = usage.cache_written_tokens
    if cost is not None:
        attributes[s.MODEL_COST_USD] = cost
    if finish_reason:
        attributes[s.GEN_AI_FINISH_REASONS] = [finish_reason[:64]]
    return attributes
