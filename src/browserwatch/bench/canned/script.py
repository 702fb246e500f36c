"""What the canned model says in a run, and what the canned page shows."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any, Final

SITE: Final = "http://127.0.0.1:8080"
LINK: Final = 18
MODEL: Final = "gpt-4.1-mini"
"""One that has a price, as most have."""

_NAVIGATE: Final = ({"navigate": {"url": f"{SITE}/", "new_tab": False}},)
_CLICK: Final = ({"click": {"index": LINK}},)
_TYPE: Final = (
    {"input": {"index": LINK, "text": "<secret>password</secret>", "clear": True}},
    {"click": {"index": LINK}},
)
_DONE: Final = ({"done": {"text": "Done.", "success": True}},)
_ROUND: Final = (_NAVIGATE, _CLICK, _CLICK, _CLICK)
STEPS: Final[tuple[tuple[dict[str, Any], ...], ...]] = (*_ROUND, _TYPE, *_ROUND, _DONE)
"""The actions of each step: those of the mixed work on the demo site."""

SECRETS: Final = {"password": "hunter2-planted-secret"}
"""What browser-use is told to keep to itself, and types for the model; looked for in what is exported."""

ROWS: Final = 40


def answer(step: int) -> bytes:
    """The body of the model's answer in a step, counted from 0."""
    return _answers()[min(step, len(STEPS) - 1)]


@lru_cache(maxsize=1)
def page_text() -> str:
    """The page as browser-use would describe it: about 3 kB."""
    rows = "\n".join(f"\t\tProduct {number}: saw, {number}.90 EUR, {number} in stock" for number in range(ROWS))
    return f"[{LINK}]<a id=link-table />\n\tThe products\n<table id=products />\n{rows}\n"


@lru_cache(maxsize=1)
def _answers() -> tuple[bytes, ...]:
    return tuple(_body(actions) for actions in STEPS)


def _body(actions: tuple[dict[str, Any], ...]) -> bytes:
    said = {
        "evaluation_previous_goal": "It worked: the page that was asked for is there.",
        "memory": "The shop is open.",
        "next_goal": "Look at the next page.",
        "action": actions,
    }
    answer = {
        "id": "chatcmpl-canned",
        "object": "chat.completion",
        "created": 1,
        "model": MODEL,
        "choices": [
            {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": json.dumps(said)}}
        ],
        "usage": {
            "prompt_tokens": 6500,
            "completion_tokens": 120,
            "total_tokens": 6620,
            "prompt_tokens_details": {"cached_tokens": 4096},
        },
    }
    return json.dumps(answer).encode()
