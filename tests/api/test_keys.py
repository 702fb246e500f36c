"""API keys: made, stored as hashes, looked up."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from browserwatch.api.auth import DEFAULT_TENANT, KeyTable, load_keys, make_key
from browserwatch.errors import ConfigurationError
from browserwatch.sessions.errors import InvalidNameError
from browserwatch.settings import ServiceSettings

SECRET = "bw_the-key-itself"  # noqa: S105  # nobody's
LINE = f"acme=sha256:{hashlib.sha256(SECRET.encode()).hexdigest()}"


def table(**settings: Any) -> KeyTable:
    """The keys of a service with these settings."""
    return load_keys(ServiceSettings(**settings))


def test_a_key_that_was_made_opens_for_its_tenant() -> None:
    """The line alone is enough to know it by, and has it not."""
    key, line = make_key("acme")
    other, other_line = make_key("other")
    keys = table(api_keys=(line, other_line))
    assert keys.tenant(f"Bearer {key}") == "acme"
    assert keys.tenant(f"bearer  {other}") == "other"
    assert key not in line
    assert key != make_key("acme")[0]


def test_a_key_has_256_random_bits() -> None:
    """In characters that need no quoting."""
    key, _ = make_key("acme")
    assert len(key) == len("bw_") + 43
    assert key.replace("-", "").replace("_", "").isalnum()


def test_a_tenant_needs_a_good_name() -> None:
    """Before a key is made for it."""
    with pytest.raises(InvalidNameError):
        make_key("a/b")


@given(st.text() | st.just(None))
def test_any_other_header_opens_nothing(header: str | None) -> None:
    """Whatever is in it."""
    keys = table(api_keys=(LINE,))
    assert keys.tenant(header) is None
    assert keys.tenant(f"Bearer {header}") is None


def test_without_keys_everybody_is_one_tenant() -> None:
    """With or without a header."""
    keys = table()
    assert not keys.required
    assert keys.tenant(None) == keys.tenant("Bearer x") == DEFAULT_TENANT


def test_keys_come_from_a_file_too(tmp_path: Path) -> None:
    """Comments and empty lines are allowed; both places count, and a tenant may have several keys."""
    file = tmp_path / "keys"
    second, line = make_key("acme")
    file.write_text(f"# who\n\n  {line}  \n")
    keys = table(api_keys=(LINE,), api_keys_file=file)
    assert keys.tenant(f"Bearer {SECRET}") == keys.tenant(f"Bearer {second}") == "acme"


BAD = [SECRET, f"acme={SECRET}", "acme=sha256:abc", f"=sha256:{'0' * 64}", f"a b=sha256:{'0' * 64}"]


@pytest.mark.parametrize("bad", BAD)
def test_a_bad_line_is_named_and_not_repeated(tmp_path: Path, bad: str) -> None:
    """By file and number: somebody may have put the key itself there."""
    file = tmp_path / "keys"
    file.write_text(f"{LINE}\n{bad}\n")
    with pytest.raises(ConfigurationError, match="line 2") as error:
        table(api_keys_file=file)
    assert str(file) in str(error.value)
    assert SECRET not in str(error.value)
    with pytest.raises(ConfigurationError, match="BROWSERWATCH_API_KEYS, key 2") as error:
        table(api_keys=(LINE, bad))
    assert SECRET not in str(error.value)


def test_a_file_without_keys_does_not_open_the_service(tmp_path: Path) -> None:
    """It was meant to close it."""
    file = tmp_path / "keys"
    file.write_text("# none yet\n")
    with pytest.raises(ConfigurationError, match="has no key"):
        table(api_keys_file=file, host="0.0.0.0")  # noqa: S104  # nothing listens


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    """Missing, or no text."""
    with pytest.raises(ConfigurationError, match="missing"):
        table(api_keys_file=tmp_path / "missing")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="UTF-8"):
        table(api_keys_file=tmp_path / "binary")


def test_a_key_has_one_owner() -> None:
    """Else it would depend on their order whose it is; the same line twice is no harm."""
    assert table(api_keys=(LINE, LINE)).required
    with pytest.raises(ConfigurationError, match="'acme' and 'evil'"):
        table(api_keys=(LINE, LINE.replace("acme", "evil")))


def test_a_table_shows_no_hash() -> None:
    """Only how many there are."""
    assert repr(table(api_keys=(LINE,))) == "<KeyTable: 1 keys>"
