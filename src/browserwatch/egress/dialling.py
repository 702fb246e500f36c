"""Connecting to a host: looked up once, every address checked, and connected to one of those very addresses.

So a name can't be checked as one address and visited as another (DNS rebinding).
"""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import ip_address
from typing import Final, TypeAlias

from browserwatch.egress.addresses import IPAddress
from browserwatch.egress.policy import EgressPolicy
from browserwatch.egress.resolving import Resolve
from browserwatch.errors import BrowserwatchError

# So that a name with many dead addresses holds no connection for minutes.
MAX_TRIES: Final = 6
Streams: TypeAlias = tuple[StreamReader, StreamWriter]
Connect: TypeAlias = Callable[[IPAddress, int], Awaitable[Streams]]


class BlockedError(BrowserwatchError):
    """The policy forbids the host.

    Attributes:
        rule: which rule of `semantics.POLICY_RULES`.
    """

    def __init__(self, rule: str) -> None:
        super().__init__(f"blocked by the egress policy: {rule}")
        self.rule = rule


class UnreachableError(BrowserwatchError):
    """The host has no address, or none of its addresses that are allowed answers."""


async def connect_tcp(address: IPAddress, port: int) -> Streams:
    """A TCP connection; `address` is never looked up."""
    return await asyncio.open_connection(str(address), port)


class Dialler:
    """Makes the proxy's connections, and is the only part of it that does.

    Args:
        policy: decides about every address.
        resolve: looks names up.
        connect: connects to an address.
        seconds: how long looking up may take, and connecting to each address.
    """

    def __init__(self, policy: EgressPolicy, resolve: Resolve, connect: Connect, seconds: float) -> None:
        self._policy = policy
        self._resolve = resolve
        self._connect = connect
        self._seconds = seconds

    async def dial(self, host: str, port: int) -> Streams:
        """A connection to the first allowed address of a host that answers.

        Raises:
            BlockedError: the host has addresses, and none may be visited.
            UnreachableError: no address, or no answer.
        """
        addresses = await self._look_up(host, port)
        rules = [self._policy.check_address(host, port, address) for address in addresses]
        allowed = [address for address, rule in zip(addresses, rules, strict=True) if rule is None]
        if not allowed:
            raise BlockedError(next(rule for rule in rules if rule is not None))
        for address in allowed[:MAX_TRIES]:
            try:
                async with asyncio.timeout(self._seconds):
                    return await self._connect(address, port)
            except OSError:  # TimeoutError is one, too
                continue
        raise UnreachableError("no connection to any of its addresses")

    async def _look_up(self, host: str, port: int) -> Sequence[IPAddress]:
        try:
            return [ip_address(host)]
        except ValueError:
            pass
        try:
            async with asyncio.timeout(self._seconds):
                found = await self._resolve(host, port)
        except OSError:
            found = ()
        if not found:
            raise UnreachableError("the name has no address")
        return found
