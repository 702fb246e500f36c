from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from browserwatch import semantics
from browserwatch.egress import EgressPolicy
from browserwatch.egress.addresses import METADATA_ADDRESSES
from browserwatch.errors import ConfigurationError
from tests.egress.spellings import PRIVATE_SPELLINGS

NOTHING_ALLOWED = EgressPolicy.parse([])
PRIVATE_V4 = st.sampled_from(
    [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/3",
    ]
).flatmap(lambda network: st.ip_addresses(v=4, network=network))
PRIVATE_V6 = st.sampled_from(
    [
        "::/96",
        "::ffff:10.0.0.0/104",
        "64:ff9b::7f00:0/104",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/32",
        "2001:db8::/32",
        "2002::/16",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
        "4000::/3",
    ]
).flatmap(lambda network: st.ip_addresses(v=6, network=network))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "HTTPS://EXAMPLE.COM:8443/a?b#c",
        "https://bücher.example/",
        "http://user:secret@example.com/",
        "http://8.8.8.8/",
        "http://[2606:4700::1111]:8080/",
        "http://[64:ff9b::808:808]/",
        "http://[::ffff:8.8.8.8]/",
        "http://localhost.example.com/",
        "http://10.example.com/",
    ],
)
def test_public_pages_may_be_visited(url: str) -> None:
    """Names are for the proxy to look up; public addresses are fine in any spelling."""
    assert NOTHING_ALLOWED.check_url(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "chrome://settings",
        "about:blank",
        "data:text/html,x",
        "javascript:1",
        "ftp://x",
        "ws://x",
        "view-source:http://example.com",
        "blob:http://x/1",
        "//example.com",
        "example.com",
        "",
        " ",
        "http",
        "\x00:",
    ],
)
def test_only_http_and_https(url: str) -> None:
    """Any other scheme, and none at all, is refused."""
    assert NOTHING_ALLOWED.check_url(url) == "scheme"


@pytest.mark.parametrize(
    "url",
    [
        "http://",
        "http:///",
        "http://a b/",
        "http://a..b/",
        "http://[::1",
        "http://[fe80::1%25eth0]/",
        "http://x:99999/",
        "http://1.2.3.4.5/",
        "http://1.2.3.08/",
        "http://256.1/",
        "http://%zz/",
        "http://x:1:2/",
        "http://[1.2.3.4]/",
    ],
)
def test_what_chromium_would_not_load_is_refused(url: str) -> None:
    """An address that can't be read is not passed on to see what happens."""
    assert NOTHING_ALLOWED.check_url(url) == "other"


@pytest.mark.parametrize("host", PRIVATE_SPELLINGS)
@pytest.mark.parametrize("form", ["http://{}", "https://{}/a", "http:{}", "http:\\\\{}\\x", "\x01 http:////{}?q "])
def test_no_spelling_of_a_private_address_passes(form: str, host: str) -> None:
    """What Chromium makes of a URL counts, not how it is written."""
    assert NOTHING_ALLOWED.check_url(form.format(host)) == "private_address"


@given(PRIVATE_V4 | PRIVATE_V6)
@example(IPv6Address("::ffff:169.254.169.254"))
def test_no_private_address_passes(address: IPv4Address | IPv6Address) -> None:
    """Under any name, and also as the URL of itself."""
    shown = f"[{address}]" if address.version == 6 else str(address)
    blocked = {"private_address", "metadata_address"}
    assert NOTHING_ALLOWED.check_address("example.com", 443, address) in blocked
    assert NOTHING_ALLOWED.check_url(f"http://{shown}/") in blocked


@given(PRIVATE_V4, st.sampled_from(["dotted", "number", "hexadecimal", "octal", "short"]), st.booleans())
def test_no_number_passes(address: IPv4Address, spelling: str, dot: bool) -> None:  # noqa: FBT001  # drawn
    """The ways of inet_aton to write an IPv4 address."""
    number = int(address)
    first, last = number >> 24, number & 0xFFFFFF
    text = {
        "dotted": str(address),
        "number": str(number),
        "hexadecimal": hex(number),
        "octal": f"0{number:o}",
        "short": f"{first:#x}.{last}",
    }[spelling]
    assert NOTHING_ALLOWED.check_url(f"http://{text}{'.' if dot else ''}/") in {"private_address", "metadata_address"}


@given(PRIVATE_V4, st.sampled_from(["::ffff:{}", "::{}", "64:ff9b::{}", "2002:{:x}:{:x}::1"]))
def test_no_embedded_address_passes(address: IPv4Address, form: str) -> None:
    """IPv4 addresses inside of IPv6 addresses, for networks that unpack them."""
    halves = int(address) >> 16, int(address) & 0xFFFF
    packed = ip_address(form.format(*halves) if ":x" in form else form.format(address))
    assert NOTHING_ALLOWED.check_address("example.com", 443, packed) is not None


@given(st.text() | st.from_regex(r"[a-z]{0,5}:[/\\]{0,3}[^a-z]{0,20}[/?#]?.{0,5}"))
def test_any_text_has_an_answer(url: str) -> None:
    """Nothing that is given as a URL raises, and every rule is in the closed set."""
    assert NOTHING_ALLOWED.check_url(url) in {None, *semantics.POLICY_RULES}


