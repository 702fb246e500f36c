"""API keys: made, read from the settings, and looked up. The service knows only their hashes.

A key has 256 random bits, so a plain SHA-256 of it can't be guessed back, and needs neither salt nor slowness.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from browserwatch.errors import ConfigurationError
from browserwatch.sessions.errors import InvalidNameError
from browserwatch.sessions.names import check_name
from browserwatch.settings import PREFIX, ServiceSettings

DEFAULT_TENANT: Final = "default"
"""Who everybody is when there are no keys, which is possible on loopback only."""

KEY_PREFIX: Final = "bw_"
_KEY_BYTES: Final = 32
_LINE: Final = re.compile(r"([^=]+)=sha256:([0-9a-fA-F]{64})", re.ASCII)
_BEARER: Final = re.compile(r"bearer +(\S+)", re.ASCII | re.IGNORECASE)


class KeyHash(NamedTuple):
    """What is kept of a key, and whose it is."""

    tenant: str
    digest: bytes


class KeyTable:
    """All keys that open the service.

    Args:
        hashes: none: nobody is asked for a key.
    """

    def __init__(self, hashes: Iterable[KeyHash] = ()) -> None:
        self._hashes = tuple(hashes)

    @property
    def required(self) -> bool:
        """Whether callers need a key."""
        return bool(self._hashes)

    def tenant(self, authorization: str | None) -> str | None:
        """Whose the key in an ``Authorization`` header is; None: no key, or one that nobody has."""
        if not self.required:
            return DEFAULT_TENANT
        bearer = _BEARER.fullmatch(authorization.strip()) if authorization else None
        if bearer is None:
            return None
        digest = hashlib.sha256(bearer.group(1).encode()).digest()
        # Every hash is compared, and in constant time: how long it takes tells nothing of what matched.
        matching = [one.tenant for one in self._hashes if hmac.compare_digest(one.digest, digest)]
        return matching[0] if matching else None

    def __repr__(self) -> str:
        return f"<KeyTable: {len(self._hashes)} keys>"


def make_key(tenant: str) -> tuple[str, str]:
    """A new key for its owner, and the line that the service keeps of it.

    Raises:
        InvalidNameError: the tenant's name can't be used.
    """
    check_name("tenant", tenant)
    key = KEY_PREFIX + secrets.token_urlsafe(_KEY_BYTES)
    return key, f"{tenant}=sha256:{hashlib.sha256(key.encode()).hexdigest()}"


def load_keys(settings: ServiceSettings) -> KeyTable:
    """The keys of the settings and of their file.

    Raises:
        ConfigurationError: the file can't be read or has no key in it, a line can't be used, or a key has two owners.
    """
    found = [_parse(key.get_secret_value(), f"{PREFIX}API_KEYS, key {n}") for n, key in enumerate(settings.api_keys, 1)]
    if settings.api_keys_file is not None:
        from_file = list(_read(settings.api_keys_file))
        if not from_file:
            # It was meant to close the service; without keys it would be open.
            raise ConfigurationError(f"{settings.api_keys_file}: has no key; make one with `browserwatch key TENANT`")
        found += from_file
    _refuse_shared(found)
    return KeyTable(found)


def _read(file: Path) -> Iterator[KeyHash]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ConfigurationError(f"{file}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file}: is not a text file in UTF-8") from None
    for number, line in enumerate(lines, 1):
        if (text := line.strip()) and not text.startswith("#"):
            yield _parse(text, f"{file}, line {number}")


def _parse(text: str, place: str) -> KeyHash:
    """A line's key. Errors never quote it: somebody may have put the key itself there."""
    match = _LINE.fullmatch(text.strip())
    if match is None:
        raise ConfigurationError(f"{place}: is not tenant=sha256:HEX; make one with `browserwatch key TENANT`")
    try:
        tenant = check_name("tenant", match.group(1))
    except InvalidNameError:
        raise ConfigurationError(
            f"{place}: the tenant's name can't be used: 1 to 64 letters, digits and . _ @ -, first a letter or digit"
        ) from None
    return KeyHash(tenant, bytes.fromhex(match.group(2)))


def _refuse_shared(keys: Iterable[KeyHash]) -> None:
    owners: dict[bytes, str] = {}
    for key in keys:
        owner = owners.setdefault(key.digest, key.tenant)
        if owner != key.tenant:
            raise ConfigurationError(f"tenants {owner!r} and {key.tenant!r} have the same API key: make one for each")
