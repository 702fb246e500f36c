"""What the proxy does not let out. The recorder in place of the network shows that nothing was tried."""

from __future__ import annotations

import pytest

from browserwatch.events import Event, PolicyBlocked
from tests.egress.clients import ask
from tests.egress.conftest import Proxying
from tests.egress.network import OTHER_PUBLIC, PUBLIC, PUBLIC_V6, Network, Origin

GET = b"GET http://%s/ HTTP/1.1\r\nHost: x\r\n\r\n"
CONNECT = b"CONNECT %s HTTP/1.1\r\nHost: x\r\n\r\n"
EMPTY = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("request_", "rule"),
    [
        (GET % b"127.0.0.1", "private_address"),
        (GET % b"127.0.0.1:8080", "private_address"),
        (GET % b"0x7f.1", "private_address"),
        (GET % b"[::1]:8080", "private_address"),
        (GET % b"[::ffff:10.0.0.1]", "private_address"),
        (GET % b"inside.test", "private_address"),
        (CONNECT % b"10.1.2.3:443", "private_address"),
        (CONNECT % b"[fd00::1]:443", "private_address"),
        (CONNECT % b"inside.test:443", "private_address"),
        (CONNECT % b"INSIDE.test.:443", "private_address"),
        (CONNECT % b"inside6.test:443", "private_address"),
        (GET % b"169.254.169.254", "metadata_address"),
        (GET % b"metadata.google.internal", "metadata_address"),
        (CONNECT % b"cloud.test:80", "metadata_address"),
    ],
)
async def test_blocked(request_: bytes, rule: str, proxying: Proxying, network: Network, happened: list[Event]) -> None:
    """Answered with 403 and the rule, counted, and never connected to."""
    network.names = {
        "inside.test": [["10.0.0.1", "192.168.0.1"]],
        "inside.test.": [["10.0.0.1"]],
        "inside6.test": [["fd00::1", "::1"]],
        "cloud.test": [["169.254.169.254"]],
        "metadata.google.internal": [["169.254.169.254"]],
    }
    async with proxying() as proxy:
        answer = await ask(proxy.port, request_)
    assert answer.startswith("HTTP/1.1 403 Forbidden\r\n")
    assert f"\r\nX-Browserwatch-Blocked: {rule}\r\n" in answer
    assert answer.endswith(f"\r\n\r\nBlocked by the navigation policy: {rule}.")
    assert happened == [PolicyBlocked(rule=rule)]
    assert network.connected == []


async def test_a_name_is_looked_up_once(proxying: Proxying, network: Network) -> None:
    """DNS rebinding: what was checked is what is connected to, whatever a second look-up would say."""
    network.names = {"rebinding.test": [[PUBLIC], ["127.0.0.1"]]}
    async with proxying() as proxy, Origin(EMPTY) as origin:
        network.servers[PUBLIC] = origin.port
        first = await ask(proxy.port, GET % b"rebinding.test")
        second = await ask(proxy.port, GET % b"rebinding.test")
    assert first.startswith("HTTP/1.1 204")
    assert second.startswith("HTTP/1.1 403")
    assert network.looked_up == ["rebinding.test"] * 2
    assert network.connected == [(PUBLIC, 80)]


async def test_private_addresses_of_a_public_name_are_left_out(proxying: Proxying, network: Network) -> None:
    """A name with both kinds is reached at its public addresses only."""
    network.names = {"mixed.test": [["127.0.0.1", PUBLIC, "::1", PUBLIC_V6, "169.254.169.254"]]}
    async with proxying() as proxy:
        answer = await ask(proxy.port, CONNECT % b"mixed.test:443")
    assert answer.startswith("HTTP/1.1 502 ")
    assert network.connected == [(PUBLIC, 443), (PUBLIC_V6, 443)]


