import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from browserwatch.instrumentation.outcomes import RunFacts, model_error, reason_of, reason_of_text, run_outcome
from browserwatch.semantics import FAILURE_REASONS, MODEL_ERRORS, RUN_OUTCOMES


class ModelError(Exception):
    """Like browser-use's: classes are told by their names, so that browser-use need not be imported."""


class ModelProviderError(ModelError):
    """Like browser-use's."""

    def __init__(self, message: str, status_code: int = 502) -> None:
        super().__init__(message)
        self.status_code = status_code


class ModelRateLimitError(ModelProviderError):
    """Like browser-use's."""

    def __init__(self, message: str, status_code: int = 429) -> None:
        super().__init__(message, status_code)


class ModelOutputTruncatedError(ModelProviderError):
    """Like browser-use's."""

    def __init__(self, message: str) -> None:
        super().__init__(message, 400)


class ValidationError(ValueError):
    """Like pydantic's."""


class APITimeoutError(Exception):
    """Like the OpenAI client's."""


class APIConnectionError(Exception):
    """Like the OpenAI client's."""


class ServiceError(Exception):
    """Like some provider's: an error with a status."""

    def __init__(self, status_code: Any) -> None:
        super().__init__("no luck")
        self.status_code = status_code


# --- runs --------------------------------------------------------------------------------------------------------------
OK = ("success", "none")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        # It finished.
        (RunFacts(is_done=True, success=True), OK),
        (RunFacts(is_done=True, success=True, judge_verdict=True), OK),
        (RunFacts(is_done=True, success=True, last_reason="element"), OK),
        (RunFacts(is_done=True, success=True, out_of_steps=True, out_of_failures=True, stopped=True), OK),
        (RunFacts(is_done=True, success=True, browser_lost=True), OK),
        (RunFacts(is_done=True, success=True, captcha=True), OK),
        (RunFacts(is_done=True, success=True, error=RuntimeError("in a callback")), OK),
        (RunFacts(is_done=True, success=True, judge_verdict=False), ("failure", "judge")),
        (RunFacts(is_done=True, success=True, judge_verdict=False, captcha=True), ("failure", "captcha")),
        # It gave up.
        (RunFacts(is_done=True, success=False), ("failure", "unknown")),
        (RunFacts(is_done=True, success=None), ("failure", "unknown")),
        (RunFacts(is_done=True, success=False, last_reason="navigation"), ("failure", "navigation")),
        (RunFacts(is_done=True, success=False, captcha=True, last_reason="element"), ("failure", "captcha")),
        (RunFacts(is_done=True, success=False, out_of_steps=True), ("failure", "max_steps")),
        (RunFacts(is_done=True, success=False, out_of_steps=True, last_reason="element"), ("failure", "element")),
        (RunFacts(is_done=True, success=False, judge_verdict=False), ("failure", "unknown")),
        # It never came to an end.
        (RunFacts(), ("error", "unknown")),
        (RunFacts(last_reason="llm_error"), ("error", "llm_error")),
        (RunFacts(out_of_steps=True), ("max_steps", "max_steps")),
        (RunFacts(out_of_steps=True, looping=True), ("max_steps", "loop")),
        (RunFacts(looping=True), ("error", "unknown")),
        (RunFacts(out_of_failures=True), ("error", "max_failures")),
        (RunFacts(out_of_failures=True, last_reason="auth"), ("error", "auth")),
        (RunFacts(out_of_failures=True, out_of_steps=True, last_reason="auth"), ("error", "auth")),
        (RunFacts(stopped=True), ("cancelled", "none")),
        (RunFacts(stopped=True, last_reason="element"), ("cancelled", "none")),
        (RunFacts(stopped=True, browser_lost=True), ("error", "browser_crash")),
        (RunFacts(browser_lost=True, out_of_failures=True, last_reason="element"), ("error", "browser_crash")),
        # It raised.
        (RunFacts(error=asyncio.CancelledError()), ("cancelled", "none")),
        (RunFacts(error=asyncio.CancelledError(), is_done=True, success=True), ("cancelled", "none")),
        (RunFacts(error=asyncio.CancelledError(), browser_lost=True), ("cancelled", "none")),
        (RunFacts(error=KeyboardInterrupt()), ("cancelled", "none")),
        (RunFacts(error=TimeoutError()), ("timeout", "timeout")),
        (RunFacts(error=RuntimeError("no idea")), ("error", "unknown")),
        (RunFacts(error=ModelRateLimitError("slow down")), ("error", "llm_rate_limit")),
        (RunFacts(error=ConnectionResetError("reset")), ("error", "browser_crash")),
        (RunFacts(error=RuntimeError("x"), browser_lost=True), ("error", "browser_crash")),
        (RunFacts(error=RuntimeError("x"), stopped=True, last_reason="element"), ("error", "unknown")),
    ],
)
def test_run_outcome(facts: RunFacts, expected: tuple[str, str]) -> None:
    """What a run came to follows from its facts, the strongest first."""
    assert run_outcome(facts) == expected


