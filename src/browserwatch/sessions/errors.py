"""What can go wrong with a session. Messages name the session and the number, never a value in it."""

from __future__ import annotations

from typing import Literal, TypeAlias

from browserwatch.errors import BrowserwatchError

Reason: TypeAlias = Literal["unknown_key", "tampered", "truncated", "malformed"]


class SessionError(BrowserwatchError):
    """Root of what the session store and its parts raise."""


class InvalidNameError(SessionError):
    """A tenant's or session's name has characters or a length that it may not have."""


class SessionUndecryptableError(SessionError):
    """Stored bytes that can't be read back. They stay where they are: the key may turn up, deleting is a choice.

    Attributes:
        reason: `unknown_key`: none of the ring's keys wrote it; `truncated`: shorter than it says; `tampered`: changed,
            or moved here from another session; `malformed`: authentic, but not what a snapshot looks like.
    """

    def __init__(self, message: str, reason: Reason) -> None:
        super().__init__(message)
        self.reason: Reason = reason


class SessionVersionError(SessionError):
    """Written by a newer browserwatch, in a form that this one does not know."""

    def __init__(self, found: int, known: int) -> None:
        super().__init__(
            f"the session was stored in version {found} of its form, this browserwatch reads up to {known}: upgrade it"
        )
        self.found = found
        self.known = known


class SessionTooLargeError(SessionError):
    """A session above the size limit, which is not stored or not unpacked."""

    def __init__(self, size: int, limit: int, *, at_least: bool = False) -> None:
        super().__init__(
            f"the session has {'more than ' if at_least else ''}{size:,} bytes, the limit is {limit:,}: "
            "delete it and log in again, or raise the limit"
        )
        self.size = size
        self.limit = limit


class SessionConflictError(SessionError):
    """Somebody else writes this session, or it was deleted; what this writer has is stale."""


class SessionBusyError(SessionConflictError):
    """The session is leased to somebody else.

    Attributes:
        retry_after: seconds until that lease runs out, if its holder does not renew it.
    """

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StoreUnavailableError(SessionError):
    """Redis can't be reached, does not answer in time or refuses; the session is neither lost nor changed."""


class EmbeddedRedisError(BrowserwatchError):
    """The private redis-server can't be started."""
