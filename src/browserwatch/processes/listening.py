"""Sockets to serve HTTP on."""

from __future__ import annotations

import socket
from typing import Final

BACKLOG: Final = 2048


def listen(host: str, port: int, family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
    """A listening socket, each of whose connections sends what is written to it at once.

    Otherwise the second part of an answer waits until the client has acknowledged the first, which it puts off for 40 ms.
    asyncio sees to that only where a socket names its protocol, and those of `socket.create_server` do not.

    Raises:
        OSError: the address is not to be had.
    """
    listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # what it accepts inherits it
    return listener
