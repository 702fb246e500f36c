"""Which IP addresses are public, and which belong to the metadata services of clouds. Pure, and the same on any Python.

Tables of our own and not `ipaddress`'s `is_private` and `is_global`: those differ between Python's patch releases, and
call NAT64 and site-local addresses public. Sources: https://www.iana.org/assignments/iana-ipv4-special-registry and
https://www.iana.org/assignments/iana-ipv6-special-registry.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeAlias

IPAddress: TypeAlias = IPv4Address | IPv6Address

# What hands out the credentials of the machine to whoever asks from it.
METADATA_HOSTS: Final = frozenset({"metadata.google.internal", "metadata.goog", "instance-data.ec2.internal"})
METADATA_ADDRESSES: Final[frozenset[IPAddress]] = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # AWS, Google, Azure, OpenStack, DigitalOcean, Oracle …
        "fd00:ec2::254",  # AWS
        "fd20:ce::254",  # Google
        "fe80::a9fe:a9fe",  # OpenStack
        "169.254.170.2",  # AWS, containers of ECS
        "169.254.170.23",  # AWS, pods of EKS
        "fd00:ec2::23",  # likewise
        "100.100.100.200",  # Alibaba
        "168.63.129.16",  # Azure; a public address by its number
        "192.0.0.192",  # Oracle
        "169.254.0.23",  # Tencent
    )
)

NOT_PUBLIC_V4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network; 0.0.0.0 is this machine on Linux
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)

# All that is public so far. Outside of it: loopback, unique-local, link-local, site-local, multicast, discard, reserved.
PUBLIC_V6: Final = IPv6Network("2000::/3")
NOT_PUBLIC_V6: Final = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments: Teredo (an IPv4 address in it), ORCHID, benchmarking
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4 (an IPv4 address in it)
        "3fff::/20",  # documentation
    )
)
# The well-known prefix of NAT64: how networks without IPv4 reach the public one. Who may is the IPv4 address in it.
NAT64: Final = IPv6Network("64:ff9b::/96")
COMPATIBLE: Final = IPv6Network("::/96")


def unmapped(address: IPAddress) -> IPAddress:
    """The IPv4 address that an IPv4-mapped IPv6 address is another spelling of; any other address as it is."""
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def is_public(address: IPAddress) -> bool:
    """Whether anybody on the internet may be there, and nobody else."""
    address = unmapped(address)
    if isinstance(address, IPv6Address) and address in NAT64:
        address = _last_32_bits(address)
    if isinstance(address, IPv4Address):
        return not any(address in network for network in NOT_PUBLIC_V4)
    return address in PUBLIC_V6 and not any(address in network for network in NOT_PUBLIC_V6)


def is_metadata(address: IPAddress) -> bool:
    """Whether a cloud's metadata service answers there, also when its address is packed into one of IPv6."""
    # Without the zone that getaddrinfo adds to a link-local address.
    plain = IPv6Address(int(address)) if isinstance(address, IPv6Address) else address
    return not METADATA_ADDRESSES.isdisjoint((plain, *_embedded(plain)))


def _embedded(address: IPAddress) -> tuple[IPAddress, ...]:
    if isinstance(address, IPv4Address):
        return ()
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in NAT64 or address in COMPATIBLE:
        found.append(_last_32_bits(address))
    return tuple(item for item in found if item is not None)


def _last_32_bits(address: IPv6Address) -> IPv4Address:
    return IPv4Address(int(address) & 0xFFFF_FFFF)
