"""What the pool and its agents raise. Messages have numbers and names of ours; never a task, a URL or a page's text."""

from __future__ import annotations

from typing import Literal, TypeAlias

from browserwatch.errors import BrowserwatchError

Loss: TypeAlias = Literal["crash", "unresponsive"]


class PoolError(BrowserwatchError):
    """Root of what the pool raises."""


class AcquireTimeoutError(PoolError):
    """No agent became free in time; the message has the pool's state."""


class PoolFullError(PoolError):
    """As many callers wait as may; the message has the pool's state.

    Attributes:
        retry_after: seconds after which it may be worth to ask again.
    """

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class PoolDrainingError(PoolError):
    """The service is shutting down and lends no more agents."""


class AgentError(BrowserwatchError):
    """Root of what a command to an agent raises."""


class AgentLostError(AgentError):
    """The agent process or its browser died, or no longer answers; it will be replaced.

    Attributes:
        kind: `crash`: it is gone; `unresponsive`: it was ended because it did not answer.
    """

    def __init__(self, message: str, kind: Loss) -> None:
        super().__init__(message)
        self.kind: Loss = kind


class AgentStartError(AgentError):
    """An agent process did not become ready: no Chromium, no browser-use, or too slow; the message says which."""


class CommandFailedError(AgentError):
    """The agent is well and could not do what was asked.

    Attributes:
        reason: from `semantics.FAILURE_REASONS` or `semantics.FETCH_OUTCOMES`.
    """

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason
