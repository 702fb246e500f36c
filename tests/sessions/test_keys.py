import base64
import logging
import threading
from pathlib import Path

import pytest

from browserwatch.errors import ConfigurationError
from browserwatch.sessions.keys import KEY_BYTES, KeyRing, key_id, keys_from_file

KEY = bytes(range(200, 200 + KEY_BYTES))


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(KEY).decode(),
        base64.urlsafe_b64encode(KEY).decode(),
        base64.urlsafe_b64encode(KEY).decode().rstrip("="),
        f"  {base64.b64encode(KEY).decode()}\n",
    ],
)
def test_both_base64_alphabets_are_read(text: str) -> None:
    """With or without padding: however the tool at hand prints it."""
    assert KeyRing.parse([text], "KEYS").find(key_id(KEY)) == KEY


@pytest.mark.parametrize("text", ["", "geheim", "gehe!m==", base64.b64encode(KEY[1:]).decode(), "ä" * 44])
def test_a_bad_key_is_named_but_not_repeated(text: str) -> None:
    """The error says which key and how to make a good one."""
    with pytest.raises(ConfigurationError, match=r"^KEYS, key 2: .*openssl rand -base64 32$") as caught:
        KeyRing.parse([base64.b64encode(KEY).decode(), text], "KEYS")
    assert not text or text not in str(caught.value)


def test_no_key_at_all_is_an_error() -> None:
    """An empty setting must not mean: not encrypted."""
    with pytest.raises(ConfigurationError, match="at least one"):
        KeyRing.parse([], "KEYS")


def test_a_ring_shows_ids_only() -> None:
    """The id is no part of the key, and differs by key."""
    shown = repr(KeyRing([KEY, KEY[::-1]]))
    assert shown == f"<KeyRing: {key_id(KEY).hex()}, {key_id(KEY[::-1]).hex()}>"
    assert key_id(KEY) not in KEY
    assert key_id(KEY) != key_id(KEY[::-1])


def test_a_key_file_is_made_once_for_its_owner_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Made with a sentence on what it is, read the same later, no draft left beside it, and no key in the log."""
    path = tmp_path / "state" / "session.key"
    with caplog.at_level(logging.INFO):
        first = keys_from_file(path)
    assert keys_from_file(path).first_id == first.first_id
    assert path.stat().st_mode & 0o777 == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["session.key"]
    assert "Without it they can't be read" in path.read_text()
    assert str(path) in caplog.text
    assert path.read_text().splitlines()[-1] not in caplog.text


def test_of_several_makers_one_wins(tmp_path: Path) -> None:
    """All programs that start at once end with the same key."""
    path = tmp_path / "session.key"
    together = threading.Barrier(8)
    ids: list[bytes] = []

    def make() -> None:
        together.wait()
        ids.append(keys_from_file(path).first_id)

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 8
    assert len(set(ids)) == 1


def test_a_key_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """The error has the command that mends it."""
    path = tmp_path / "session.key"
    keys_from_file(path)
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match=r"others can read it; run: chmod 600 "):
        keys_from_file(path)


def test_a_key_put_above_the_old_one_encrypts(tmp_path: Path) -> None:
    """Rotation is one line in the file."""
    path = tmp_path / "session.key"
    old = keys_from_file(path)
    path.write_text(f"{base64.b64encode(KEY).decode()}\n{path.read_text()}")
    ring = keys_from_file(path)
    assert ring.first_id == key_id(KEY)
    assert ring.find(old.first_id) is not None