@pytest.mark.parametrize("address", sorted(map(str, METADATA_ADDRESSES)))
def test_metadata_addresses_are_told_apart(address: str) -> None:
    """They get a rule of their own, and a network that contains them is not enough to allow them."""
    policy = EgressPolicy.parse(["0.0.0.0/0", "::/0", "*.example.com", "*.internal", "localhost"])
    assert policy.check_address("a.example.com", 80, ip_address(address)) == "metadata_address"
    assert EgressPolicy.parse([address]).check_address("a.example.com", 80, ip_address(address)) is None
    assert EgressPolicy.parse(["a.example.com"]).check_address("a.example.com", 80, ip_address(address)) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest",
        "http://0xa9fea9fe",
        "http://[::ffff:a9fe:a9fe]",
        "http://[fd00:ec2::254]",
        "http://[64:ff9b::a9fe:a9fe]",
        "http://[2002:a9fe:a9fe::]",
        "http://METADATA.google.internal./",
    ],
)
def test_metadata_urls_are_told_apart(url: str) -> None:
    """In any spelling, and by name."""
    assert NOTHING_ALLOWED.check_url(url) == "metadata_address"
    assert EgressPolicy.parse(["*.internal", "169.254.0.0/16"]).check_url(url) == "metadata_address"


def test_metadata_can_be_allowed_by_name() -> None:
    """Somebody may mean it."""
    policy = EgressPolicy.parse(["metadata.google.internal"])
    assert policy.check_url("http://metadata.google.internal/") is None
    assert policy.check_address("metadata.google.internal", 80, ip_address("169.254.169.254")) is None
    assert policy.check_url("http://169.254.169.254/") == "metadata_address"


def test_a_zone_does_not_hide_a_metadata_address() -> None:
    """The system adds the interface to link-local addresses."""
    assert NOTHING_ALLOWED.check_address("x", 80, ip_address("fe80::a9fe:a9fe%eth0")) == "metadata_address"
    assert NOTHING_ALLOWED.check_address("x", 80, ip_address("fe80::1%eth0")) == "private_address"


@pytest.mark.parametrize(
    ("item", "url"),
    [
        ("localhost", "http://localhost:1234/"),
        ("localhost:80", "http://LOCALHOST./"),
        ("*.localhost", "http://a.localhost/"),
        ("127.0.0.1", "http://127.1:99/"),
        ("127.0.0.1:8080", "http://localhost:8080/"),
        ("127.0.0.1", "http://[::ffff:127.0.0.1]/"),
        ("10.0.0.0/8", "https://10.1.2.3/"),
        ("10.0.0.0/8:443", "https://10.1.2.3/"),
        ("::1", "http://[::1]:5/"),
        ("[::1]:5", "http://[0::1]:5/"),
        ("fd00::/8", "http://[fd12::1]/"),
        ("[fd00::/8]:80", "http://[fd12::1]/"),
    ],
)
def test_allowed_urls(item: str, url: str) -> None:
    """Each form of an item allows what it names."""
    assert NOTHING_ALLOWED.check_url(url) == "private_address"
    assert EgressPolicy.parse([item]).check_url(url) is None


@pytest.mark.parametrize(
    ("item", "host", "port"),
    [
        ("app.internal", "app.internal", 80),
        ("App.Internal.", "app.internal", 80),
        ("app.internal", "APP.internal.", 80),
        ("app.internal:8080", "app.internal", 8080),
        ("*.internal", "a.b.internal", 1),
        ("*.internal:443", "a.internal", 443),
        ("bücher.internal", "xn--bcher-kva.internal", 80),
        ("10.1.2.3", "any.example.com", 80),
        ("10.0.0.0/8", "any.example.com", 80),
    ],
)
def test_allowed_names(item: str, host: str, port: int) -> None:
    """Names are allowed wherever they lead, addresses under whatever name."""
    assert EgressPolicy.parse([item]).check_address(host, port, ip_address("10.1.2.3")) is None


@pytest.mark.parametrize(
    ("item", "host", "port"),
    [
        ("app.internal", "xapp.internal", 80),
        ("app.internal", "app.internal.example.com", 80),
        ("app.internal:8080", "app.internal", 80),
        ("*.internal", "internal", 80),
        ("*.internal", "xinternal", 80),
        ("10.1.2.3:81", "x", 80),
        ("10.1.2.4", "10.1.2.3", 80),
        ("11.0.0.0/8", "x", 80),
        ("::/0", "x", 80),
    ],
)
def test_nothing_else_is_allowed(item: str, host: str, port: int) -> None:
    """An item allows no neighbour of what it names."""
    assert EgressPolicy.parse([item]).check_address(host, port, ip_address("10.1.2.3")) == "private_address"


@pytest.mark.parametrize(
    "item",
    [
        "",
        "*",
        "*.",
        "a*b",
        "*.*.x",
        "http://x",
        "x/y",
        "a b",
        "10.0.0.1/8",
        "1.2.3",
        "0x7f.1",
        "*.10.0.0.1",
        "host:",
        "host:0",
        "host:x",
        "host:65536",
        "host:-1",
        "host: 80",
        "host:\uff18\uff10",
        "[::1",
        "[::1]80",
        "[::1]:",
        "::1:80:",
        "fe80::1%eth0",
        "[x]:80",
        "user@host",
    ],
)
def test_a_bad_item_is_an_error(item: str) -> None:
    """The message names the variable, the item and good forms."""
    with pytest.raises(ConfigurationError) as caught:
        EgressPolicy.parse(["example.com", item])
    told = str(caught.value)
    assert told.startswith(f"BROWSERWATCH_EGRESS_ALLOW: {item!r} can't be used; items look like: app.internal, ")
    assert "10.0.0.0/8" in told
