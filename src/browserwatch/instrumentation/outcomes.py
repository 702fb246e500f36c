"""What a run, a step or an action came to. Pure: no browser-use import, no telemetry.

browser-use swallows failures: a run that achieved nothing returns normally. So the outcome comes from its results, and
the reason from error texts, which is as fragile as it sounds: what matches nothing is `unknown`, never a guess.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

TOO_MANY_REQUESTS: Final = 429
AUTH_STATUS: Final = frozenset({401, 403})
SERVER_ERROR: Final = 500

# First match wins; texts are browser-use's and Chromium's own, lower-cased.
_REASONS: Final = (
    ("policy_blocked", ("security policy", "non-allowed", "disallowed", "not allowed", "err_blocked_by")),
    ("captcha", ("captcha",)),
    ("llm_error", ("llm call timed out",)),
    (
        "llm_invalid_output",
        ("could not parse", "failed to parse", "validation error", "invalid json", "no model output"),
    ),
    ("browser_unresponsive", ("unresponsive", "did not respond", "cdp request")),
    (
        "browser_crash",
        (
            "crashed",
            "websocket",
            "connection closed",
            "connection error",
            "browser closed",
            "browser has been closed",
            "browser is dead",
        ),
    ),
    ("navigation", ("navigation failed", "net::err", "site unavailable", "err_name_not_resolved")),
    ("page_timeout", ("timed out", "timeout")),
    ("navigation", ("navigate",)),
    ("element", ("element", "index", "not found", "dropdown", "click", "selector")),
)
_MODEL_REASONS: Final = {
    "rate_limit": "llm_rate_limit",
    "auth": "auth",
    "invalid_output": "llm_invalid_output",
}


def reason_of_text(text: str) -> str:
    """Failure reason for an error text of browser-use, `unknown` when nothing is recognised."""
    lowered = text.lower()
    for reason, marks in _REASONS:
        if any(mark in lowered for mark in marks):
            return reason
    return "unknown"


def reason_of(error: BaseException) -> str:
    """Failure reason for an exception that ended a step or a run."""
    if _is_model_error(error):
        return _MODEL_REASONS.get(model_error(error), "llm_error")
    if isinstance(error, asyncio.CancelledError):
        return "none"
    if isinstance(error, ConnectionError):
        return "browser_crash"
    if type(error).__name__ == "ValidationError":
        return "llm_invalid_output"
    found = reason_of_text(str(error))
    return "page_timeout" if found == "unknown" and isinstance(error, TimeoutError) else found


def model_error(error: BaseException) -> str:
    """`error.type` of a model call, from the closed set."""
    name = type(error).__name__
    status = getattr(error, "status_code", None)
    text = str(error).lower()
    if isinstance(error, asyncio.CancelledError):
        return "cancelled"
    if status == TOO_MANY_REQUESTS or "RateLimit" in name:
        return "rate_limit"
    if status in AUTH_STATUS:
        return "auth"
    if name in ("ValidationError", "ModelOutputTruncatedError") or reason_of_text(text) == "llm_invalid_output":
        return "invalid_output"
    if isinstance(error, TimeoutError) or "timed out" in text or "timeout" in name.lower():
        return "timeout"
    if isinstance(error, ConnectionError) or "connect" in text:
        return "connection"
    return "server" if isinstance(status, int) and status >= SERVER_ERROR else "other"


def _is_model_error(error: BaseException) -> bool:
    return any(base.__name__ == "ModelError" for base in type(error).__mro__)


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What is known when a run has ended."""

    error: BaseException | None = None
    is_done: bool = False
    success: bool | None = None
    judge_verdict: bool | None = None
    captcha: bool = False
    stopped: bool = False
    out_of_steps: bool = False
    out_of_failures: bool = False
    looping: bool = False
    browser_lost: bool = False
    last_reason: str = "unknown"
    """Reason of the last failed step, action or model call."""


def run_outcome(facts: RunFacts) -> tuple[str, str]:
    """Outcome and failure reason of a run, both from the closed sets."""
    if isinstance(facts.error, asyncio.CancelledError | KeyboardInterrupt):
        return "cancelled", "none"
    if facts.is_done:
        return _of_finished(facts)
    if facts.browser_lost:
        return "error", "browser_crash"
    if facts.error is not None:
        found = reason_of(facts.error)
        return ("timeout", "timeout") if isinstance(facts.error, TimeoutError) else ("error", found)
    if facts.out_of_failures:
        return "error", "max_failures" if facts.last_reason == "unknown" else facts.last_reason
    if facts.out_of_steps:
        return "max_steps", "loop" if facts.looping else "max_steps"
    if facts.stopped:
        return "cancelled", "none"
    return "error", facts.last_reason


def _of_finished(facts: RunFacts) -> tuple[str, str]:
    if facts.captcha and not (facts.success and facts.judge_verdict is not False):
        return "failure", "captcha"
    if not facts.success:
        # browser-use lets the model only give up at the last step.
        given_up = facts.out_of_steps and facts.last_reason == "unknown"
        return "failure", "max_steps" if given_up else facts.last_reason
    return ("failure", "judge") if facts.judge_verdict is False else ("success", "none")
