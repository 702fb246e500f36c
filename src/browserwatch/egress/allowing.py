"""The items of BROWSERWATCH_EGRESS_ALLOW: where agents may go although it is not public."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, NamedTuple, TypeAlias

from browserwatch.egress.addresses import IPAddress, unmapped
from browserwatch.egress.hosts import MAX_PORT, parse_host
from browserwatch.errors import ConfigurationError

VARIABLE: Final = "BROWSERWATCH_EGRESS_ALLOW"
FORMS: Final = "app.internal, app.internal:8080, *.internal, 10.1.2.3, 10.0.0.0/8, fd00::1, [fd00::1]:8080"
_WILD: Final = "*."
_BRACKETED: Final = re.compile(r"\[([^\]]*)\](?::(.*))?")

Network: TypeAlias = IPv4Network | IPv6Network


class Allowed(NamedTuple):
    """One item. `what` is a host name, `.domain` for all names below a domain, an address or a network."""

    what: str | IPAddress | Network
    port: int | None

    def admits(self, host: str, port: int, address: IPAddress) -> bool:
        """Whether a host that was found at an address may be visited."""
        if self.port not in (None, port):
            return False
        if isinstance(self.what, (IPv4Network, IPv6Network)):
            return unmapped(address) in self.what
        if isinstance(self.what, str) and self.what.startswith("."):
            return host.endswith(self.what)
        return self.names(host, port, address)

    def names(self, host: str, port: int, address: IPAddress) -> bool:
        """The same, for items that name exactly this host or this address."""
        return self.port in (None, port) and self.what in (host, unmapped(address))


def parse_item(item: str) -> Allowed:
    """One item of the variable.

    Raises:
        ConfigurationError: it can't be understood.
    """
    text, port = _split_port(item)
    try:
        return Allowed(_parse(text), _parse_port(port))
    except ValueError:
        # From None: the reasons of `ipaddress` and `int` name neither the item nor the fix.
        raise ConfigurationError(f"{VARIABLE}: {item!r} can't be used; items look like: {FORMS}") from None


def _split_port(item: str) -> tuple[str, str | None]:
    if (bracketed := _BRACKETED.fullmatch(item)) and ":" in bracketed[1]:
        return bracketed[1], bracketed[2]
    head, colon, tail = item.rpartition(":")
    # Two colons and no brackets: an IPv6 address.
    return (head, tail) if colon and ":" not in head else (item, None)


def _parse_port(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= MAX_PORT):
        raise ValueError(text)
    return int(text)


def _parse(text: str) -> str | IPAddress | Network:
    if "/" in text:
        return ip_network(text)
    if ":" in text:
        if "%" in text:
            raise ValueError(text)
        return unmapped(IPv6Address(text))
    wild = text.startswith(_WILD)
    host = parse_host(text.removeprefix(_WILD))
    if isinstance(host, str) and "*" not in host:
        return ("." if wild else "") + host.removesuffix(".")
    # Written as `0x7f.1`, it is more likely a slip than meant.
    return ip_address(text)
