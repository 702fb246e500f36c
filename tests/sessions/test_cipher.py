import secrets
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from hypothesis import given
from hypothesis import strategies as st

from browserwatch.errors import MissingDependencyError
from browserwatch.sessions import cipher as cipher_module
from browserwatch.sessions.cipher import FORMAT_VERSION, MAGIC, NONCE_BYTES, SessionCipher
from browserwatch.sessions.errors import (
    Reason,
    SessionTooLargeError,
    SessionUndecryptableError,
    SessionVersionError,
)
from browserwatch.sessions.keys import KeyRing
from browserwatch.sessions.names import SessionId
from browserwatch.sessions.snapshot import SCHEMA_VERSION

OLD_KEY = bytes(range(32))
NEW_KEY = bytes(range(32, 64))
SHOP = SessionId("acme", "shop")
CONTENT = b'{"version":1,"cookies":[]}' * 3
CIPHER = SessionCipher(KeyRing([OLD_KEY]))
HEADER_BYTES = 31
FORMAT_AT = len(MAGIC)


def reason_of(opening: Callable[[], bytes]) -> Reason:
    with pytest.raises(SessionUndecryptableError) as caught:
        opening()
    return caught.value.reason


@given(st.binary(max_size=2000))
def test_what_is_sealed_opens_again(content: bytes) -> None:
    """Any content, and two envelopes of the same differ."""
    envelope = CIPHER.seal(SHOP, content)
    assert CIPHER.open(SHOP, envelope) == content
    assert envelope != CIPHER.seal(SHOP, content)


def test_the_envelope_does_not_show_its_content() -> None:
    """Neither content nor names are in it."""
    envelope = CIPHER.seal(SHOP, b"geheim" * 100)
    assert not any(part in envelope for part in (b"geheim", b"acme", b"shop", OLD_KEY[:8]))


@pytest.mark.parametrize("flip", [0x01, 0x80, 0xFF])
def test_each_flipped_byte_is_noticed(flip: int) -> None:
    """Whichever byte of header or ciphertext is changed, a typed error comes and no content."""
    envelope = CIPHER.seal(SHOP, CONTENT)
    for at in range(len(envelope)):
        changed = bytearray(envelope)
        changed[at] ^= flip
        expected = (
            SessionVersionError if at == FORMAT_AT and changed[at] > FORMAT_VERSION else SessionUndecryptableError
        )
        with pytest.raises(expected):
            CIPHER.open(SHOP, bytes(changed))


def test_each_truncation_is_noticed() -> None:
    """However much is missing, the error says that it is truncated."""
    envelope = CIPHER.seal(SHOP, CONTENT)
    for size in range(len(envelope)):
        assert reason_of(lambda size=size: CIPHER.open(SHOP, envelope[:size])) == "truncated"


@given(st.binary(max_size=200))
def test_garbage_is_a_typed_error(garbage: bytes) -> None:
    """Whatever somebody wrote there."""
    with pytest.raises((SessionUndecryptableError, SessionVersionError)):
        CIPHER.open(SHOP, garbage)
    with pytest.raises((SessionUndecryptableError, SessionVersionError)):
        CIPHER.open(SHOP, MAGIC + bytes([FORMAT_VERSION]) + garbage)


def test_appended_bytes_are_tampering() -> None:
    """Longer than it says is not what was stored."""
    assert reason_of(lambda: CIPHER.open(SHOP, CIPHER.seal(SHOP, CONTENT) + b"x")) == "tampered"


@pytest.mark.parametrize(
    "other",
    [SessionId("acme", "shop2"), SessionId("other", "shop"), SessionId("acmes", "hop"), SessionId("shop", "acme")],
)
def test_an_envelope_opens_only_where_it_belongs(other: SessionId) -> None:
    """Bytes copied to another tenant or session are refused, also where the names run together the same."""
    assert reason_of(lambda: CIPHER.open(other, CIPHER.seal(SHOP, CONTENT))) == "tampered"


