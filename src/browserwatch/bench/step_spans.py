"""Spans as the hooks make them for a step of an agent, for loads without an agent."""

from __future__ import annotations

import random
import uuid
from typing import Any, Final

from browserwatch import semantics as s

SPANS_A_STEP: Final = 5
VARIANTS: Final = 64
"""Different steps: what is always the same would be compressed to nothing."""


def spans_of_steps() -> list[dict[str, dict[str, Any]]]:
    """Names and attributes of the spans of some steps, as ours have them; the first is the parent of the others."""
    return [_spans_of_a_step(random.Random(seed)) for seed in range(VARIANTS)]  # noqa: S311  # no secret


def _spans_of_a_step(chance: random.Random) -> dict[str, dict[str, Any]]:
    session = {s.SESSION_ID: str(uuid.UUID(int=chance.getrandbits(128)))}
    load = chance.uniform(0.2, 2)
    spans: dict[str, dict[str, Any]] = {
        s.AGENT_STEP: {s.STEP_NUMBER: chance.randrange(1, 50)},
        s.BROWSER_STATE: {},
        f"{s.CHAT} gpt-4.1-mini": {
            s.GEN_AI_OPERATION: s.CHAT,
            s.GEN_AI_PROVIDER: "openai",
            s.GEN_AI_REQUEST_MODEL: "gpt-4.1-mini",
            s.GEN_AI_OUTPUT_TYPE: "json",
            s.MODEL_PURPOSE: "step",
            s.SERVER_ADDRESS: "api.openai.com",
            s.GEN_AI_INPUT_TOKENS: chance.randrange(3000, 20_000),
            s.GEN_AI_OUTPUT_TOKENS: chance.randrange(80, 400),
            s.MODEL_COST_USD: chance.uniform(0.001, 0.01),
        },
        f"{s.EXECUTE_TOOL} click": {
            s.GEN_AI_OPERATION: s.EXECUTE_TOOL,
            s.GEN_AI_TOOL_NAME: "click",
            s.GEN_AI_TOOL_TYPE: "function",
        },
        s.PAGE_FETCH: {
            s.URL_SCHEME: "https",
            s.SERVER_ADDRESS: "shop.example.org",
            s.URL_PATH: f"/basket/{chance.randrange(1_000_000)}",
            s.PAGE_CAUSE: "action",
            s.HTTP_STATUS: 200,
            s.PAGE_TTFB: round(load * 0.2, 6),
            s.PAGE_DOM_CONTENT_LOADED: round(load * 0.5, 6),
            s.PAGE_LOAD: round(load, 6),
            s.PAGE_OUTCOME: "ok",
        },
    }
    return {name: {**session, **attributes} for name, attributes in spans.items()}
