"""What was blocked lately, for those who ask why a page did not load."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

from browserwatch.egress.policy import host_key

MAX_REMEMBERED: Final = 256


class Blocks:
    """The last hosts that were blocked, and by which rule. Any thread may ask."""

    def __init__(self) -> None:
        self._rules: OrderedDict[tuple[str, int], str] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, host: str, port: int, rule: str) -> None:
        """Remember one; the oldest is forgotten."""
        with self._lock:
            self._rules[host_key(host), port] = rule
            self._rules.move_to_end((host_key(host), port))
            if len(self._rules) > MAX_REMEMBERED:
                self._rules.popitem(last=False)

    def remove(self, host: str, port: int) -> None:
        """Forget one: it can be visited now."""
        with self._lock:
            self._rules.pop((host_key(host), port), None)

    def rule(self, host: str, port: int | None = None) -> str | None:
        """The rule that blocked a host at a port, or lately at any."""
        with self._lock:
            found = (
                rule
                for (name, at), rule in reversed(self._rules.items())
                if name == host_key(host) and port in (None, at)
            )
            return next(found, None)
