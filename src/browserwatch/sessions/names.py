"""Names that people make up, checked before they become part of a key."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from browserwatch.sessions.errors import InvalidNameError

MAX_LENGTH: Final = 64
# No colon or brace: they are the structure of Redis keys. The first character keeps `.` and `..` out of URLs.
_ALLOWED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]*", re.ASCII)


def check_name(kind: str, value: str) -> str:
    """The value, if it may be a name of this kind.

    Raises:
        InvalidNameError: it may not.
    """
    if len(value) <= MAX_LENGTH and _ALLOWED.fullmatch(value):
        return value
    shown = repr(value[:MAX_LENGTH]) + ("…" if len(value) > MAX_LENGTH else "")
    raise InvalidNameError(
        f"{kind} name {shown} can't be used: 1 to {MAX_LENGTH} letters, digits and . _ @ -, beginning with a letter or digit"
    )


class SessionId(msgspec.Struct, frozen=True):
    """Whose session, and which. One that exists has good names."""

    tenant: str
    name: str

    def __post_init__(self) -> None:
        check_name("tenant", self.tenant)
        check_name("session", self.name)

    def __str__(self) -> str:
        return f"{self.tenant}/{self.name}"