async def test_addresses_are_tried_in_order(proxying: Proxying, network: Network) -> None:
    """One that refuses is no reason to give up."""
    network.names = {"two.test": [[PUBLIC_V6, OTHER_PUBLIC, PUBLIC]]}
    async with proxying() as proxy, Origin(EMPTY) as origin:
        network.servers[OTHER_PUBLIC] = origin.port
        assert (await ask(proxy.port, GET % b"two.test")).startswith("HTTP/1.1 204")
    assert network.connected == [(PUBLIC_V6, 80), (OTHER_PUBLIC, 80)]


async def test_few_addresses_are_tried(proxying: Proxying, network: Network) -> None:
    """A name with many dead ones is given up."""
    network.names = {"many.test": [[f"93.184.216.{number}" for number in range(20)]]}
    async with proxying() as proxy:
        assert (await ask(proxy.port, GET % b"many.test")).startswith("HTTP/1.1 502")
    assert len(network.connected) == 6


async def test_the_allow_list_is_for_one_port(proxying: Proxying, network: Network) -> None:
    """What is allowed may be visited, and its neighbour may not."""
    async with proxying("127.0.0.1:8000") as proxy, Origin(EMPTY) as origin:
        network.servers["127.0.0.1"] = origin.port
        assert (await ask(proxy.port, GET % b"127.0.0.1:8000")).startswith("HTTP/1.1 204")
        assert (await ask(proxy.port, GET % b"127.0.0.1:8001")).startswith("HTTP/1.1 403")
    assert network.connected == [("127.0.0.1", 8000)]


async def test_who_asks_learns_what_was_blocked(proxying: Proxying, network: Network) -> None:
    """By host, or by host and port; what can be visited later is forgotten."""
    network.names = {"late.test": [["10.0.0.1"], [PUBLIC]]}
    async with proxying() as proxy, Origin(EMPTY) as origin:
        network.servers[PUBLIC] = origin.port
        await ask(proxy.port, GET % b"late.test:8080")
        assert proxy.blocked_rule("LATE.test.") == "private_address"
        assert proxy.blocked_rule("late.test", 8080) == "private_address"
        assert proxy.blocked_rule("late.test", 80) is None
        assert proxy.blocked_rule("other.test") is None
        await ask(proxy.port, GET % b"late.test:8080")
        assert proxy.blocked_rule("late.test") is None


async def test_few_blocks_are_remembered(proxying: Proxying) -> None:
    """The last ones; a page that tries many hosts fills no memory."""
    async with proxying() as proxy:
        for number in range(300):
            await ask(proxy.port, GET % f"10.0.{number // 250}.{number % 250}".encode())
        remembered = [n for n in range(300) if proxy.blocked_rule(f"10.0.{n // 250}.{n % 250}")]
    assert remembered == list(range(300 - 256, 300))


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"GET http:// HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET http://a:0/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET http://a:99999/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET http://user@example.com/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET http://exa<mple/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET http://example.com/ HTTP/1.1\r\n\r\n", 400),
        (b"CONNECT example.com HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"CONNECT :443 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"CONNECT http://example.com/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET ftp://example.com/ HTTP/1.1\r\nHost: x\r\n\r\n", 501),
        (b"GET https://example.com/ HTTP/1.1\r\nHost: x\r\n\r\n", 501),
        (b"GET http://a/ HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 200_000, 431),
    ],
)
async def test_nonsense(request_: bytes, status: int, proxying: Proxying, network: Network) -> None:
    """Answered with an error, and nothing is looked up."""
    async with proxying() as proxy:
        assert (await ask(proxy.port, request_)).startswith(f"HTTP/1.1 {status} ")
    assert network.looked_up == network.connected == []


@pytest.mark.parametrize("request_", [GET % b"nowhere.test", CONNECT % b"nowhere.test:443", GET % PUBLIC.encode()])
async def test_unreachable(request_: bytes, proxying: Proxying, happened: list[Event]) -> None:
    """No such name, or nobody there: 502, and no block."""
    async with proxying() as proxy:
        assert (await ask(proxy.port, request_)).startswith("HTTP/1.1 502 Bad Gateway\r\n")
        assert proxy.blocked_rule("nowhere.test") is None
    assert happened == []
