"""The host of a URL as Chromium reads it: the URL standard (https://url.spec.whatwg.org/#host-parsing), not RFC 3986.

A browser takes `http:0x7F.1`, `http://2130706433/` and full-width digits for 127.0.0.1. Pure. `urllib.parse` follows
another standard, and what two parsers read differently is how filters of URLs are passed by.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

import idna

from browserwatch.egress.addresses import IPAddress

PORTS: Final = {"http": 80, "https": 443}
MAX_PORT: Final = 65_535
_CONTROLS_AND_SPACE: Final = "".join(map(chr, range(0x21)))
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_AUTHORITY: Final = re.compile(r"[/\\]*([^/\\?#]*)")
_HOST_AND_PORT: Final = re.compile(r"(\[[^\]]*\]|[^:]*)(?::([0-9]*))?", re.ASCII)
# Names with characters that no host has (a control, a space, `<` …) never leave Chromium.
_NAME: Final = re.compile(r"[a-z0-9_!$&'()+,;=~-]+(?:\.[a-z0-9_!$&'()+,;=~-]+)*\.?", re.ASCII)
_NUMBER: Final = re.compile(r"0x[0-9a-f]*|[0-9]+", re.ASCII)
_IPV4_PARTS: Final = 4
_BYTE: Final = 256


class Target(NamedTuple):
    """Where a URL leads. `host` is a name in lower case and ASCII, or an address."""

    scheme: str
    host: str | IPAddress
    port: int


def scheme_of(url: str) -> str:
    """The scheme in lower case; empty when there is none."""
    found = _SCHEME.match(_stripped(url))
    return found[1].lower() if found else ""


def target_of(url: str) -> Target | None:
    """Where an http or https URL leads; None when Chromium would not load it."""
    text = _stripped(url)
    scheme = scheme_of(text)
    authority = _AUTHORITY.match(text, len(scheme) + 1)
    if scheme not in PORTS or authority is None:
        return None
    found = _HOST_AND_PORT.fullmatch(authority[1].rpartition("@")[2])
    host = parse_host(found[1]) if found else None
    port = int(found[2] or PORTS[scheme]) if found else 0
    return None if host is None or port > MAX_PORT else Target(scheme, host, port)


def parse_host(text: str) -> str | IPAddress | None:
    """A host as it may stand in a URL, to a name or an address; None when it is neither."""
    if text.startswith("["):
        # Chromium knows no zones (`%eth0`) in URLs.
        return None if "%" in text or not text.endswith("]") else _ipv6(text[1:-1])
    name = _ascii_name(text)
    if name is None:
        return None
    labels = name.removesuffix(".").split(".")
    return _ipv4(labels) if _NUMBER.fullmatch(labels[-1]) else name


def _stripped(url: str) -> str:
    return url.strip(_CONTROLS_AND_SPACE).translate({9: None, 10: None, 13: None})


def _ascii_name(text: str) -> str | None:
    try:
        decoded = unquote_to_bytes(text).decode()
        # Maps letters to lower case, full-width ones to plain ones, and drops what is invisible.
        name = idna.uts46_remap(decoded, std3_rules=False)
        if not name.isascii():
            name = ".".join(map(_punycode, name.split(".")))
    except (UnicodeError, idna.IDNAError):
        return None
    return name if _NAME.fullmatch(name) else None


def _punycode(label: str) -> str:
    # Without idna's further checks: Chromium loads names, such as those with emoji, that they refuse.
    return label if label.isascii() else f"xn--{label.encode('punycode').decode()}"


def _ipv6(text: str) -> IPv6Address | None:
    try:
        return IPv6Address(text)
    except ValueError:
        return None


def _ipv4(labels: list[str]) -> IPv4Address | None:
    """Up to four numbers, decimal, octal or hexadecimal; the last one fills all the bytes that are left."""
    if len(labels) > _IPV4_PARTS or not all(map(_NUMBER.fullmatch, labels)):
        return None
    try:
        *first, last = map(_number, labels)
    except ValueError:  # 08
        return None
    if last >= _BYTE ** (_IPV4_PARTS - len(first)) or any(number >= _BYTE for number in first):
        return None
    return IPv4Address(last + sum(number * _BYTE ** (3 - place) for place, number in enumerate(first)))


def _number(label: str) -> int:
    if label.startswith("0x"):
        return int(label[2:] or "0", 16)
    return int(label, 8 if label.startswith("0") and len(label) > 1 else 10)