def test_a_version_can_not_be_changed_afterwards() -> None:
    """An old envelope can't be passed off as a future one, nor the other way round."""
    future = CIPHER.seal(SHOP, CONTENT, SCHEMA_VERSION + 1)
    with pytest.raises(SessionVersionError, match="upgrade"):
        CIPHER.open(SHOP, future)
    now = bytearray(CIPHER.seal(SHOP, CONTENT))
    now[FORMAT_AT + 2] += 1
    assert reason_of(lambda: CIPHER.open(SHOP, bytes(now))) == "tampered"


def test_rotation() -> None:
    """With a new key put first old envelopes open, and new ones need it; without the old key, the old are unreadable."""
    both, new_only = SessionCipher(KeyRing([NEW_KEY, OLD_KEY])), SessionCipher(KeyRing([NEW_KEY]))
    old = CIPHER.seal(SHOP, CONTENT)
    assert both.open(SHOP, old) == CONTENT
    assert new_only.open(SHOP, both.seal(SHOP, CONTENT)) == CONTENT
    assert reason_of(lambda: CIPHER.open(SHOP, both.seal(SHOP, CONTENT))) == "unknown_key"
    assert reason_of(lambda: new_only.open(SHOP, old)) == "unknown_key"


def test_too_large_content_is_not_sealed() -> None:
    """The error names size and limit."""
    with pytest.raises(SessionTooLargeError, match="1,001 bytes, the limit is 1,000") as caught:
        SessionCipher(KeyRing([OLD_KEY]), 1000).seal(SHOP, bytes(1001))
    assert (caught.value.size, caught.value.limit) == (1001, 1000)


def test_a_bomb_is_not_unpacked() -> None:
    """Unpacking stops at the limit, however small the bomb is in its envelope."""
    bomb = CIPHER.seal(SHOP, bytes(10_000_000))
    assert len(bomb) < 60_000
    tracemalloc.start()
    try:
        with pytest.raises(SessionTooLargeError, match="more than 1,000 bytes"):
            SessionCipher(KeyRing([OLD_KEY]), 1000).open(SHOP, bomb)
        assert tracemalloc.get_traced_memory()[1] < 500_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("packed", [b"no zlib", zlib.compress(CONTENT)[:-3], b"\x00"])
def test_authentic_but_not_compressed(packed: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer with another idea of the content gets a typed error too."""

    def pack(content: bytes, level: int) -> bytes:
        return packed

    monkeypatch.setattr(zlib, "compress", pack)
    envelope = CIPHER.seal(SHOP, CONTENT)
    assert reason_of(lambda: CIPHER.open(SHOP, envelope)) == "malformed"


def test_the_form_of_an_envelope() -> None:
    """Read by hand once, from the description: AES-256-GCM-SIV over zlib, bound to header and names."""
    envelope = CIPHER.seal(SHOP, CONTENT)
    header, sealed = envelope[:HEADER_BYTES], envelope[HEADER_BYTES:]
    nonce = header[15 : 15 + NONCE_BYTES]
    bound = header + b"\0\0\0\x04acme" + b"\0\0\0\x04shop"
    assert zlib.decompress(AESGCMSIV(OLD_KEY).decrypt(nonce, sealed, bound)) == CONTENT
    assert int.from_bytes(header[-4:]) == len(sealed)


def test_a_repeated_nonce_gives_nothing_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same nonce, different contents share no byte run: the reason for this cipher."""
    monkeypatch.setattr(secrets, "token_bytes", bytes)
    one, two = (CIPHER.seal(SHOP, b"x" * 50 + end)[HEADER_BYTES:] for end in (b"1", b"2"))
    assert one[:8] != two[:8]


def test_an_openssl_without_the_cipher(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""

    def unsupported(_: bytes) -> AESGCMSIV:
        raise UnsupportedAlgorithm("")

    monkeypatch.setattr(cipher_module, "AESGCMSIV", unsupported)
    with pytest.raises(MissingDependencyError, match="cryptography >= 42"):
        SessionCipher(KeyRing([OLD_KEY]))
