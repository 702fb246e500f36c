"""Requests as browser-use sends them, cut down to what the scripted model reads."""

from typing import Any

PAGE = """
Interactive elements:
[Start of page]
[18]<a id=home />
\tHome
*[21]<input id=get-text name=text placeholder=Your full name />
|scroll element[30]<div id=list-long />
[44]<button id=get-submit />
Tab 1A2B: http://site.test/table - Products
Tab 3C4D: http://site.test/arrived?from=blank - Arrived
"""


def state(task: str, *, step: int = 1, page: str = PAGE) -> str:
    return (
        f"<user_request>\n{task}\n</user_request>\n<browser_state>{page}</browser_state>\n"
        f"<step_info>Step{step} maximum:10\nToday:2026-01-01</step_info>"
    )


def action_schema(*actions: str, fields: tuple[str, ...] = ("memory", "next_goal")) -> dict[str, Any]:
    variants: list[dict[str, Any]] = [{"type": "object", "properties": {name: {}}} for name in actions]
    items: dict[str, Any] = variants[0] if len(variants) == 1 else {"anyOf": variants}
    return {"properties": {name: {} for name in fields} | {"action": {"type": "array", "items": items}}}


ALL_ACTIONS = action_schema("navigate", "click", "input", "extract", "switch", "scroll", "done")
ONLY_DONE = action_schema("done")
JUDGEMENT: dict[str, Any] = {"properties": {"reasoning": {}, "verdict": {}, "failure_reason": {}}}


def chat(text: str, schema: dict[str, Any] | None = ALL_ACTIONS, *, model: str = "scripted") -> dict[str, Any]:
    """A request to OpenAI's API."""
    messages = [{"role": "system", "content": "You are an agent."}, {"role": "user", "content": text}]
    request: dict[str, Any] = {"model": model, "messages": messages}
    if schema is not None:
        json_schema = {"name": "agent_output", "strict": True, "schema": schema}
        request["response_format"] = {"type": "json_schema", "json_schema": json_schema}
    return request


def messages(text: str, schema: dict[str, Any] | None = ALL_ACTIONS, *, name: str = "AgentOutput") -> dict[str, Any]:
    """A request to Anthropic's API."""
    content = [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]
    request: dict[str, Any] = {
        "model": "scripted",
        "max_tokens": 8192,
        "messages": [{"role": "user", "content": content}],
    }
    if schema is not None:
        request["tools"] = [{"name": name, "input_schema": schema}]
        request["tool_choice"] = {"type": "tool", "name": name}
    return request
