"""The state that makes a login: cookies, and local storage by origin.

A cookie has the fields that DevTools' `Storage.setCookies` takes back; what `Storage.getCookies` says beyond them is
derived. Protocol: https://chromedevtools.github.io/devtools-protocol/tot/Network/#type-CookieParam
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from browserwatch.sessions.errors import SessionUndecryptableError, SessionVersionError

SCHEMA_VERSION: Final = 1
SESSION_COOKIE: Final = -1.0


class PartitionKey(msgspec.Struct, frozen=True, rename="camel"):
    """The top-level site that a partitioned cookie (CHIPS) belongs to."""

    top_level_site: str
    has_cross_site_ancestor: bool = False


class Cookie(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """One cookie. A domain without a leading dot is that host alone; Chromium keeps the difference."""

    name: str
    value: str
    domain: str
    path: str
    expires: float = SESSION_COOKIE
    """Seconds since 1970, or -1: until the browser ends. Logins are often of the second kind, so they are kept too."""
    http_only: bool = False
    secure: bool = False
    same_site: str | None = None
    priority: str | None = None
    source_scheme: str | None = None
    source_port: int | None = None
    partition_key: PartitionKey | None = None

    def __repr__(self) -> str:
        return f"<Cookie of {self.domain}>"


class Counts(NamedTuple):
    """How much is in a snapshot: all that may be told of it."""

    cookies: int
    origins: int


class Snapshot(msgspec.Struct, frozen=True, rename="camel"):
    """State of a browser at one moment. `local_storage` has only the origins that could be seen: those of open tabs."""

    cookies: tuple[Cookie, ...] = ()
    local_storage: Mapping[str, Mapping[str, str]] = {}

    @classmethod
    def from_devtools(
        cls, cookies: Iterable[Mapping[str, Any]], local_storage: Mapping[str, Mapping[str, str]]
    ) -> Snapshot:
        """A snapshot from the answer of `Storage.getCookies` and local storage by origin.

        Raises:
            msgspec.ValidationError: a field has another type than the protocol says; the message has no values.
        """
        return cls(msgspec.convert(tuple(cookies), tuple[Cookie, ...]), local_storage)

    def cookie_params(self) -> list[dict[str, Any]]:
        """The argument `cookies` of `Storage.setCookies`."""
        return [msgspec.to_builtins(cookie) for cookie in self.cookies]

    @property
    def counts(self) -> Counts:
        """Cookies and origins."""
        return Counts(len(self.cookies), len(self.local_storage))

    def encode(self) -> bytes:
        """As JSON, with the version of its schema."""
        # Not msgspec's encoder: pages store binary as UTF-16 in local storage, and lone surrogates must survive.
        return json.dumps({"version": SCHEMA_VERSION, **msgspec.to_builtins(self)}, separators=(",", ":")).encode()

    @classmethod
    def decode(cls, data: bytes) -> Snapshot:
        """The snapshot that `encode` made.

        Raises:
            SessionVersionError: a newer browserwatch wrote it.
            SessionUndecryptableError: it is not the JSON of a snapshot.
        """
        try:
            document = json.loads(data)
            version = msgspec.convert(document, _Versioned).version
            if version > SCHEMA_VERSION:
                raise SessionVersionError(version, SCHEMA_VERSION)
            return msgspec.convert(document, cls)
        except (ValueError, msgspec.ValidationError):
            # The original would name the place by the names of keys, which are content.
            raise SessionUndecryptableError("what was stored is not a snapshot", "malformed") from None

    def __repr__(self) -> str:
        return f"<Snapshot: {len(self.cookies)} cookies, {len(self.local_storage)} origins>"


class _Versioned(msgspec.Struct):
    version: int


def merge(older: Snapshot, newer: Snapshot) -> Snapshot:
    """What is known after both.

    The browser lists all its cookies, so the newer list replaces the older one: what is missing was deleted. It shows
    local storage only of the tabs that are open, so an origin that is missing keeps what it had.
    """
    return Snapshot(newer.cookies, {**older.local_storage, **newer.local_storage})
