"""What a DevTools connection raises. Messages have methods and times; never what was sent or answered."""

from __future__ import annotations

from browserwatch.errors import BrowserwatchError


class DevToolsError(BrowserwatchError):
    """Root of what the DevTools client raises."""


class DevToolsClosedError(DevToolsError):
    """The connection is gone: the browser ended, or was ended."""


class DevToolsTimeoutError(DevToolsError):
    """The browser, or the tab that was asked, did not answer in time."""


class DevToolsCommandError(DevToolsError):
    """The browser refused a command.

    Attributes:
        method: the command.
        code: the browser's number of the error.
        detail: the browser's sentence; it may quote what was sent, so it is not in the message.
    """

    def __init__(self, method: str, code: int, detail: str) -> None:
        super().__init__(f"The browser refused {method} (error {code}).")
        self.method = method
        self.code = code
        self.detail = detail
