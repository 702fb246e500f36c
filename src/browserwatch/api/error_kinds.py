"""Which error becomes which problem. An error that stands in no table is the service's own fault: status 500.

Choices that another might make differently: a stored session that can't be read is a conflict (409) with the state of a
resource that its owner can delete; a page that is too large is a bad answer from upstream (502), not a large request (413).
"""

from __future__ import annotations

from typing import Final

from browserwatch.agents import errors as agents
from browserwatch.api.problems import INTERNAL, Kind
from browserwatch.errors import BrowserwatchError, ConfigurationError
from browserwatch.runs import errors as runs
from browserwatch.sessions import errors as sessions


class SessionNotFoundError(BrowserwatchError):
    """The tenant has no such session."""


SOON: Final = 1.0
LATER: Final = 5.0

INVALID: Final = Kind("invalid-request", 422, "The request can't be used")
DRAINING: Final = Kind("draining", 503, "The service is shutting down", retry_after=LATER)
_UNREADABLE: Final = Kind("session-unreadable", 409, "The stored session can't be read")
_NO_AGENT: Final = Kind(
    "agent-lost", 503, "The agent was lost", "the agent or its browser died or hung; it is being replaced", SOON
)

KINDS: Final[dict[type[Exception], Kind]] = {
    runs.InvalidRequestError: INVALID,
    ConfigurationError: Kind(
        "misconfigured", 503, "The service is not set up for this", "the service's log says what is missing"
    ),
    runs.RunNotFoundError: Kind("run-not-found", 404, "No such run", "there is no run of this id"),
    runs.IdempotencyConflictError: Kind("idempotency-conflict", 422, "The idempotency key belongs to another request"),
    SessionNotFoundError: Kind("session-not-found", 404, "No such session", "there is no session of this name"),
    agents.PoolFullError: Kind("pool-full", 429, "Too many callers wait for an agent"),
    agents.AcquireTimeoutError: Kind("no-agent", 503, "No agent became free in time", retry_after=LATER),
    agents.PoolDrainingError: DRAINING,
    agents.AgentLostError: _NO_AGENT,
    agents.AgentStartError: Kind("agent-start", 503, "No agent could be started", "/health/browser says why", LATER),
    agents.CommandFailedError: Kind("agent-failed", 502, "The agent could not do it"),
    sessions.InvalidNameError: Kind(
        "invalid-name",
        422,
        "The name can't be used",
        "names have 1 to 64 letters, digits and . _ @ -, and begin with a letter or digit",
    ),
    sessions.SessionBusyError: Kind("session-busy", 409, "The session is in use"),
    sessions.SessionConflictError: Kind("session-conflict", 409, "The session was taken or deleted meanwhile"),
    sessions.SessionUndecryptableError: _UNREADABLE,
    sessions.SessionVersionError: _UNREADABLE,
    sessions.SessionTooLargeError: Kind("session-too-large", 409, "The session is too large"),
    sessions.StoreUnavailableError: Kind(
        "store-unavailable", 503, "Redis does not answer", "sessions and runs can't be reached now; try again", LATER
    ),
}
REJECTIONS: Final[dict[str, Kind]] = {
    "queue_full": Kind("queue-full", 429, "The queue is full"),
    "quota": Kind("quota", 429, "You have as many runs as you may"),
    "budget": Kind("budget", 429, "The budget is used up"),
    "draining": DRAINING,
}
_PAGE_FAILED: Final = Kind("page-failed", 502, "The page could not be fetched")
PAGE_FAILURES: Final[dict[str, Kind]] = {
    "blocked": Kind("page-blocked", 403, "The policy does not allow this page"),
    "timeout": Kind("page-timeout", 504, "The page did not load in time"),
    "too_large": Kind("page-too-large", 502, "The page's content is too large"),
}
# Python's own phrases change with its version, and types may not.
_HTTP: Final[dict[int, Kind]] = {
    400: Kind("bad-request", 400, "The request can't be understood"),
    404: Kind("not-found", 404, "There is nothing here"),
    405: Kind("method-not-allowed", 405, "This can't be done here"),
    413: Kind("body-too-large", 413, "The body is too large"),
}


def http_kind(status: int) -> Kind:
    """The kind of problem that a bare status is, as the framework raises it."""
    return _HTTP.get(status) or Kind(f"http-{status}", status, "The request was refused")


def kind_of(error: Exception) -> Kind:
    """The kind of problem that an error is."""
    if isinstance(error, runs.RejectedError):
        return REJECTIONS.get(error.reason, REJECTIONS["quota"])
    if isinstance(error, runs.PageFailedError):
        return PAGE_FAILURES.get(error.outcome, _PAGE_FAILED)
    return next((KINDS[kind] for kind in type(error).__mro__ if kind in KINDS), INTERNAL)
