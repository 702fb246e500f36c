import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from browserwatch.sessions.errors import SessionUndecryptableError, SessionVersionError
from browserwatch.sessions.snapshot import SCHEMA_VERSION, Cookie, Counts, PartitionKey, Snapshot, merge

# JavaScript strings are UTF-16 and may have lone surrogates, so no codec is asked for here.
TEXTS = st.text(st.characters(exclude_categories=()), max_size=8)
COOKIES = st.builds(
    Cookie,
    name=TEXTS,
    value=TEXTS,
    domain=TEXTS,
    path=TEXTS,
    expires=st.floats(allow_nan=False, allow_infinity=False),
    http_only=st.booleans(),
    same_site=st.none() | st.sampled_from(["Strict", "Lax", "None"]),
    source_port=st.none() | st.integers(-1, 65535),
    partition_key=st.none() | st.builds(PartitionKey, top_level_site=TEXTS, has_cross_site_ancestor=st.booleans()),
)
SNAPSHOTS = st.builds(
    Snapshot,
    cookies=st.lists(COOKIES, max_size=3).map(tuple),
    local_storage=st.dictionaries(TEXTS, st.dictionaries(TEXTS, TEXTS, max_size=3), max_size=3),
)

# As Chromium 156 answers Storage.getCookies.
TOLD: list[dict[str, Any]] = [
    {
        "name": "__Host-id",
        "value": "v",
        "domain": "shop.example",
        "path": "/",
        "expires": -1,
        "size": 10,
        "httpOnly": True,
        "secure": True,
        "session": True,
        "sameSite": "None",
        "priority": "Medium",
        "sourceScheme": "Secure",
        "sourcePort": 443,
        "partitionKey": {"topLevelSite": "https://top.example", "hasCrossSiteAncestor": False},
    },
    {
        "name": "lang",
        "value": "en",
        "domain": ".shop.example",
        "path": "/a",
        "expires": 1830031978.855769,
        "size": 6,
        "httpOnly": False,
        "secure": False,
        "session": False,
        "priority": "Low",
        "sourceScheme": "NonSecure",
        "sourcePort": 8080,
    },
]
DERIVED = {"size", "session"}


@given(SNAPSHOTS)
def test_a_snapshot_survives_its_json(snapshot: Snapshot) -> None:
    """Encoding loses nothing, not even text that is no valid Unicode."""
    assert Snapshot.decode(snapshot.encode()) == snapshot


def test_cookies_go_back_as_chromium_told_them() -> None:
    """All that setCookies takes is kept, with its exact value; what Chromium derives is left out."""
    snapshot = Snapshot.from_devtools(TOLD, {})
    restored = Snapshot.decode(snapshot.encode()).cookie_params()
    for told, given_back in zip(TOLD, restored, strict=True):
        wanted = {name: value for name, value in told.items() if name not in DERIVED}
        # A default that is left out means the same: False, and no expiry.
        assert {"expires": -1.0, "httpOnly": False, "secure": False, **given_back} == wanted


def test_a_cookie_of_another_shape_is_refused_without_its_value() -> None:
    """When the protocol changes the error says where, not what was in it."""
    with pytest.raises(msgspec.ValidationError) as caught:
        Snapshot.from_devtools([{**TOLD[0], "value": ["geheim"]}], {})
    assert "geheim" not in str(caught.value)


@given(SNAPSHOTS, SNAPSHOTS)
def test_the_newer_cookies_replace_and_local_storage_is_merged_by_origin(older: Snapshot, newer: Snapshot) -> None:
    """A cookie that is gone was deleted; an origin that is not seen is kept as it was, one that is seen is replaced."""
    merged = merge(older, newer)
    assert merged.cookies == newer.cookies
    for origin, items in merged.local_storage.items():
        assert items == (newer if origin in newer.local_storage else older).local_storage[origin]
    assert set(merged.local_storage) == set(older.local_storage) | set(newer.local_storage)


@given(SNAPSHOTS, SNAPSHOTS, SNAPSHOTS)
def test_merging_in_steps_is_merging_at_once(first: Snapshot, second: Snapshot, third: Snapshot) -> None:
    """It does not matter how often a session is saved on the way, nor whether the same is saved twice."""
    assert merge(merge(first, second), third) == merge(first, merge(second, third))
    assert merge(first, first) == first


def test_nothing_secret_is_shown() -> None:
    """Neither repr has a value, a name of a cookie or a key of local storage."""
    snapshot = Snapshot.from_devtools(TOLD, {"https://shop.example": {"token": "geheim"}})
    shown = f"{snapshot!r} {snapshot} {snapshot.cookies!r} {[snapshot]}"
    assert shown == (
        "<Snapshot: 2 cookies, 1 origins> <Snapshot: 2 cookies, 1 origins> "
        "(<Cookie of shop.example>, <Cookie of .shop.example>) [<Snapshot: 2 cookies, 1 origins>]"
    )
    assert snapshot.counts == Counts(cookies=2, origins=1)


def test_a_newer_schema_is_told_from_garbage() -> None:
    """A future version asks for an upgrade, whatever else it holds."""
    document = {"version": SCHEMA_VERSION + 1, "cookies": "in another form"}
    with pytest.raises(SessionVersionError, match="version 2 of its form, this browserwatch reads up to 1: upgrade"):
        Snapshot.decode(json.dumps(document).encode())


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"{}", b"\xff", b'{"version":1,"cookies":[{"name":1}]}', b"null"])
def test_what_is_no_snapshot_is_malformed(data: bytes) -> None:
    """Anything else ends in one typed error."""
    with pytest.raises(SessionUndecryptableError) as caught:
        Snapshot.decode(data)
    assert caught.value.reason == "malformed"