TEXTS = st.text(max_size=30) | st.sampled_from(("Element 3 not found", "timed out", "captcha", "net::ERR_FAILED"))
STATUSES = st.integers(100, 599)
ERRORS: st.SearchStrategy[BaseException] = st.one_of(
    st.builds(RuntimeError, TEXTS),
    st.builds(TimeoutError, TEXTS),
    st.builds(ConnectionError, TEXTS),
    st.builds(ValidationError, TEXTS),
    st.builds(ModelProviderError, TEXTS, STATUSES),
    st.builds(ModelRateLimitError, TEXTS),
    st.builds(ModelOutputTruncatedError, TEXTS),
    st.builds(ServiceError, st.none() | st.text() | STATUSES),
    st.builds(asyncio.CancelledError),
    st.builds(KeyboardInterrupt),
    st.builds(SystemExit),
)
FAILED = [reason for reason in FAILURE_REASONS if reason != "none"]
MAYBE = st.none() | st.booleans()
FACTS = st.builds(
    RunFacts,
    error=st.none() | ERRORS,
    is_done=st.booleans(),
    success=MAYBE,
    judge_verdict=MAYBE,
    captcha=st.booleans(),
    stopped=st.booleans(),
    out_of_steps=st.booleans(),
    out_of_failures=st.booleans(),
    looping=st.booleans(),
    browser_lost=st.booleans(),
    last_reason=st.sampled_from(FAILED),
)


@given(FACTS)
def test_run_outcome_is_closed(facts: RunFacts) -> None:
    """Whatever happened, both words are from the closed sets, and there is a reason exactly when it went wrong."""
    outcome, reason = run_outcome(facts)
    assert outcome in RUN_OUTCOMES
    assert reason in FAILURE_REASONS
    assert (reason == "none") == (outcome in ("success", "cancelled"))
    if outcome == "success":
        assert facts.is_done
        assert facts.success


@given(ERRORS)
def test_reasons_are_closed(error: BaseException) -> None:
    """Whatever was raised, its reason and its type are from the closed sets."""
    assert reason_of(error) in FAILURE_REASONS
    assert reason_of_text(str(error)) in FAILURE_REASONS
    assert model_error(error) in MODEL_ERRORS


