"""Where agents may go: to public addresses by http and https, and to what is allowed on top. Pure; decides, does nothing.

`check_url` answers early, from a URL alone, for what is asked of the service. `check_address` is the rule itself: the
proxy asks it about every address before it connects.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import Final

from browserwatch import semantics
from browserwatch.egress.addresses import METADATA_HOSTS, IPAddress, is_metadata, is_public
from browserwatch.egress.allowing import Allowed, parse_item
from browserwatch.egress.hosts import PORTS, scheme_of, target_of

PRIVATE_ADDRESS: Final = "private_address"
METADATA_ADDRESS: Final = "metadata_address"
SCHEME: Final = "scheme"
METADATA: Final = ip_address("169.254.169.254")
LOOPBACK: Final = (ip_address("127.0.0.1"), ip_address("::1"))


class EgressPolicy:
    """What may be visited. Public addresses may, and of others those that an item allows.

    Items that are an address or a network allow it under any name that leads there, now or later.
    """

    def __init__(self, allowed: Iterable[Allowed] = ()) -> None:
        self._allowed = tuple(allowed)

    @classmethod
    def parse(cls, allow: Sequence[str]) -> EgressPolicy:
        """The policy with these items: host, `*.domain` (not itself), address or network, each with or without port.

        Raises:
            ConfigurationError: an item can't be understood.
        """
        return cls(map(parse_item, allow))

    def check_url(self, url: str) -> str | None:
        """The rule, one of `semantics.POLICY_RULES`, that forbids to visit a URL; None: nothing that can be seen from it.

        A name is not looked up here: the proxy does that, and checks what it finds.
        """
        if scheme_of(url) not in PORTS:
            return SCHEME
        target = target_of(url)
        if target is None:
            return semantics.OTHER
        if not isinstance(target.host, str):
            return self.check_address(str(target.host), target.port, target.host)
        name = host_key(target.host)
        if name in METADATA_HOSTS:
            return self.check_address(name, target.port, METADATA)
        if name != "localhost" and not name.endswith(".localhost"):
            return None
        rules = [self.check_address(name, target.port, address) for address in LOOPBACK]
        return None if None in rules else PRIVATE_ADDRESS

    def check_address(self, host: str, port: int, address: IPAddress) -> str | None:
        """The rule that forbids to connect to an address that a host was found at, or None.

        A metadata service is reached only by an item that names exactly its host or address.
        """
        host = host_key(host)
        if host in METADATA_HOSTS or is_metadata(address):
            return None if any(item.names(host, port, address) for item in self._allowed) else METADATA_ADDRESS
        if is_public(address) or any(item.admits(host, port, address) for item in self._allowed):
            return None
        return PRIVATE_ADDRESS


def host_key(host: str) -> str:
    """A host name as it is compared: in lower case, without the dot of an absolute name."""
    return host.lower().removesuffix(".")
