"""Refuses every connection but to this machine, and notes where it was to go: some peers fetch or report something."""

from __future__ import annotations

import socket
from collections import Counter
from ipaddress import ip_address
from typing import Any, Final

REFUSED: Final[Counter[str]] = Counter()
"""Hosts that were asked for, and how often."""


def guard() -> None:
    """Refuse from now on, in this process. What doesn't use Python's sockets (gRPC) isn't seen; no arm here uses it."""
    look_up, connect = socket.getaddrinfo, socket.socket.connect

    def guarded_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse_unless_here(host)
        return look_up(host, *args, **kwargs)

    def guarded_connect(self: socket.socket, address: Any) -> None:
        if self.family in {socket.AF_INET, socket.AF_INET6}:
            _refuse_unless_here(address[0])
        connect(self, address)

    socket.getaddrinfo = guarded_look_up
    socket.socket.connect = guarded_connect  # pyright: ignore[reportAttributeAccessIssue]  # it is Python's class


def _refuse_unless_here(host: Any) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if not _is_here(name):
        REFUSED[name] += 1
        raise socket.gaierror(socket.EAI_NONAME, "The benchmark talks to this machine only.")


def _is_here(host: str | None) -> bool:
    try:
        return host in {None, "", "localhost"} or ip_address(str(host)).is_loopback
    except ValueError:
        return False
