"""What keeps a command from being done: each becomes one `Failed`. Messages are redacted when they are sent."""

from __future__ import annotations

from browserwatch.errors import BrowserwatchError


class CommandError(BrowserwatchError):
    """It could not be done; the browser is well.

    Attributes:
        reason: from `semantics.FAILURE_REASONS` or `semantics.FETCH_OUTCOMES`.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class BrowserLostError(BrowserwatchError):
    """The browser is gone, or does not answer; it has to be made anew.

    Attributes:
        reason: `browser_crash`, `browser_unresponsive`, or `infrastructure` when it did not start.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
