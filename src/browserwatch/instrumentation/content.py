"""Message content, for those who ask for it: in the JSON form of the GenAI conventions, redacted and cut.

Source: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/#recording-content-on-attributes
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from browserwatch.instrumentation.observer import Observer


def chat_messages(observer: Observer, messages: Any) -> tuple[str, str]:
    """System instructions and the other messages of a model call. Images are left out."""
    system = [_part(observer, message) for message in messages if message.role == "system"]
    rest = [
        {"role": str(message.role), "parts": [_part(observer, message)]}
        for message in messages
        if message.role != "system"
    ]
    return _dump(system), _dump(rest)


def answer(observer: Observer, completion: Any, finish_reason: str | None) -> str:
    """What a model answered."""
    text = completion if isinstance(completion, str) else completion.model_dump_json(exclude_none=True)
    return _output(observer, text, finish_reason or "stop")


def task_messages(observer: Observer, task: str) -> str:
    """What an agent was asked."""
    return _dump([{"role": "user", "parts": [_text(observer, task)]}])


def final_result(observer: Observer, text: str | None) -> str:
    """What an agent answered."""
    return _output(observer, text or "", "stop")


def as_json(observer: Observer, value: Any) -> str:
    """Parameters or result of an action. Cut after redaction, so a long one may be no valid JSON any more."""
    text = value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)
    return observer.clean(text, observer.settings.content_limit, "content")


def _output(observer: Observer, text: str, finish_reason: str) -> str:
    return _dump([{"role": "assistant", "parts": [_text(observer, text)], "finish_reason": finish_reason}])


def _part(observer: Observer, message: Any) -> dict[str, str]:
    return _text(observer, message.text)


def _text(observer: Observer, text: str) -> dict[str, str]:
    return {"type": "text", "content": observer.clean(text, observer.settings.content_limit, "content")}


def _dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
