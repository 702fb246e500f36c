"""Ids of runs: they sort by creation, and nobody can guess one."""

from __future__ import annotations

import re
import secrets
import time
from typing import Final

_TIME_DIGITS: Final = 14
_RANDOM_BYTES: Final = 9
_ID = re.compile(rf"[0-9a-f]{{{_TIME_DIGITS + 2 * _RANDOM_BYTES}}}", re.ASCII)


class Ids:
    """Makes ids, each greater than the one before it."""

    def __init__(self) -> None:
        self._last = 0

    def new(self) -> str:
        """An id for a run that is created now."""
        self._last = max(_microseconds(time.time()), self._last + 1)
        return f"{self._last:0{_TIME_DIGITS}x}{secrets.token_hex(_RANDOM_BYTES)}"


def oldest_id(seconds: float) -> str:
    """What is less than all ids of that time (seconds since 1970) or later."""
    return f"{max(0, _microseconds(seconds)):0{_TIME_DIGITS}x}"


def is_id(text: str) -> bool:
    """Whether this may be an id, and so a part of a key."""
    return _ID.fullmatch(text) is not None


def _microseconds(seconds: float) -> int:
    return round(seconds * 1_000_000)
