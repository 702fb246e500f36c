"""Sessions are credentials: what is stored is compressed and encrypted, and only good in the place it was made for.

An envelope is a header (magic, format, schema version, key id, nonce, length) and the ciphertext of AES-256-GCM-SIV
(RFC 8452), whose random nonces may even repeat without giving anything away. Associated data is the header, the tenant
and the session's name: bytes copied to another session do not open.
"""

from __future__ import annotations

import secrets
import struct
import zlib
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from browserwatch.errors import MissingDependencyError
from browserwatch.sessions.errors import (
    SessionTooLargeError,
    SessionUndecryptableError,
    SessionVersionError,
)
from browserwatch.sessions.keys import KEY_BYTES, KEY_ID_BYTES, KeyRing
from browserwatch.sessions.names import SessionId
from browserwatch.sessions.snapshot import SCHEMA_VERSION

MAGIC: Final = b"BWSE"
FORMAT_VERSION: Final = 1
NONCE_BYTES: Final = 12
TAG_BYTES: Final = 16
DEFAULT_LIMIT: Final = 16 * 1024 * 1024
# Local storage is text: level 1 finds most of what there is to find, in less than half the time of the default level.
COMPRESSION: Final = 1
_HEADER = struct.Struct(f">{len(MAGIC)}sBH{KEY_ID_BYTES}s{NONCE_BYTES}sI")


class _Header(NamedTuple):
    magic: bytes
    format: int
    schema: int
    key_id: bytes
    nonce: bytes
    length: int


class SessionCipher:
    """Makes envelopes and opens them.

    Args:
        keys: the first encrypts, all decrypt.
        limit: largest content in bytes, before compression.

    Raises:
        MissingDependencyError: the installed cryptography was built on an OpenSSL without this cipher.
    """

    def __init__(self, keys: KeyRing, limit: int = DEFAULT_LIMIT) -> None:
        try:
            AESGCMSIV(bytes(KEY_BYTES))
        except UnsupportedAlgorithm:
            raise MissingDependencyError(
                "stored sessions need AES-GCM-SIV: install cryptography >= 42 as a wheel, or build it on OpenSSL >= 3.2"
            ) from None
        self._keys = keys
        self._limit = limit

    def seal(self, session: SessionId, content: bytes, schema: int = SCHEMA_VERSION) -> bytes:
        """The content in an envelope for this session.

        Raises:
            SessionTooLargeError: it is above the limit.
        """
        if len(content) > self._limit:
            raise SessionTooLargeError(len(content), self._limit)
        packed = zlib.compress(content, COMPRESSION)
        nonce = secrets.token_bytes(NONCE_BYTES)
        length = len(packed) + TAG_BYTES
        header = _HEADER.pack(MAGIC, FORMAT_VERSION, schema, self._keys.first_id, nonce, length)
        return header + self._aead(self._keys.first_id, session).encrypt(nonce, packed, _bound(header, session))

    def open(self, session: SessionId, envelope: bytes) -> bytes:
        """The content of an envelope that was made for this session.

        Raises:
            SessionUndecryptableError: a key is missing, or the bytes are not those that were stored.
            SessionVersionError: a newer browserwatch made it.
            SessionTooLargeError: it unpacks to more than the limit.
        """
        header = _read_header(session, envelope)
        cut = _HEADER.size
        try:
            packed = self._aead(header.key_id, session).decrypt(
                header.nonce, envelope[cut:], _bound(envelope[:cut], session)
            )
        except InvalidTag:
            raise SessionUndecryptableError(
                f"session {session}: the stored bytes were changed, or were made for another session", "tampered"
            ) from None
        # Believed only now that it is known to be what was written.
        if header.schema > SCHEMA_VERSION:
            raise SessionVersionError(header.schema, SCHEMA_VERSION)
        return self._unpack(session, packed)

    def _aead(self, wanted: bytes, session: SessionId) -> AESGCMSIV:
        key = self._keys.find(wanted)
        if key is None:
            raise SessionUndecryptableError(
                f"session {session}: encrypted with key {wanted.hex()}, which is not among the configured keys",
                "unknown_key",
            )
        return AESGCMSIV(key)

    def _unpack(self, session: SessionId, packed: bytes) -> bytes:
        unpacking = zlib.decompressobj()
        try:
            # One byte beyond the limit is enough to know, whatever the rest would grow to.
            content = unpacking.decompress(packed, self._limit + 1)
        except zlib.error:
            raise SessionUndecryptableError(f"session {session}: can't be decompressed", "malformed") from None
        if len(content) > self._limit:
            raise SessionTooLargeError(self._limit, self._limit, at_least=True)
        if not unpacking.eof:
            raise SessionUndecryptableError(f"session {session}: can't be decompressed", "malformed")
        return content

    def __repr__(self) -> str:
        return f"<SessionCipher: {self._keys!r}>"


def _read_header(session: SessionId, envelope: bytes) -> _Header:
    if len(envelope) < _HEADER.size:
        raise _truncated(session, len(envelope))
    header = _Header(*_HEADER.unpack_from(envelope))
    if header.magic != MAGIC:
        raise SessionUndecryptableError(f"session {session}: the stored bytes are no envelope", "tampered")
    if header.format > FORMAT_VERSION:
        raise SessionVersionError(header.format, FORMAT_VERSION)
    if len(envelope) < _HEADER.size + header.length:
        raise _truncated(session, len(envelope))
    return header


def _truncated(session: SessionId, size: int) -> SessionUndecryptableError:
    return SessionUndecryptableError(f"session {session}: only {size:,} bytes are left of it", "truncated")


def _bound(header: bytes, session: SessionId) -> bytes:
    """What the ciphertext is tied to; with lengths, so that `a` + `bc` is not `ab` + `c`."""
    names = (session.tenant.encode(), session.name.encode())
    return header + b"".join(len(name).to_bytes(4) + name for name in names)
