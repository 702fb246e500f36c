"""An action of a step: `Tools.act` -> span `execute_tool {action}`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from browserwatch import semantics as s
from browserwatch.events import ActionFinished
from browserwatch.instrumentation.content import as_json
from browserwatch.instrumentation.observer import Attributes, Observer, Scope, current_step, describe
from browserwatch.instrumentation.outcomes import reason_of, reason_of_text
from browserwatch.instrumentation.patching import Args, Kwargs
from browserwatch.redaction import MASK, secret_values, spellings
from browserwatch.tracing.ids import span_ids

MIN_QUOTED: Final = 3
# browser-use gives this to the model as content and counts no error.
_ELEMENT_GONE: Final = re.compile(r"Element index \d+ (?:is )?not available")


class ActionHook:
    """Watches `Tools.act`. Errors come back in the result; browser-use raises almost nothing."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def enter(self, tools: Any, args: Args, kwargs: Kwargs) -> Scope | None:
        """Open the action's span."""
        observer = self._observer
        action = args[0] if args else kwargs["action"]
        browser_session = args[1] if len(args) > 1 else kwargs.get("browser_session")
        # Since 0.10 an action is a root model around one of the tools' models; its one set field names the tool.
        name = next(iter(getattr(action, "root", action).model_fields_set), "")
        if not name:
            return None
        if sensitive := kwargs.get("sensitive_data"):
            observer.redactor.declare(secret_values(sensitive))
        shown = observer.name(name, 64)
        attributes: Attributes = {
            s.GEN_AI_OPERATION: s.EXECUTE_TOOL,
            s.GEN_AI_TOOL_NAME: shown,
            s.GEN_AI_TOOL_TYPE: "function",
        }
        if observer.capture.on_spans:
            attributes[s.GEN_AI_TOOL_ARGUMENTS] = as_json(observer, action.model_dump(exclude_unset=True).get(name))
        step = current_step.get()
        if step is not None:
            step.actions += 1
            step.action = name
        session = observer.session(browser_session) if browser_session is not None else None
        return observer.open(f"{s.EXECUTE_TOOL} {shown}", attributes, data=(name, action), session=session)

    def leave(self, scope: Scope, result: Any, error: BaseException | None) -> None:
        """Say how the action went."""
        observer, span = self._observer, scope.span
        name, action = scope.data
        outcome, reason, message = _outcome(result, error)
        if message:
            message = without_parameters(message, action.model_dump(exclude_unset=True))
        if (step := current_step.get()) is not None:
            step.action = ""
            if outcome == "error" and not step.reason:
                step.reason, step.message = reason, message
        observer.emit(ActionFinished(action=name, outcome=outcome, seconds=scope.seconds, **span_ids(span)))
        if outcome != "ok":
            observer.fail(span, reason, message)
        elif observer.capture.on_spans and span.is_recording():
            span.set_attribute(s.GEN_AI_TOOL_RESULT, as_json(observer, getattr(result, "extracted_content", None)))


def _outcome(result: Any, error: BaseException | None) -> tuple[str, str, str]:
    """Outcome, reason and message of an action."""
    if isinstance(error, asyncio.CancelledError):
        return "cancelled", "cancelled", ""
    if error is not None:
        return "error", reason_of(error), describe(error)
    if text := getattr(result, "error", None):
        return "error", reason_of_text(text), text
    content = getattr(result, "extracted_content", None) or ""
    if _ELEMENT_GONE.match(content):
        return "error", "element", content
    return "ok", "", ""


def without_parameters(message: str, parameters: Any) -> str:
    """The first line of an error without what the model typed: browser-use's errors quote parameters."""
    found = sorted({form for text in _strings(parameters) for form in spellings(text)}, key=len, reverse=True)
    if found:
        message = re.sub("|".join(map(re.escape, found)), MASK, message)
    return message.split("\n", 1)[0]


def _strings(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value} if len(value) >= MIN_QUOTED and not value.startswith(("http://", "https://")) else set()
    if isinstance(value, Mapping):
        return {text for item in cast("Mapping[Any, Any]", value).values() for text in _strings(item)}
    if isinstance(value, list | tuple):
        return {text for item in cast("Iterable[Any]", value) for text in _strings(item)}
    return set()
