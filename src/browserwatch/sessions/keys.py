"""The keys that sessions are encrypted with: from a setting, or from a file that is made when there is none."""

from __future__ import annotations

import base64
import hmac
import logging
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from browserwatch.errors import ConfigurationError

KEY_BYTES: Final = 32
KEY_ID_BYTES: Final = 8
MAKE_ONE: Final = "openssl rand -base64 32"
_ID_LABEL: Final = b"browserwatch session key id"
_FILE_HEAD: Final = """\
# Key to the browser sessions (logins) that are stored beside this file. Without it they can't be read; whoever has both
# can use them. The first line with a key encrypts, all decrypt: to rotate, put a new key above the old one.
"""
_log = logging.getLogger(__name__)


def key_id(key: bytes) -> bytes:
    """A short name for a key that tells nothing about it: the key goes in as a key of HMAC."""
    return hmac.digest(key, _ID_LABEL, "sha256")[:KEY_ID_BYTES]


class KeyRing:
    """Keys by id. The first encrypts; the others are there to read what was written before a rotation.

    Args:
        keys: 32 random bytes each.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ConfigurationError(f"session keys: at least one, of {KEY_BYTES} bytes each; make one: {MAKE_ONE}")
        self._keys = {key_id(key): key for key in keys}
        self.first_id = key_id(keys[0])

    @classmethod
    def parse(cls, texts: Sequence[str], source: str) -> KeyRing:
        """Keys written in base64 or base64url, with or without padding. `source` is what errors call them.

        Raises:
            ConfigurationError: one is not such a key; its text is not repeated.
        """
        return cls([_parse(text, f"{source}, key {number}") for number, text in enumerate(texts, 1)])

    def find(self, wanted: bytes) -> bytes | None:
        """The key of this id, if it is in the ring."""
        return self._keys.get(wanted)

    def __repr__(self) -> str:
        return f"<KeyRing: {', '.join(found.hex() for found in self._keys)}>"


def _parse(text: str, source: str) -> bytes:
    standard = text.strip().replace("-", "+").replace("_", "/").rstrip("=")
    try:
        key = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except ValueError:
        raise ConfigurationError(f"{source}: not base64; make one: {MAKE_ONE}") from None
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"{source}: {len(key)} bytes, must be {KEY_BYTES}; make one: {MAKE_ONE}")
    return key


def keys_from_file(path: Path) -> KeyRing:
    """The keys in a file, which is made with a random one when it is not there.

    Raises:
        ConfigurationError: it has no good key, or others than its owner can read it.
    """
    if not path.exists():
        _create(path)
    if path.stat().st_mode & 0o077:
        raise ConfigurationError(f"{path}: holds keys, and others can read it; run: chmod 600 {path}")
    lines = (line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines())
    return KeyRing.parse([line for line in lines if line and not line.startswith("#")], str(path))


def _create(path: Path) -> None:
    """Complete under another name first, then linked: nobody sees half a key, and of two makers one wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(_FILE_HEAD + base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode() + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        _log.info("made a key for stored sessions: %s; without it they can't be read, so keep a copy", path)
    finally:
        draft.unlink()
