"""What can be wrong with a wish for a run or a page. The API turns each into one kind of problem."""

from __future__ import annotations

from browserwatch.errors import BrowserwatchError


class RunError(BrowserwatchError):
    """Root of what this room raises."""


class InvalidRequestError(RunError):
    """A field has a value that can't be used.

    Attributes:
        field: its name.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class RunNotFoundError(RunError):
    """The tenant has no such run."""


class RejectedError(RunError):
    """The run is not taken now.

    Attributes:
        reason: from `semantics.REJECT_REASONS`.
        retry_after: seconds after which it may be worth to ask again.
    """

    def __init__(self, message: str, reason: str, retry_after: float) -> None:
        super().__init__(message)
        self.reason = reason
        self.retry_after = retry_after


class IdempotencyConflictError(RunError):
    """The idempotency key was used before, for a request that was not the same."""


class PageFailedError(RunError):
    """A page could not be fetched.

    Attributes:
        outcome: from `semantics.FETCH_OUTCOMES`.
    """

    def __init__(self, message: str, outcome: str) -> None:
        super().__init__(message)
        self.outcome = outcome