# --- texts -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        # browser_use/browser/watchdogs/security_watchdog.py
        ("Navigation to https://evil.example/ blocked by security policy", "policy_blocked"),
        ("Navigation blocked to disallowed URL: https://evil.example/", "policy_blocked"),
        ("Navigation blocked to non-allowed URL: https://evil.example/ - redirecting to about:blank", "policy_blocked"),
        ("Tab created with non-allowed URL: https://evil.example/", "policy_blocked"),
        # browser_use/agent
        ("Waited 30.0s for cloudflare CAPTCHA to be solved. Result: failed.", "captcha"),
        ("LLM call timed out after 60 seconds. Keep your thinking and output short.", "llm_error"),
        ("Could not parse response. Expecting value: line 1 column 1 (char 0)", "llm_invalid_output"),
        ("Invalid model output format. […]\nDetails: 1 validation error for AgentOutput", "llm_invalid_output"),
        ("No model output to execute actions from", "llm_invalid_output"),
        # browser_use/browser
        ("CDP requests failed or timed out: dom_tree", "browser_unresponsive"),
        ("Navigation failed: net::ERR_NAME_NOT_RESOLVED", "navigation"),
        ("Navigation failed - site unavailable: https://shop.example/", "navigation"),
        ("net::ERR_BLOCKED_BY_CLIENT at https://ads.example/", "policy_blocked"),
        ("Target crashed", "browser_crash"),
        ("Browser closed or disconnected", "browser_crash"),
        ("no close frame received or sent: WebSocket connection closed", "browser_crash"),
        ("Browser did not start within 30 seconds: timeout", "page_timeout"),
        ("Page.navigate() timed out after 20.0s (20012ms) for https://shop.example/", "page_timeout"),
        ("Error executing action navigate due to timeout.", "page_timeout"),
        (
            "Browser connection error: CDP client not initialized - browser may not be connected yet",
            "browser_crash",
        ),
        # browser_use/tools/service.py
        ("Element index 7 not available - page may have changed. Try refreshing browser state.", "element"),
        ("Element with index 7 does not exist.", "element"),
        ("Failed to click element 7: Failed to click element: no box model", "element"),
        ("Failed to type text into element 7: detached", "element"),
        ("Text 'Buy now' not found or not visible on page", "element"),
        ("Failed to get dropdown options - no data returned", "element"),
        ("Error executing action click due to timeout.", "page_timeout"),
        (
            "Action click timed out after 60s. The browser may be unresponsive (dead CDP WebSocket).",
            "browser_unresponsive",
        ),
        # Nothing is known of these, and nothing is guessed.
        ("Failed to execute scroll action.", "unknown"),
        ("File report.pdf does not exist", "unknown"),
        ("Unsupported search engine: yahoo. Options: duckduckgo, google, bing", "unknown"),
        ("", "unknown"),
    ],
)
def test_reason_of_text(text: str, reason: str) -> None:
    """browser-use's own error texts, in whatever case, have the reason that they tell of."""
    assert reason_of_text(text) == reason
    assert reason_of_text(text.upper()) == reason


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ModelRateLimitError("slow down"), "llm_rate_limit"),
        (ModelProviderError("denied", 401), "auth"),
        (ModelProviderError("Could not parse response"), "llm_invalid_output"),
        (ModelProviderError("Element not found in response", 500), "llm_error"),
        (ModelProviderError("Request timed out", 504), "llm_error"),
        (ModelOutputTruncatedError("cut"), "llm_invalid_output"),
        (asyncio.CancelledError(), "none"),
        (ConnectionRefusedError("refused"), "browser_crash"),
        (ValidationError("1 validation error"), "llm_invalid_output"),
        (TimeoutError(), "page_timeout"),
        (TimeoutError("CDP requests failed or timed out"), "browser_unresponsive"),
        (RuntimeError("Navigation failed: net::ERR_FAILED"), "navigation"),
        (RuntimeError("no idea"), "unknown"),
    ],
)
def test_reason_of(error: BaseException, reason: str) -> None:
    """An error's class says more than its text; the text of a model's error is not one of browser-use's."""
    assert reason_of(error) == reason


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (asyncio.CancelledError(), "cancelled"),
        (ModelRateLimitError("slow down", 429), "rate_limit"),
        (ModelRateLimitError("slow down", 503), "rate_limit"),
        (ServiceError(429), "rate_limit"),
        (ServiceError(401), "auth"),
        (ServiceError(403), "auth"),
        (ModelOutputTruncatedError("cut at the limit"), "invalid_output"),
        (ValidationError("1 validation error"), "invalid_output"),
        (ModelProviderError("Failed to parse structured output"), "invalid_output"),
        (TimeoutError(), "timeout"),
        (APITimeoutError("Request"), "timeout"),
        (ModelProviderError("Request timed out."), "timeout"),
        (ConnectionError("reset"), "connection"),
        (ModelProviderError("Connection error."), "connection"),
        (APIConnectionError("Could not connect"), "connection"),
        (ServiceError(500), "server"),
        (ServiceError(529), "server"),
        (ModelProviderError("Overloaded", 503), "server"),
        (ServiceError(400), "other"),
        (ServiceError("503"), "other"),
        (ServiceError(None), "other"),
        (RuntimeError("no idea"), "other"),
    ],
)
def test_model_error(error: BaseException, kind: str) -> None:
    """The `error.type` of a model call: status and class first, then its text."""
    assert model_error(error) == kind
